"""The commands of `cpg1 evidence`: verify, keygen, sign-off, export. Neither Dagster nor a database is needed."""

import sys
from pathlib import Path

import click

from cpg1_assets.cli.answering import FAILED, PlaceType, json_option, told
from cpg1_assets.cli.evidence_place import evidence_folder, evidence_path, opened, trusted_keys_option
from cpg1_assets.cli.new_link import made_anew, tell_link
from cpg1_assets.cli.signed_shown import show_signed
from cpg1_assets.cli.terminal import say, say_json
from cpg1_assets.errors import EvidenceError
from cpg1_assets.home import Home
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings


@click.group()
def evidence() -> None:
    """Check, sign and hand on the sealed evidence of the months."""


@evidence.command()
@click.argument("month", required=False)
@evidence_path
@click.option(
    "--anchor",
    metavar="ANCHOR",
    help="The head you noted, such as 12-3f2a9-00c41-9be77-d51f0. Case, dashes and blanks do not matter.",
)
@trusted_keys_option
@click.option(
    "--tsa-ca",
    "authority_file",
    metavar="FILE",
    type=PlaceType(path_type=Path),
    help="Certificates (PEM) of the time-stamping authority you trust: timestamps in the chain must lead to one of them.",
)
@json_option
@told
def verify(
    month: str | None,
    path: Path | None,
    anchor: str | None,
    trusted_keys: tuple[Path, ...],
    authority_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Hash every sealed file again, walk the chain, check the signatures. Exit status 1 if anything differs.

    Works on a copied folder or archive, without a database. Without --anchor or --trusted-key it can only say
    that the evidence is consistent with itself.
    """
    from contextlib import nullcontext  # noqa: PLC0415 - beside what it is for
    from dataclasses import replace  # noqa: PLC0415 - likewise

    from cpg1_assets.evidence.audit.export import OpenedEvidence, opened_evidence  # noqa: PLC0415 - imports pyarrow
    from cpg1_assets.evidence.audit.verify import verify as verify_evidence  # noqa: PLC0415
    from cpg1_assets.evidence.chain.signing import read_public_key  # noqa: PLC0415
    from cpg1_assets.evidence.chain.timestamp_token import read_authorities  # noqa: PLC0415

    authorities = None if authority_file is None else read_authorities(authority_file)
    keys = [read_public_key(key) for key in trusted_keys]
    chosen = None if month is None else CutoffMonth.parse(month).key
    place = nullcontext(OpenedEvidence(evidence_folder())) if path is None else opened_evidence(path)
    with place as found:
        report = verify_evidence(found.folder, chosen or found.month, anchor, keys, authorities)
        report = replace(report, problems=[*found.problems, *report.problems])
    if as_json:
        say_json(report.as_dict())
    else:
        for problem in report.problems:
            say(f"{problem.kind}: {problem.path}: {problem.message}")
        for note in report.notes:
            say(f"note: {note}")
        months = ", ".join(f"{key} ({count})" for key, count in report.months.items()) or "none"
        say(f"Sealed months (versions): {months}. Links of the chain: {report.links}.")
        say(f"{report.files} files hashed, {report.size_bytes:,} bytes.")
        if report.signed_by:
            vouched = "" if trusted_keys else " (whose keys these are was not checked)"
            say(f"Signed with: {', '.join(report.signed_by)}{vouched}")
        show_signed(report.signed)
        for stamp in report.stamps:
            say(f"Timestamp: {stamp}")
        say(report.conclusion)
    sys.exit(FAILED if report.problems else 0)


@evidence.command()
@click.option(
    "--out",
    metavar="FILE",
    type=PlaceType(path_type=Path),
    required=True,
    help="New file for the private key, mode 0600. The public key goes to FILE.pub.",
)
@json_option
@told
def keygen(out: Path, *, as_json: bool) -> None:
    """Make an Ed25519 key pair to sign with. The private key's file is readable by its owner only."""
    from cpg1_assets.evidence.chain.signing import make_key  # noqa: PLC0415

    signer = make_key(out)
    if as_json:
        said = {
            "private_key_file": str(out),
            "public_key_file": f"{out}.pub",
            "public_key": signer.public_key,
            "key_id": signer.key_id,
        }
        say_json(said)
        return
    say(f"Public key: {signer.public_key}")
    say(f"Key id: {signer.key_id}")
    say(f"Private key: {out}. Sign with it: CPG1_SIGNING_KEY_FILE={out}")
    say(f"Give {out}.pub to whoever verifies.")


@evidence.command("sign-off")
@click.argument("month")
@click.option(
    "--role", type=click.Choice(["preparer", "reviewer"]), required=True, help="In which role you sign."
)
@click.option("--name", metavar="NAME", required=True, help="Your name.")
@click.option("--comment", metavar="COMMENT", required=True, help="What you looked at and concluded.")
@click.option(
    "--variance",
    "variances",
    multiple=True,
    metavar="LINE:COMPANY=COMMENT",
    help="Comment on a line that was not computed, or whose smaller items together reach its threshold; each needs one. "
    "May be repeated.",
)
@click.option(
    "--check",
    "checks",
    multiple=True,
    metavar="ASSET:CHECK=COMMENT",
    help="Comment on a failed check of severity ERROR; each needs one, however many rows failed. May be repeated.",
)
@click.option(
    "--item",
    "items",
    multiple=True,
    metavar="ITEM=COMMENT",
    help="Comment on a large open item that has none in the sealed comments; each needs one. May be repeated.",
)
@json_option
@told
def sign_off(
    month: str,
    role: str,
    name: str,
    comment: str,
    variances: tuple[str, ...],
    checks: tuple[str, ...],
    items: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Sign off the newest seal of MONTH as preparer or reviewer. The reviewer cannot be the preparer."""
    from cpg1_assets.evidence.audit.verify import problems_of  # noqa: PLC0415
    from cpg1_assets.evidence.audit.who_signed import one_hand  # noqa: PLC0415
    from cpg1_assets.evidence.chain.links import read_chain  # noqa: PLC0415
    from cpg1_assets.evidence.chain.registered_keys import REVIEWER  # noqa: PLC0415
    from cpg1_assets.evidence.chain.sign_off import CERTIFICATION  # noqa: PLC0415
    from cpg1_assets.evidence.chain.sign_off import sign_off as record  # noqa: PLC0415
    from cpg1_assets.evidence.chain.signing import open_signer  # noqa: PLC0415

    settings = Settings.from_environment()
    if settings.scope is not None:
        raise EvidenceError("A narrowed scope is not the control: it is never sealed and never signed off.")
    certification = settings.certification or CERTIFICATION
    signer = open_signer(settings.signing_key_file, settings.signing_key)
    link = record(
        Home(settings).evidence_folder,
        CutoffMonth.parse(month).key,
        role="reviewer" if role == REVIEWER else "preparer",
        name=name,
        comment=comment,
        variances=dict(_comment(given, "a variance as LINE:COMPANY=COMMENT") for given in variances),
        checks=dict(_comment(given, "a failed check as ASSET:CHECK=COMMENT") for given in checks),
        items=dict(_comment(given, "an open item as ITEM=COMMENT", colon=False) for given in items),
        certification=certification,
        signer=signer,
        problems_of=problems_of,
    )
    said = {
        "month": link.body["month"],
        "version": link.body["version"],
        "role": role,
        "name": link.body["name"],
        "certification": certification,
        "rule": link.body["rule"],
        "open_variances": link.body["open_variances"],
        "failed_checks": link.body["failed_checks"],
        "open_items": link.body["open_items"],
        "notes": one_hand(read_chain(Home(settings).evidence_folder), link.body["month"]),
    }
    words = f"{said['name']}, {role} of {said['month']} (version {said['version']}): {certification}"
    made = made_anew(settings, said["month"])
    notes = [f"note: {note}" for note in said["notes"]]
    tell_link(said, link, signer, words, *notes, as_json=as_json, made=made)


@evidence.command()
@click.argument("month")
@click.option(
    "--out",
    metavar="FILE",
    type=PlaceType(path_type=Path),
    required=True,
    help="New file for the archive (.zip).",
)
@evidence_path
@json_option
@told
def export(month: str, out: Path, path: Path | None, *, as_json: bool) -> None:
    """Write one archive of the sealed evidence of MONTH that an auditor can be sent. Its bytes reproduce."""
    from cpg1_assets.disk import sha256_of  # noqa: PLC0415
    from cpg1_assets.evidence.audit.export import export_month  # noqa: PLC0415
    from cpg1_assets.evidence.chain.links import anchor_of, head  # noqa: PLC0415

    key = CutoffMonth.parse(month).key
    with opened(path) as folder:
        export_month(folder, key, out)
        newest = head(folder)
    said = {
        "month": key,
        "archive": str(out),
        "size_bytes": out.stat().st_size,
        "sha256": sha256_of(out),
        "head": None if newest is None else anchor_of(newest),
    }
    if as_json:
        say_json(said)
        return
    say(f"{out}: {said['size_bytes']:,} bytes, SHA-256 {said['sha256']}")
    say(f"Tell whoever gets it the head of the chain another way than with the archive: {said['head']}")


def _comment(given: str, wanted: str, *, colon: bool = True) -> tuple[str, str]:
    key, equals, comment = given.partition("=")
    if not equals or not key.strip() or (colon and ":" not in key) or not comment.strip():
        raise EvidenceError(f"{given!r}: write a comment on {wanted}.")
    return key.strip(), comment
