"""`cpg1 comments`: takes a month's comments in. It computes nothing else."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from cpg1_assets import stopping
from cpg1_assets.cli.answering import FAILED, json_option, told
from cpg1_assets.cli.render import counted
from cpg1_assets.cli.terminal import say, say_json, say_step
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings

_SHOWN = 20
_KINDS = {
    "open_items": "open item",
    "open_variances": "line",
    "failed_checks": "failed check",
}


@click.command()
@click.argument("month")
@json_option
@told
def comments(month: str, *, as_json: bool) -> None:
    """Take the comments on MONTH's open items in, from the inbox, and seal the month with them.

    The file is INBOX/comments/MONTH.xlsx or .csv, as `cpg1 explain MONTH --csv` gives it out. Nothing is extracted or
    computed anew. Exit status 0: whoever signs is asked for no more. 3: something still needs a comment. 4: the file is
    not taken, and no month is signed off with it. 1: it failed.
    """
    settings = Settings.from_environment()
    chosen = CutoffMonth.parse(month)
    from cpg1_assets.closing.comments import take_comments  # noqa: PLC0415 - imports Dagster

    outcome = take_comments(settings, chosen, (lambda _: None) if as_json else say_step)
    stopping.decide()
    if as_json:
        say_json(outcome.as_dict())
    else:
        say(*_lines(outcome.as_dict()))
    sys.exit(outcome.exit_status)


def _lines(outcome: Mapping[str, Any]) -> Iterator[str]:
    month = outcome["month"]
    if outcome["exit_status"] == FAILED:
        yield from (f"{step}: {why}" for step, why in outcome["failures"])
        yield f"The comments of {month} were not taken in."
        return
    if outcome["refused"]:
        yield f"The comments file of {month} is NOT taken, and the month cannot be signed off until it is:"
        yield from _some(outcome["refused"])
    if not outcome["files"]:
        yield f"There is no comments file of {month}: put it into {outcome['looked_in']} as {month}.xlsx or {month}.csv."
    taken = counted(len(outcome["taken"]), "item")
    yield f"{month}: {taken} commented in the file, {len(outcome['carried'])} carried forward."
    if outcome["lapsed"]:
        yield f"{counted(len(outcome['lapsed']), 'comment')} lapsed, because the item is another by now:"
        yield from _some([_lapse(row) for row in outcome["lapsed"]])
    for place, asked in outcome["asked"].items():
        if asked:
            yield f"Still without a comment: {counted(len(asked), _KINDS[place])}."
            yield from _some([f"{key} ({said})" if said else key for key, said in asked.items()])
    seal = outcome["seal"]
    yield seal["sentence"] + (f"   Anchor: {seal['anchor']}" if seal["anchor"] else "")


def _lapse(row: Mapping[str, Any]) -> str:
    was = f"{row['unexplained_before']} {row['cause_before']}"
    now = f"{row['unexplained']} {row['cause']}"
    said = row["comment_before"] or row["owner_before"] or row["confirmed_cause_before"]
    return f"{row['item']} {row['line']} of {row['id_company']}: {row['change']}, was {was}, is {now}. It said: {said!r}"


def _some(told: Sequence[str]) -> Iterator[str]:
    yield from (f"  {each}" for each in told[:_SHOWN])
    if told[_SHOWN:]:
        yield f"  and {len(told) - _SHOWN} more (all with --json)"
