"""The commands `cpg1 evidence sample`, `sample-check` and `sample-add`: rows drawn from what is sealed, tested, taken back.

Drawing and checking read the evidence folder and nothing else: with `--path` no setting is looked at.
"""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from cpg1_assets.cli.answering import FAILED, PlaceType, json_option, told
from cpg1_assets.cli.evidence_place import evidence_path, opened, sealed_in, version_option
from cpg1_assets.cli.new_link import made_anew, tell_link
from cpg1_assets.cli.terminal import say, say_json
from cpg1_assets.errors import EvidenceError
from cpg1_assets.home import Home
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings

if TYPE_CHECKING:
    from cpg1_assets.evidence.samples.draw import Method
    from cpg1_assets.evidence.samples.returned import Returned

_METHODS = ("random", "systematic", "monetary-unit")
_SUFFIXES = (".xlsx", ".csv")


@click.command("sample")
@click.argument("extract")
@click.option("--month", metavar="MONTH", required=True, help="Sealed month to draw from, such as 2025-09.")
@click.option("--size", metavar="NUMBER", type=int, required=True, help="Rows to draw: 1 to 10,000.")
@click.option(
    "--seed",
    metavar="SEED",
    required=True,
    help="Letters, digits, dots, dashes: the same seed draws the same rows.",
)
@click.option("--method", type=click.Choice(_METHODS), required=True, help="How rows are drawn.")
@click.option(
    "--amount",
    metavar="COLUMN",
    help="Column of amounts that a monetary-unit sample is of. Default: the amount of the extract, where it has one.",
)
@click.option(
    "--company",
    metavar="COMPANY",
    help="Draw from the rows of this company. A monetary-unit sample is of one, since amounts are in its currency.",
)
@version_option
@click.option(
    "--out",
    "outs",
    metavar="FILE",
    type=PlaceType(path_type=Path),
    multiple=True,
    required=True,
    help="New file for the workpaper, .xlsx or .csv. May be repeated.",
)
@evidence_path
@json_option
@told
def sample_draw(
    extract: str,
    month: str,
    size: int,
    seed: str,
    method: str,
    amount: str | None,
    company: str | None,
    version: int | None,
    outs: tuple[Path, ...],
    path: Path | None,
    *,
    as_json: bool,
) -> None:
    """Draw rows of the sealed frame EXTRACT into a workpaper, each with the proof that it was sealed.

    The same seed draws the same rows on any machine; how, is in the docs, so that it can be done by hand.
    """
    from cpg1_assets.deliverables.sample_workpaper import write_workpaper  # noqa: PLC0415 - lays out
    from cpg1_assets.disk import put_whole  # noqa: PLC0415 - beside what it is for
    from cpg1_assets.evidence.audit.export import require_new  # noqa: PLC0415 - imports pyarrow
    from cpg1_assets.evidence.samples.draw import Terms  # noqa: PLC0415 - imports pyarrow
    from cpg1_assets.evidence.samples.sample import draw_sample  # noqa: PLC0415 - likewise
    from cpg1_assets.evidence.samples.workpaper import lines_above  # noqa: PLC0415 - likewise

    for out in outs:
        if out.suffix.lower() not in _SUFFIXES:
            raise EvidenceError(f"{out}: a workpaper is .xlsx or .csv.")
    terms = Terms(cast("Method", method), size, seed, amount, company)
    with opened(path) as evidence:
        for out in outs:
            require_new(out, evidence)
        drawn = draw_sample(sealed_in(evidence, CutoffMonth.parse(month).key, version), extract, terms)
        for out in outs:
            put_whole(out, partial(write_workpaper, drawn, suffix=out.suffix))
    if as_json:
        said = {
            "books": drawn.books,
            "month": drawn.sealed.month,
            "version": drawn.sealed.version,
            "asset": drawn.asset,
            "method": drawn.terms.method,
            "size": drawn.terms.size,
            "seed": drawn.terms.seed,
            "amount": drawn.terms.amount,
            "how": drawn.how,
            "company": drawn.terms.company,
            "population": drawn.population,
            "rows_root": str(drawn.tree),
            "rows": [row.drawn.row for row in drawn.rows],
            "files": [str(out) for out in outs],
        }
        say_json(said)
        return
    for line in lines_above(drawn):
        say(line)
    say(f"Rows drawn: {len(drawn.rows)}. Workpaper: {', '.join(map(str, outs))}")


@click.command("sample-check")
@click.argument("file", type=PlaceType(path_type=Path))
@click.option(
    "--root",
    metavar="ROWS:ROOT",
    help="Number and root of the frame's rows, as seal.json has them: checks by the proofs alone, without any evidence.",
)
@evidence_path
@json_option
@told
def sample_check(file: Path, root: str | None, path: Path | None, *, as_json: bool) -> None:
    """Check the workpaper FILE: its rows are those that were drawn, and are in the sealed frame. Exit status 1 if not.

    With the sealed frame the sample is drawn again; without it, by --root or the seal, each row is proven by its proof.
    """
    from cpg1_assets.evidence.row_tree.rows import parse_row_tree  # noqa: PLC0415 - imports pyarrow
    from cpg1_assets.evidence.samples.returned import read_workpaper, unproven  # noqa: PLC0415 - likewise

    if root is not None and path is not None:
        raise EvidenceError("Give --root, or --path of evidence that has the seal: one of them.")
    returned = read_workpaper(file)
    if root is not None:
        problems = [*unproven(returned, parse_row_tree(root))]
        against = "the root that was given"
    else:
        with opened(path) as evidence:
            problems, against = _held_against(evidence, returned)
    results = returned.results
    filled = ", ".join(f"{count} {result}" for result, count in results.items())
    if as_json:
        said: dict[str, Any] = {
            "as_drawn": not problems,
            "against": against,
            "problems": problems,
            "rows": len(returned.rows),
            "results": results,
        }
        say_json(said)
    else:
        for problem in problems:
            say(problem)
        if problems:
            counted = "1 difference" if len(problems) == 1 else f"{len(problems)} differences"
            say(f"{counted}: this is not, or not all, what was drawn, by {against}.")
        else:
            say(f"As it was drawn and sealed, by {against}. Rows: {len(returned.rows)}.")
        say(f"Results: {filled}; {len(returned.rows) - sum(results.values())} without one.")
    sys.exit(FAILED if problems else 0)


def _held_against(evidence: Path, returned: "Returned") -> tuple[list[str], str]:
    """Hold a workpaper against the sealed frame, or, where only the seal is there, against its root; say which."""
    from cpg1_assets.evidence.samples.returned import changed, unproven  # noqa: PLC0415 - imports pyarrow
    from cpg1_assets.evidence.samples.sample import draw_sample, sealed_tree  # noqa: PLC0415 - likewise
    from cpg1_assets.evidence.samples.taken import sealed_of  # noqa: PLC0415 - likewise

    mark = returned.mark
    sealed = sealed_of(evidence, mark)
    if (sealed.folder / "data" / f"{mark.asset}.parquet").exists():
        problems = [*changed(returned, draw_sample(sealed, mark.asset, mark.terms))]
        return problems, "the sealed frame, from which it was drawn again"
    return [*unproven(returned, sealed_tree(sealed, mark.asset))], "the root in the seal"


@click.command("sample-add")
@click.argument("file", type=PlaceType(path_type=Path))
@json_option
@told
def sample_add(file: Path, *, as_json: bool) -> None:
    """Take the workpaper FILE, filled in, into the evidence folder and the chain, if its rows are those drawn."""
    from cpg1_assets.evidence.chain.signing import open_signer  # noqa: PLC0415
    from cpg1_assets.evidence.samples.taken import take_sample  # noqa: PLC0415 - imports pyarrow

    settings = Settings.from_environment()
    if settings.scope is not None:
        raise EvidenceError(
            "A narrowed scope is not the control: it is never sealed, and no sample is drawn from it."
        )
    signer = open_signer(settings.signing_key_file, settings.signing_key)
    link = take_sample(Home(settings).evidence_folder, file, signer=signer)
    said = dict(link.body)
    filled = ", ".join(f"{count} {result}" for result, count in said["results"].items())
    words = f"Sample of {said['asset']}, {said['month']} (version {said['version']}), rows: {filled}."
    tell_link(
        said,
        link,
        signer,
        words,
        f"Kept as {said['month']}/{said['file']}",
        as_json=as_json,
        made=made_anew(settings, said["month"]),
    )
