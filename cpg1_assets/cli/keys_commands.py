"""`cpg1 evidence keys`: who may sign with which key. Needs neither Dagster nor a database."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cpg1_assets.cli.answering import FAILED, PlaceType, json_option, told
from cpg1_assets.cli.evidence_place import evidence_path, opened
from cpg1_assets.cli.new_link import tell_head
from cpg1_assets.cli.signed_shown import show_keys
from cpg1_assets.cli.terminal import say, say_json
from cpg1_assets.errors import EvidenceError
from cpg1_assets.home import Home
from cpg1_assets.settings import Settings

if TYPE_CHECKING:
    from cpg1_assets.evidence.chain.links import Link
    from cpg1_assets.evidence.chain.registered_keys import RegisteredKey


@click.group(invoke_without_command=True)
@evidence_path
@json_option
@told
def keys(path: Path | None, *, as_json: bool) -> None:
    """List the key register: who may sign with which key, in which role, and from when to when.

    Once the register has an entry, sign-offs and reopenings are signed with its keys, and anything else is refused.
    """
    then = click.get_current_context().invoked_subcommand
    if then is not None:
        if path is not None or as_json:
            raise click.UsageError(f"Options of {then} come after it; --path is for the list alone.")
        return
    from cpg1_assets.evidence.chain.key_register import inspect_register  # noqa: PLC0415 - beside what it is for
    from cpg1_assets.evidence.chain.links import anchor_of, read_chain  # noqa: PLC0415
    from cpg1_assets.evidence.chain.registered_keys import REGISTRAR  # noqa: PLC0415

    with opened(path) as folder:
        links = read_chain(folder)
    register, problems = inspect_register(links)
    registered = register.keys
    registrars = [key.person for key in registered if key.role == REGISTRAR and key.revocation is None]
    if as_json:
        head = anchor_of(links[-1]) if links else None
        wrong = [problem._asdict() for problem in problems]
        say_json({"keys": [_as_dict(key) for key in registered], "problems": wrong, "head": head})
        sys.exit(FAILED if problems else 0)
    for problem in problems:
        say(f"{problem.kind}: {problem.path}: {problem.message}")
    if registered:
        show_keys(registered)
    else:
        say("There is no key register: a sign-off without a key of its own is an assertion.")
        say("A registrar begins it: cpg1 evidence keys add FILE.pub --person NAME --role registrar")
    if len(registrars) == 1:
        say(
            f"{registrars[0]} is the only registrar: without that key nobody can change the register. Add another one."
        )
    sys.exit(FAILED if problems else 0)


@keys.command()
@click.argument("public_key_file", metavar="FILE", type=PlaceType(path_type=Path))
@click.option(
    "--person", metavar="NAME", required=True, help="Whose key it is: the name that they sign with."
)
@click.option(
    "--role",
    type=click.Choice(["preparer", "reviewer", "registrar"]),
    required=True,
    help="What the key signs: sign-offs as preparer or as reviewer, or changes of this register.",
)
@click.option(
    "--from",
    "valid_from",
    metavar="DAY",
    help="First day on which it is valid, or a time, such as 2025-10-01T14:30:00; both UTC. Default: from now on.",
)
@click.option(
    "--to",
    "valid_to",
    metavar="DAY",
    help="Last day on which it is valid, or a time. Default: until it is revoked. Not for a registrar.",
)
@json_option
@told
def add(
    public_key_file: Path,
    person: str,
    role: str,
    valid_from: str | None,
    valid_to: str | None,
    *,
    as_json: bool,
) -> None:
    """Register the public key in FILE as that of a person in a role. A registrar signs it.

    The first entry is the key of a registrar, signed with that very key.
    """
    from cpg1_assets.evidence.chain.key_register import add_key  # noqa: PLC0415
    from cpg1_assets.evidence.chain.signing import open_signer, read_public_key  # noqa: PLC0415

    settings = _deployment()
    link = add_key(
        Home(settings).evidence_folder,
        read_public_key(public_key_file),
        person=person,
        role=role,
        valid_from=valid_from,
        valid_to=valid_to,
        signer=open_signer(settings.signing_key_file, settings.signing_key),
    )
    _tell(settings, link, as_json=as_json)


@keys.command()
@click.argument("key_id", metavar="KEY")
@click.option(
    "--from",
    "revoked_from",
    metavar="DAY",
    help="First day on which it signs nothing any more, or a time; both UTC, and may be past. Default: from now on.",
)
@click.option("--reason", metavar="REASON", required=True, help="Why it is revoked.")
@json_option
@told
def revoke(key_id: str, revoked_from: str | None, reason: str, *, as_json: bool) -> None:
    """Revoke the key of the register whose id is KEY. A registrar signs it.

    Where it signed something since the day given, verify names it; a sign-off that covers a month is then made anew.
    """
    from cpg1_assets.evidence.chain.key_register import revoke_key  # noqa: PLC0415
    from cpg1_assets.evidence.chain.signing import open_signer  # noqa: PLC0415

    settings = _deployment()
    link = revoke_key(
        Home(settings).evidence_folder,
        key_id,
        reason=reason,
        revoked_from=revoked_from,
        signer=open_signer(settings.signing_key_file, settings.signing_key),
    )
    _tell(settings, link, as_json=as_json)


def _deployment() -> Settings:
    settings = Settings.from_environment()
    if settings.scope is not None:
        raise EvidenceError(
            "A narrowed scope is not the control: it is never signed off and has no key register."
        )
    return settings


def _tell(settings: Settings, link: "Link", *, as_json: bool) -> None:
    """Print the entry as the register has it now."""
    from cpg1_assets.evidence.chain.links import anchor_of, read_chain  # noqa: PLC0415
    from cpg1_assets.evidence.chain.registered_keys import register_of  # noqa: PLC0415

    links = read_chain(Home(settings).evidence_folder)
    key = register_of(links).key(str(link.body["public_key"]))
    if key is None:
        raise EvidenceError(
            f"{link.name} was recorded, and is not in the chain any more: look with cpg1 evidence verify"
        )
    if as_json:
        say_json({**_as_dict(key), "chain_index": link.index, "anchor": anchor_of(link)})
        return
    show_keys([key])
    tell_head(link)


def _as_dict(key: "RegisteredKey") -> dict[str, Any]:
    revocation = key.revocation
    return {
        "key_id": key.key_id,
        "public_key": key.public_key,
        "person": key.person,
        "role": key.role,
        "valid_from": key.valid_from.isoformat(),
        "valid_to": None if key.valid_to is None else key.valid_to.isoformat(),
        "revoked_from": None if key.revoked_from is None else key.revoked_from.isoformat(),
        "revoked_because": None if revocation is None else revocation.body["reason"],
        "registered_by_link": key.entry.index,
        "revoked_by_link": None if revocation is None else revocation.index,
    }
