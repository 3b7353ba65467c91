"""`cpg1 evidence drift` says what moved since the seal, and exits with 0 only where nothing did."""

import json
import re
import shutil
from pathlib import Path

import pytest

import cpg1_assets.evidence.audit.drift
from cpg1_assets.evidence.audit.drift import Drift, ExtractDrift
from cpg1_assets_tests.cli.conftest import Cpg1
from cpg1_assets_tests.closing import Closed
from cpg1_assets_tests.evidence.audit.test_drift import content_of


@pytest.fixture
def home(closed: Closed, tmp_path: Path) -> Path:
    """Give a copy of a home in which a month was sealed, without its storage: nothing of that is looked at."""
    left_out = shutil.ignore_patterns("storage", "dagster", "reports")
    return Path(shutil.copytree(closed.settings.home, tmp_path / "home", symlinks=True, ignore=left_out))


@pytest.mark.parametrize(
    ("problem", "status"),
    [(None, 0), ("The table is not there.", 1)],
)
def test_only_where_everything_was_compared_and_nothing_moved_it_exits_with_0(
    cpg1: Cpg1, monkeypatch: pytest.MonkeyPatch, problem: str | None, status: int
) -> None:
    found = Drift(
        "2025-09", 1, "", ("EC_NG",), narrowed=False, companies_left=(), companies_new=(),
        extracts=(ExtractDrift("cr_03", problem=problem),),
    )  # fmt: skip
    monkeypatch.setattr(cpg1_assets.evidence.audit.drift, "drift", lambda *_: found)
    result = cpg1("evidence", "drift", "2025-09", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (
        status,
        {"books": "SAMPLE BOOKS", **found.as_dict()},
    )
    shown = cpg1("evidence", "drift", "2025-09")
    assert shown.exit_code == status
    assert ("Nothing moved since version 001 was sealed." in shown.stdout) == (problem is None)


def test_what_moved_is_shown_by_company_and_exits_with_1(cpg1: Cpg1, home: Path, tmp_path: Path) -> None:
    books = Path(shutil.copytree(home / "sample_books", tmp_path / "books"))
    (home / "sample_books").unlink()
    books.rename(home / "sample_books")
    file = home / "sample_books" / "inbox" / "jdash" / "2025-09" / "HF_SN.csv"
    text = file.read_text(encoding="utf-8")
    first = text.splitlines()[1]
    # A voucher that is gone from the file, and from its total, which is taken out.
    kept = [line for line in text.splitlines() if line != first and not line.startswith("Total")]
    file.write_text("\n".join(kept) + "\n", encoding="utf-8")
    before = content_of(home)
    result = cpg1("evidence", "drift", "2025-09", "--companies", "HF_SN")
    assert content_of(home) == before
    assert result.exit_code == 1, result.output
    assert "HF_SN.csv changed since the month was sealed" in result.stdout
    assert re.search(r"HF_SN: 1 removed \(amount_used -[\d.]+\) in XOF", result.stdout)
    assert result.stdout.splitlines()[-1] == "Moved of HF_SN since version 001 was sealed: jdash: 1 removed."


@pytest.mark.parametrize(
    ("month", "more", "said"),
    [
        ("2025-08", (), "2025-08 is not sealed in"),
        ("2025-09", ("--version", "7"), "2025-09 has no version 7"),
        ("2025-09", ("--companies", "EC_XX"), "was sealed for EC_IC, EC_KE"),
    ],
)
def test_what_cannot_be_asked_is_an_error_in_a_sentence(
    cpg1: Cpg1, month: str, more: tuple[str, ...], said: str
) -> None:
    result = cpg1("evidence", "drift", month, *more)
    assert result.exit_code == 1
    assert said in result.stderr
