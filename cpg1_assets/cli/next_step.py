"""Which command to run next, by what a month has come to: exactly one, which can be copied."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from shlex import quote
from typing import Any, NamedTuple

from cpg1_assets.cli.answering import FAILED
from cpg1_assets.cli.terminal import program
from cpg1_assets.settings import Settings

Asked = Mapping[str, Mapping[str, str]]
"""What a sign-off would ask for, by kind: key, and what it is. See `asked_at_sign_off`."""


class NextStep(NamedTuple):
    """A command, and what it is for."""

    why: str
    command: str


def next_step(result: Mapping[str, Any], asked: Asked | None, settings: Settings) -> NextStep:
    """Give the next command for a month, of which `result` says what it has come to, as `month_standing` does.

    First what makes its figures another (a file in storage that is damaged, a file that came late), then what its
    open lines are made of, then the sign-offs. `asked` is None where it cannot be said what a sign-off would ask for.
    """
    return next(_steps(result, asked, settings))


def _steps(result: Mapping[str, Any], asked: Asked | None, settings: Settings) -> Iterator[NextStep]:
    """Give all that could be done, the first thing first."""
    signs = {sign["role"] for sign in result["seal"]["sign_offs"] if sign["covers"]}
    red = largest_open(result["lines"])
    yield from _closing_again(result, signs, settings)
    yield from _of_a_scope(result["month"], red, settings)
    yield from _to_the_sign_offs(result, signs, red, asked, settings)


def _closing_again(
    result: Mapping[str, Any], signs: Collection[str], settings: Settings
) -> Iterator[NextStep]:
    month = result["month"]
    again = _command(settings, "close", "--month", month)
    if result["exit_status"] == FAILED and result.get("resumes"):
        # What was kept may be what is wrong, as extracts of different moments that do not agree.
        yield NextStep("When that is mended, draw and compute all of the month again", f"{again} --anew")
    if result["exit_status"] == FAILED:
        yield NextStep("When that is mended, close the month again", again)
    if result.get("damaged") or result.get("older"):
        yield NextStep("Close the month again", again)
    if not result["lines"]:
        yield NextStep("Close the month", again)
    if result.get("late_files"):
        yield _reopened(month) if "reviewer" in signs else NextStep("Take the late file in", again)


def _of_a_scope(month: str, red: Mapping[str, Any] | None, settings: Settings) -> Iterator[NextStep]:
    if settings.scope is not None:
        if red:
            yield _explained(month, red, settings)
        yield NextStep("Close the whole control", f"{program()} close --month {month}")


def _to_the_sign_offs(
    result: Mapping[str, Any],
    signs: Collection[str],
    red: Mapping[str, Any] | None,
    asked: Asked | None,
    settings: Settings,
) -> Iterator[NextStep]:
    month = result["month"]
    if result.get("comments_not_taken"):
        yield NextStep("Take the comments in", f"{program()} comments {month}")
    if "reviewer" in signs:
        yield NextStep("Give it to an auditor", f"{program()} evidence export {month} --out {month}.zip")
    if asked is None:
        yield NextStep("See what is wrong with the evidence", f"{program()} evidence verify {month}")
    if not result["seal"]["version"]:
        yield NextStep("Close the month, so that it is sealed", f"{program()} close --month {month}")
    if red and "preparer" not in signs and (asked or {}).get("open_items"):
        yield _explained(month, red, settings)
    yield _signed(month, "reviewer" if "preparer" in signs else "preparer", asked or {})


def largest_open(lines: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Give the line with the largest unexplained variance in USD; None where no line has one."""
    red = [line for line in lines if line["status"] == "VARIANCE_DETECTED"]
    return max(red, key=lambda line: abs(Decimal(line["unexplained_usd"])), default=None)


def explain_command(settings: Settings, month: str, *more: str) -> str:
    """Give the command that explains a month of this scope, as a person writes it."""
    return _command(settings, "explain", month, *more)


def _explained(month: str, red: Mapping[str, Any], settings: Settings) -> NextStep:
    more = ("--company", red["id_company"], "--line", red["line"])
    return NextStep("See what the largest open line is made of", explain_command(settings, month, *more))


def _reopened(month: str) -> NextStep:
    why = "The late file counts once the month is reopened and closed again"
    return NextStep(why, f"{program()} reopen {month} --name NAME --reason REASON")


def _signed(month: str, role: str, asked: Asked) -> NextStep:
    """Give the sign-off, with a place for each comment that is asked for."""
    options = {"open_items": "--item", "open_variances": "--variance", "failed_checks": "--check"}
    comments = [
        f" {option} {quote(f'{key}=COMMENT')}"
        for place, option in options.items()
        for key in (asked.get(place, {}) if role == "preparer" else ())
    ]
    return NextStep(
        f"Sign it off as {role}",
        f"{program()} evidence sign-off {month} --role {role} --name NAME --comment COMMENT{''.join(comments)}",
    )


def _command(settings: Settings, *words: str) -> str:
    scope = {
        name: value for name, value in settings.scope_environment().items() if value and name != "CPG1_HOME"
    }
    return " ".join(
        [*(f"{name}={quote(value)}" for name, value in scope.items()), program(), *map(quote, words)]
    )
