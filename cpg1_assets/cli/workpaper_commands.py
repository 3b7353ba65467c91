"""The commands `cpg1 evidence index`, `certificate` and `data`: what is given out of a sealed month beside its evidence.

Each verifies the month first, and writes one new file or folder. With `--path` no setting is looked at.
"""

from pathlib import Path
from typing import Any

import click

from cpg1_assets.cli.answering import PlaceType, json_option, told
from cpg1_assets.cli.evidence_place import (
    evidence_path,
    opened,
    sealed_in,
    trusted_keys_option,
    version_option,
)
from cpg1_assets.cli.several_values import Several, split
from cpg1_assets.cli.terminal import say, say_json
from cpg1_assets.errors import EvidenceError
from cpg1_assets.month import CutoffMonth
from cpg1_assets.refusal import naming
from cpg1_assets.settings import Settings

_CSV, _HTML = ".csv", ".html"


@click.command()
@click.argument("month")
@click.option(
    "--out",
    metavar="FILE",
    type=PlaceType(path_type=Path),
    required=True,
    help="New file: a page where its name ends in .html, else CSV (.csv), for a spreadsheet.",
)
@version_option
@evidence_path
@json_option
@told
def index(month: str, out: Path, version: int | None, path: Path | None, *, as_json: bool) -> None:
    """List for each attribute of the control the sealed files of MONTH that prove it, by hash and link of the chain."""
    from cpg1_assets.deliverables.closed_month import closed_month  # noqa: PLC0415 - imports pyarrow
    from cpg1_assets.deliverables.workpaper_index import index_csv, index_html  # noqa: PLC0415 - likewise
    from cpg1_assets.evidence.audit.export import require_new  # noqa: PLC0415 - likewise
    from cpg1_assets.evidence.audit.verify import require_verified  # noqa: PLC0415 - likewise

    _require_suffix(out, _CSV, _HTML)
    chosen = CutoffMonth.parse(month)
    with opened(path) as evidence:
        require_new(out, evidence)
        number = sealed_in(evidence, chosen.key, version).version
        verified = require_verified(evidence, chosen.key, "there is no index of it")
        closed = closed_month(evidence, chosen, number)
        content = index_html(closed, _locale(path)) if out.suffix.lower() == _HTML else index_csv(closed)
        _write(out, content)
    _tell({"month": chosen.key, "version": number, "head": verified.head}, out, as_json=as_json)


@click.command()
@click.argument("month")
@click.option(
    "--out",
    metavar="FILE",
    type=PlaceType(path_type=Path),
    required=True,
    help="New file for the page (.html).",
)
@click.option(
    "--anchor", metavar="ANCHOR", help="The head you noted: the page then says that it was compared."
)
@trusted_keys_option
@evidence_path
@json_option
@told
def certificate(
    month: str,
    out: Path,
    anchor: str | None,
    trusted_keys: tuple[Path, ...],
    path: Path | None,
    *,
    as_json: bool,
) -> None:
    """Write the certificate of MONTH, one page to print: what was closed, its result, who signed, how it verified.

    Only a month that is signed off as it is sealed now, and verifies, has one.
    """
    from cpg1_assets.deliverables.certificate import certificate_html  # noqa: PLC0415 - imports pyarrow
    from cpg1_assets.deliverables.closed_month import closed_month  # noqa: PLC0415 - likewise
    from cpg1_assets.evidence.audit.export import require_new  # noqa: PLC0415 - likewise
    from cpg1_assets.evidence.audit.verify import verify  # noqa: PLC0415 - likewise
    from cpg1_assets.evidence.chain.links import time_now  # noqa: PLC0415 - likewise
    from cpg1_assets.evidence.chain.signing import read_public_key  # noqa: PLC0415 - likewise

    _require_suffix(out, _HTML)
    chosen = CutoffMonth.parse(month)
    keys = [read_public_key(key) for key in trusted_keys]
    with opened(path) as evidence:
        require_new(out, evidence)
        closed = closed_month(evidence, chosen)
        verified = verify(evidence, chosen.key, anchor, keys)
        at = time_now(closed.links[-1].made_at)
        _write(out, certificate_html(closed, verified, at, _locale(path)))
    said = {"month": chosen.key, "version": closed.sealed.version, "head": closed.head}
    _tell({**said, "verified_at": at, "conclusion": verified.conclusion}, out, as_json=as_json)


@click.command(cls=Several)
@click.argument("month")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["ads", "csv"]),
    required=True,
    help="ads: GL_Detail and Trial_Balance in the field names of the Audit Data Standards. csv: the frames as they are.",
)
@click.option(
    "--frames",
    metavar="FRAME...",
    multiple=True,
    help="With csv: which sealed frames, such as cr_03 reconciliation.",
)
@click.option("--out", metavar="FOLDER", type=PlaceType(path_type=Path), required=True, help="New folder.")
@version_option
@evidence_path
@json_option
@told
def data(
    month: str,
    kind: str,
    frames: tuple[str, ...],
    out: Path,
    version: int | None,
    path: Path | None,
    *,
    as_json: bool,
) -> None:
    """Write sealed data of MONTH as text files that other programs read, with digests that tie them to the seal."""
    from cpg1_assets.deliverables.closed_month import closed_month  # noqa: PLC0415 - imports pyarrow
    from cpg1_assets.deliverables.data_files import ADS, DIGESTS, write_ads, write_csv  # noqa: PLC0415 - likewise
    from cpg1_assets.evidence.audit.export import require_new  # noqa: PLC0415 - likewise
    from cpg1_assets.evidence.audit.verify import require_verified  # noqa: PLC0415 - likewise

    chosen, asked = CutoffMonth.parse(month), split(frames) or ()
    if (kind == ADS) == bool(asked):
        raise click.UsageError(
            "Name frames with --frames for csv, and none for ads: its files are of cr_03 and cr_04."
        )
    with opened(path) as evidence:
        require_new(out, evidence)
        number = sealed_in(evidence, chosen.key, version).version
        require_verified(evidence, chosen.key, "no data of it is written")
        closed = closed_month(evidence, chosen, number)
        said = write_ads(closed, out) if kind == ADS else write_csv(closed, asked, out)
    if as_json:
        say_json({"folder": str(out), **said})
        return
    for name, file in said["files"].items():
        say(f"{out / name}: {file['rows']:,} rows, SHA-256 {file['sha256']}")
        if file["texts_a_spreadsheet_would_run"]:
            say(
                f"  {file['texts_a_spreadsheet_would_run']:,} texts of {file['frame']} begin like a formula: import it as "
                "text, do not open it in a spreadsheet."
            )
    say(
        f"{out / DIGESTS} ties them to version {number} of {chosen.key}, from the chain up to {said['head']}."
    )


def _require_suffix(out: Path, *suffixes: str) -> None:
    if out.suffix.lower() not in suffixes:
        raise EvidenceError(f"{out}: give a file whose name ends in {' or '.join(suffixes)}.")


def _locale(path: Path | None) -> str:
    return Settings.from_environment().locale if path is None else Settings.locale


def _write(out: Path, content: str) -> None:
    from cpg1_assets.disk import write_whole  # noqa: PLC0415 - beside what it is for

    with naming("The file", out):
        write_whole(out, content.encode())


def _tell(said: dict[str, Any], out: Path, *, as_json: bool) -> None:
    from cpg1_assets.disk import sha256_of  # noqa: PLC0415 - beside what it is for

    digest = sha256_of(out)
    if as_json:
        say_json({**said, "file": str(out), "sha256": digest})
        return
    say(f"{out}: SHA-256 {digest}")
    say(f"Made of version {said['version']} of {said['month']}, from the chain up to {said['head']}.")
