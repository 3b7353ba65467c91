"""Due dates are told for the companies of the month in storage, and only else for those the source has."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpg1_assets.close_calendar.companies import DueDates, companies_of, due_dates_of
from cpg1_assets.disk import sha256_of
from cpg1_assets.errors import CalendarError, FileFormatError, ScopeError, StorageError
from cpg1_assets.extracts.scope import Scope, read_scope
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings
from cpg1_assets.storage.files import ParquetStorage
from cpg1_assets.storage.provenance import Provenance, provenance_name
from cpg1_assets_tests.close_calendar.calendars import BOOKS, Books

MONTH = CutoffMonth(2025, 9)


@pytest.fixture
def storage(tmp_path: Path) -> ParquetStorage:
    return ParquetStorage(str(tmp_path / "storage"), tmp_path / "spool")


def stored(storage: ParquetStorage, month: str, companies: dict[str, str | None]) -> Path:
    """Put the companies of a month in storage; give the file."""
    path = Path(storage.path("cr_05", month))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id_company": [*companies], "company_country": [*companies.values()]}), path)
    said = Provenance("cr_05", month, sha256_of(path), {}, "", "")
    path.with_name(provenance_name(month, said.sha256)).write_bytes(said.content())
    return path


def found(storage: ParquetStorage, books: Books, scope: Scope | None = None) -> dict[str, str | None]:
    return companies_of(storage, books, scope or read_scope(), MONTH)


def test_the_source_is_asked_where_nothing_is_stored(storage: ParquetStorage) -> None:
    books = Books()
    assert found(storage, books) == BOOKS
    assert books.asked == 1


def test_who_may_not_ask_the_source_is_told_how_to(storage: ParquetStorage) -> None:
    with pytest.raises(CalendarError, match=r"No month up to 2025-09 is in storage.*: cpg1 calendar 2025-09"):
        companies_of(storage, None, read_scope(), MONTH)
    stored(storage, MONTH.key, {"A": "GH"})
    assert companies_of(storage, None, read_scope(), MONTH) == {"A": "GH"}


def test_of_a_company_listed_twice_spelling_and_country_are_settled_as_cr_05_does(
    storage: ParquetStorage,
) -> None:
    books = Books([("EC_NG", None), ("ec_ng ", "NG"), ("JD_GH", "UG"), ("JD_GH", "GH"), ("EC_XX", None)])
    assert found(storage, books) == {"EC_NG": "NG", "JD_GH": "GH", "EC_XX": None}
    assert found(storage, books, read_scope().narrowed(["ec_ng"], None)) == {"EC_NG": "NG"}


def test_the_months_own_companies_go_before_those_of_the_newest_month_before_it(
    storage: ParquetStorage,
) -> None:
    books = Books()
    stored(storage, "2025-06", {"A": "GH"})
    stored(storage, "2025-07", {"B": "GH"})
    stored(storage, "2025-10", {"C": "GH"})
    assert found(storage, books) == {"B": "GH"}
    stored(storage, MONTH.key, {"D": "KE"})
    assert found(storage, books) == {"D": "KE"}
    assert books.asked == 0


def test_a_stored_file_that_is_damaged_is_an_error(storage: ParquetStorage) -> None:
    stored(storage, MONTH.key, {"A": "GH"}).write_bytes(b"PAR1")
    with pytest.raises(StorageError):
        found(storage, Books())


def test_without_any_company_nothing_is_due(storage: ParquetStorage) -> None:
    with pytest.raises(ScopeError, match="No company is in scope"):
        found(storage, Books([]))


def test_the_due_dates_say_which_calendar_they_are_of_and_refuse_a_company_nobody_knows(
    storage: ParquetStorage, tmp_path: Path
) -> None:
    file = tmp_path / "calendar.yaml"
    file.write_text('version: "7"\nweekends:\n  - {company: EC_NK, days: [sunday]}\n')

    def told(scope: Scope) -> DueDates:
        return due_dates_of(MONTH, calendar_file=file, storage=storage, source=Books(), scope=scope)

    with pytest.raises(FileFormatError, match=r"calendar\.yaml, line 3: .*unknown company 'EC_NK'"):
        told(read_scope())
    narrowed = told(read_scope().narrowed(["EC_NG"], None))
    assert [each.company for each in narrowed.due_dates] == ["EC_NG"]
    assert narrowed.calendar.startswith("version 7, SHA-256 ")
    for month in ("2024-03", "2026-01"):
        stored(storage, month, {"EC_NK": "NG"}).unlink()
        with pytest.raises(FileFormatError):
            told(read_scope())
        path = stored(storage, month, {"EC_NK": "NG"})
        if month < MONTH.key:
            stored(storage, MONTH.key, dict(BOOKS))
        assert len(told(read_scope()).due_dates) == len(BOOKS), "it came later, or left"
        path.unlink()
    own = Settings(home=tmp_path).calendar_file
    every = due_dates_of(
        MONTH, calendar_file=own, storage=storage, source=Books(), scope=read_scope()
    ).due_dates
    assert {each.company: each.country for each in every} == BOOKS
