"""The page for a red line shows commands with what they really print, and what it says of causes is what they mean."""

import csv
import io
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import cpg1_assets
from cpg1_assets.cli.commands import main
from cpg1_assets.rules.causes import MEANINGS
from cpg1_assets_tests.closing import Closed

PAGE = Path(cpg1_assets.__file__).parent.parent / "docs" / "a-line-is-red.md"
_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(*arguments: str) -> str:
    done = CliRunner().invoke(main, list(arguments))
    assert isinstance(done.exception, SystemExit | None), done.exception
    assert done.exit_code in (0, 3), done.output
    return done.output


def rewritten(page: str, answer: Callable[[list[str]], str]) -> str:
    """Give the page with what its commands print now."""
    return _CONSOLE.sub(lambda block: f"```console\n{''.join(_told(block[1], answer))}```", page)


def _told(block: str, answer: Callable[[list[str]], str]) -> Iterator[str]:
    for command in re.findall(r"^\$ (.*)$", block, re.MULTILINE):
        called, _, wanted = command.partition(" | grep ")
        of_any = shlex.split(wanted)[0].split(r"\|") if wanted else [""]
        printed = [line.rstrip() for line in answer(shlex.split(called)[1:]).splitlines()]
        yield f"$ {command}\n"
        yield from (f"{line}\n" for line in printed if any(word in line for word in of_any))


def test_the_commands_print_what_the_page_says_up_to_the_sign_off(
    closed: Closed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    shutil.copytree(closed.settings.home, home, symlinks=True)
    inbox = tmp_path / "inbox"
    shutil.copytree(closed.settings.home / "sample_books" / "inbox", inbox)
    (inbox / "comments").mkdir()
    monkeypatch.setenv("CPG1_HOME", str(home))
    monkeypatch.setenv("CPG1_INBOX", str(inbox))
    page = PAGE.read_text(encoding="utf-8")
    (of_one_item,) = re.findall(r"^```csv\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)

    def answer(arguments: list[str]) -> str:
        if arguments[0] == "comments":
            (inbox / "comments" / "2025-09.csv").write_text(of_one_item)
        if arguments[:2] == ["evidence", "sign-off"]:
            (inbox / "comments" / "2025-09.csv").write_text(
                _all_commented(run("explain", "2025-09", "--csv"))
            )
            run("comments", "2025-09")
        return run(*arguments)

    as_it_is = tmp_path / PAGE.name
    as_it_is.write_text(rewritten(page, answer), encoding="utf-8")
    assert page == as_it_is.read_text(encoding="utf-8"), f"what the commands print is in {as_it_is}"
    assert "preparer Ann" in run("status", "2025-09")


def _all_commented(sheet: str) -> str:
    """Fill in the sheet as the page says: a comment on every item that says nothing yet."""
    rows = list(csv.DictReader(io.StringIO(sheet, newline="")))
    filled = io.StringIO()
    writer = csv.DictWriter(filled, list(rows[0]))
    writer.writeheader()
    for row in rows:
        writer.writerow(row | {"comment": row["comment"] or "Looked at."})
    return filled.getvalue()


def test_the_page_says_of_every_cause_what_it_means() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert dict(rows[1:]) == {"---": "---", **MEANINGS}
