"""What is kept of earlier processes: never another answer than the work gives, and never needed."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets import kept as module
from cpg1_assets.kept import kept, made_by
from cpg1_assets.loaded import TEXTS


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Keep in a place of the test's own, as where bytecode is written."""
    monkeypatch.setattr(module, "_folder", lambda: tmp_path / "kept")
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path / "kept"


@dataclass
class Work:
    """Work that counts how often it is done."""

    answer: str
    times: int = 0

    def __call__(self) -> str:
        """Do it."""
        self.times += 1
        return self.answer


def test_the_same_is_worked_out_once_and_what_was_asked_is_all_of_it() -> None:
    work = Work("answer")
    assert [kept(work, "judged", "ab", "c") for _ in range(3)] == ["answer"] * 3
    assert work.times == 1
    others = [
        kept(Work("other"), *asked)
        for asked in (("judged", "a", "bc"), ("judged", "abc"), ("said", "ab", "c"))
    ]
    assert others == ["other"] * 3


@given(answer=st.text())
def test_any_answer_comes_back_as_it_was(answer: str) -> None:
    assert kept(Work(answer), "echo", answer) == answer
    assert kept(Work("not asked"), "echo", answer) == answer


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda content: content.replace(b"answer", b"amswer"),
        lambda content: content[:-1],
        lambda content: content + b"\n",
        lambda _: b"",
        lambda _: b"\xff\n\n",
        lambda content: content.replace(b"\n", b"\r\n"),
    ],
)
def test_what_is_not_as_it_was_written_is_worked_out_again(
    folder: Path, spoilt: Callable[[bytes], bytes]
) -> None:
    kept(Work("the answer"), "judged")
    (file,) = folder.iterdir()
    file.write_bytes(spoilt(file.read_bytes()))
    work = Work("the answer")
    assert (kept(work, "judged"), work.times) == ("the answer", 1)


def test_another_code_works_it_out_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    kept(Work("before"), "judged")
    monkeypatch.setattr(module, "made_by", lambda: "0" * 64)
    assert [kept(Work("after"), "judged") for _ in range(2)] == ["after"] * 2


def test_the_code_is_every_file_that_decides_figures_and_the_libraries_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes = {made_by.__wrapped__()}
    monkeypatch.setattr(module, "TEXTS", {**TEXTS, "sources/dialect.py": b"# another"})
    codes.add(made_by.__wrapped__())
    monkeypatch.setattr(module, "version", lambda name: f"{name} 99")
    codes.add(made_by.__wrapped__())
    assert len(codes) == 3


def test_where_nothing_can_be_written_it_is_worked_out_each_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write_text("no folder", encoding="utf-8")
    work = Work("answer")
    assert [kept(work, "judged") for _ in range(2)] == ["answer"] * 2
    assert work.times == 2
    folder.unlink()
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert kept(work, "judged") == "answer"
    assert not folder.exists(), "Python writes no bytecode either"


def test_work_that_raises_is_not_kept(folder: Path) -> None:
    def raises() -> str:
        raise LookupError

    for _ in range(2):
        with pytest.raises(LookupError):
            kept(raises, "judged")
    assert not folder.exists()


_ASKED = """
import sys
from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.extracts.scope import read_scope
from cpg1_assets.month import CutoffMonth
from cpg1_assets.sources import dialect
from cpg1_assets.sources.query import Query

def parsed(text):
    sys.exit("parsed again")

if "kept" in sys.argv:
    dialect.statements_of = parsed
values = {**CutoffMonth(2025, 9).parameters(), **read_scope().parameters(), "companies": ("EC_NG",)}
for name, extract in read_catalog().items():
    print(name, dialect.to_duckdb(Query(extract.sql, values), keep=True)[0])
"""


def test_the_next_process_says_the_same_of_the_statements_without_parsing_one(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}

    def asked(*more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", _ASKED, *more],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    assert asked("kept").stderr == "parsed again\n"
    worked_out, before = asked(), asked("kept")
    assert "SELECT" in worked_out.stdout
    assert (before.returncode, before.stdout, before.stderr) == (0, worked_out.stdout, "")
