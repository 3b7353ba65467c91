"""What moved in the source since a seal is found to the last digit, and nothing is said of what was not compared."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from cpg1_assets.errors import EvidenceError, SourceError, TransientSourceError
from cpg1_assets.evidence.audit.differences import compared
from cpg1_assets.evidence.audit.drift import Drift, ExtractDrift, drift
from cpg1_assets.evidence.chain.seal import SealedVersion, latest_seal
from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.frame import FrameSpec, columns
from cpg1_assets.home import Home
from cpg1_assets.sources.interface import Source
from cpg1_assets.sources.sample import SampleBooks
from cpg1_assets.storage.parquet import write_parquet
from cpg1_assets_tests.closing import Closed
from cpg1_assets_tests.evidence.attacks import forge_file
from cpg1_assets_tests.evidence.sealing import evidence_copy, sealed_folder
from cpg1_assets_tests.moved_books import COMPANY, moved_books
from cpg1_assets_tests.tampering import TamperedSource


@pytest.fixture(scope="module")
def sealed(closed: Closed) -> SealedVersion:
    version = latest_seal(Home(closed.settings).evidence_folder, closed.month)
    assert version is not None
    return version


@pytest.fixture(scope="module")
def books(sample_books: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return moved_books(sample_books, tmp_path_factory.mktemp("moved") / "sample_books")


def content_of(home: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


def asked_again(sealed: SealedVersion, source: Source, books: Path, *companies: str) -> Drift:
    return drift(sealed, source, lambda: books / "inbox", read_catalog(), companies)


@pytest.fixture(scope="module")
def moved(closed: Closed, sealed: SealedVersion, books: Path) -> dict[str, ExtractDrift]:
    """Ask the books that moved, and see that asking changed nothing of the month."""
    before = content_of(closed.settings.home)
    found = asked_again(sealed, SampleBooks(books), books, COMPANY, "HF_SN")
    assert content_of(closed.settings.home) == before
    assert (found.complete, found.moved, found.companies) == (True, True, (COMPANY, "HF_SN"))
    return {each.asset: each for each in found.extracts}


def by_class(found: ExtractDrift) -> dict[str, tuple[int, dict[str, str]]]:
    """Rows and effects by class; all of them are of the one company that moved, in its currency."""
    assert {(each.id_company, each.currency) for each in found.moved} == {(COMPANY, "NGN")}
    return {each.what: (each.rows, dict(each.amounts)) for each in found.moved}


def effects(amount: str, remaining: str) -> dict[str, str]:
    return {"amount": amount, "remaining_amount": remaining}


def test_every_entry_of_the_ledger_is_classed_by_what_became_of_it(moved: dict[str, ExtractDrift]) -> None:
    new = {
        "late posting": (2, effects("100.2499", "100.2499")),
        "back-dated": (1, effects("7.0000", "7.0000")),
        "added": (1, effects("3.0000", "3.0000")),
        "removed": (1, effects("-81855.0000", "-81855.0000")),
        "changed": (1, effects("0.0000", "0.0000")),
    }
    assert by_class(moved["cr_03"]) == {
        **new,
        # Applied in part and in whole; one of 2023 and one of 2024 that had not moved in the year before.
        "late application": (4, effects("-5065.0025", "-15435.0000")),
    }
    assert by_class(moved["nav_open_items"]) == {
        **new,
        # Applied in part and in whole (it is open no more); one of 2023; and one of 2024 that was not there.
        "late application": (4, effects("-13825.0000", "-15435.0000")),
    }


def test_a_balance_that_was_only_taken_again_has_not_moved(moved: dict[str, ExtractDrift]) -> None:
    found = by_class(moved["cr_04"])
    assert found["changed"] == (1, {"balance_at_date": "0.5000"})
    rows, effect = found["taken again"]
    assert rows > 1
    assert effect == {"balance_at_date": "0.0000"}
    assert not moved["cr_04"].as_sealed
    only = [each for each in moved["cr_04"].moved if each.what == "taken again"]
    assert replace(moved["cr_04"], moved=tuple(only)).as_sealed


def test_a_jdash_file_that_changed_is_named_with_what_it_moves(moved: dict[str, ExtractDrift]) -> None:
    assert moved["jdash"].notes == ("EC_NG.csv changed since the month was sealed",)
    assert by_class(moved["jdash"]) == {"changed": (1, {"amount_used": "0.0100"})}


def test_what_did_not_move_is_as_sealed(moved: dict[str, ExtractDrift], sealed: SealedVersion) -> None:
    assert {name for name, each in moved.items() if each.as_sealed} == {
        "collection_links", "cr_05", "doc_voucher_usage", "ipe_07", "ipe_08", "ipe_10", "ipe_12", "ipe_31", "ipe_34",
    }  # fmt: skip
    # Every extract that was sealed is among them: what was not asked for again is not said to stand.
    assert moved.keys() == {*read_catalog(), "jdash"} <= sealed.content.keys()


def test_what_could_not_be_compared_is_named_and_never_counts_as_standing(
    sealed: SealedVersion, books: Path
) -> None:
    def refuses(asset: str) -> None:
        if asset == "ipe_12":
            raise SourceError("Invalid object name 'RPT_PACKLIST_PACKAGES'.")

    def short(table: pa.Table) -> pa.Table:
        return table.slice(1)

    source = TamperedSource(SampleBooks(books), {"ipe_10": short}, refuses)
    # This software has other statements for one extract and none for another: those of the seal are asked.
    here = read_catalog()
    here["cr_05"] = replace(here["cr_05"], sql=here["cr_05"].sql.replace("WHERE", "WHERE 1 = 0 AND"))
    del here["ipe_12"]
    found = drift(sealed, source, lambda: books / "inbox", here, ["EC_KE"])
    problems = {each.asset: each.problem for each in found.extracts if each.problem}
    assert problems.keys() == {"ipe_10", "ipe_12", "jdash"}
    assert "differ from the server's own totals" in str(problems["ipe_10"])
    assert problems["ipe_12"] == "Invalid object name 'RPT_PACKLIST_PACKAGES'."
    assert problems["jdash"] == (
        "there is no file of EC_KE in the inbox, and there was one when the month was sealed"
    )
    assert (found.complete, found.moved) == (False, False)
    assert "nothing moved" not in found.summary()
    assert found.summary().startswith(
        "not all could be compared, and nothing else moved, of EC_KE since version 001"
    )


def test_a_sealed_statement_that_breaks_the_rules_is_not_asked(
    closed: Closed, tmp_path: Path, books: Path
) -> None:
    evidence = evidence_copy(closed, tmp_path / "evidence")
    statement = (sealed_folder(evidence, closed.month) / "queries" / "ipe_12.sql").read_text(encoding="utf-8")
    forge_file(evidence, closed.month, 1, "queries/ipe_12.sql", f"{statement}; DROP TABLE x".encode())
    forged = latest_seal(evidence, closed.month)
    assert forged is not None
    source = TamperedSource(SampleBooks(books))
    with pytest.raises(
        EvidenceError, match=r"refuses to ask them: ipe_12.sql, line .*Ask with the version of cpg1"
    ):
        asked_again(forged, source, books, "EC_KE")
    assert source.streamed == []


def down(_: str) -> None:
    raise TransientSourceError("The server does not answer.")


@pytest.mark.parametrize(
    ("companies", "asked", "error"),
    [
        (("EC_NG",), down, (TransientSourceError, "does not answer")),
        (
            ("EC_XX",),
            lambda _: None,
            (EvidenceError, r"EC_XX: version 001 of 2025-09 was sealed for EC_IC, EC_KE"),
        ),
        ((), lambda _: None, (EvidenceError, "No company: version 001")),
    ],
)
def test_what_cannot_be_asked_at_all_is_an_error(
    sealed: SealedVersion,
    books: Path,
    companies: tuple[str, ...],
    asked: Callable[[str], None],
    error: tuple[type[Exception], str],
) -> None:
    source = TamperedSource(SampleBooks(books), asked=asked)
    with pytest.raises(error[0], match=error[1]):
        asked_again(sealed, source, books, *companies)
    assert source.streamed == []


def test_nothing_moved_is_said_only_of_a_drift_that_compared_something() -> None:
    nothing = Drift("2025-09", 1, "", ("EC_NG",), narrowed=False, companies_left=(), companies_new=())
    assert not nothing.complete
    one = replace(nothing, extracts=(ExtractDrift("cr_03"),))
    assert one.summary() == "nothing moved since version 001 was sealed"
    assert replace(one, companies_left=("EC_KE",)).moved
    assert "company new in scope: EC_XX" in replace(one, companies_new=("EC_XX",)).summary()
    assert replace(one, extracts=(ExtractDrift("cr_03", columns_went=("amount (string)",)),)).moved


SMALL = FrameSpec(
    name="small",
    title="Small",
    key=("id_company", "entry_no"),
    amounts=("amount",),
    columns=columns(("id_company", "text"), ("entry_no", "integer"), ("amount", "amount"), ("why", "text")),
)


@pytest.mark.parametrize("folder", ["plain", "what a pattern [ab]? or * means"])
@pytest.mark.parametrize("hashed", [True, False])
def test_files_compare_alike_however_they_are_read_and_wherever_they_lie(
    tmp_path: Path, folder: str, *, hashed: bool
) -> None:
    place = tmp_path / folder
    place.mkdir()
    rows = [
        {"id_company": company, "entry_no": number, "amount": Decimal(number), "why": None}
        for company in ("EC_NG", "EC_KE")
        for number in range(3)
    ]
    write_parquet(pa.Table.from_pylist(rows, SMALL.arrow_schema), SMALL, place / "before.parquet")
    now = [*rows[1:3], rows[0] | {"amount": Decimal("0.0001")}, rows[0] | {"entry_no": 9}]
    write_parquet(pa.Table.from_pylist(now, SMALL.arrow_schema), SMALL, place / "after.parquet")
    with compared(
        place / "before.parquet", place / "after.parquet", SMALL, ["EC_NG"], hashed=hashed
    ) as found:
        assert [(row["called"], row["rows"], found.effects(row)) for row in found.totals()] == [
            ("came", 1, {"amount": "0.0000"}),
            ("changed", 1, {"amount": "0.0001"}),
        ]
