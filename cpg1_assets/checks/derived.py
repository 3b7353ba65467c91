"""What must be true of the derived assets and across extracts, as Dagster asset checks with their figures."""

from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pyarrow as pa
from pyarrow.dataset import Dataset

from cpg1_assets import embedded
from cpg1_assets.assets.derived import month_of
from cpg1_assets.deployment import RuleBook
from cpg1_assets.embedded import plain
from cpg1_assets.extracts.factory import check_result, check_specs
from cpg1_assets.rules.country_materiality import country_materiality
from cpg1_assets.rules.engine import to_table
from cpg1_assets.rules.vocabulary import MACROS
from cpg1_assets.rules.vtc_adjustment import vtc_booked_at_another_amount
from cpg1_assets.validation import Severity, Validation

_SHOWN = 100
_UNKNOWN_VOUCHERS = """
SELECT jdash.id_company, jdash.voucher_id, jdash.amount_used, jdash.source_file
FROM jdash ANTI JOIN ipe_08
    ON text_key(jdash.id_company) = text_key(ipe_08.id_company)
    AND voucher_key(jdash.voucher_id) = voucher_key(ipe_08.voucher_id)
ORDER BY ALL
"""


def derived_checks(
    partitions: dg.PartitionsDefinition[str], book: RuleBook
) -> list[dg.AssetChecksDefinition]:
    """Make all checks that are not made from a contract."""

    def only(
        name: str, statement: str, asset: str, *besides: str
    ) -> Callable[[Callable[..., Any]], dg.AssetChecksDefinition]:
        """One check of `asset`, which looks at the assets `besides` too."""
        return dg.multi_asset_check(
            name=f"{asset}_{name}", specs=check_specs(asset, {name: statement}, partitions, besides=besides)
        )

    rate = "Every company in scope has a closing FX rate."

    @only("every_company_has_a_rate", rate, "cr_05")
    def every_company_has_a_rate(cr_05: Dataset) -> Iterator[dg.AssetCheckResult]:
        missing = _rows({"cr_05": cr_05}, "SELECT id_company FROM cr_05 WHERE fx_rate IS NULL ORDER BY 1")
        yield _found_none("cr_05", "every_company_has_a_rate", rate, missing)

    snapshot = "Every company in scope has vouchers in the snapshot of the cutoff date."

    @only("every_company_has_a_snapshot", snapshot, "ipe_08", "cr_05")
    def every_company_has_a_snapshot(ipe_08: Dataset, cr_05: Dataset) -> Iterator[dg.AssetCheckResult]:
        missing = _rows(
            {"ipe_08": ipe_08, "cr_05": cr_05},
            "SELECT cr_05.id_company FROM cr_05 ANTI JOIN ipe_08 "
            "ON text_key(cr_05.id_company) = text_key(ipe_08.id_company) ORDER BY 1",
        )
        yield _found_none("ipe_08", "every_company_has_a_snapshot", snapshot, missing)

    unknown = "Every voucher in a JDash file is a voucher of the month's snapshot."

    @only("no_unknown_voucher", unknown, "jdash", "ipe_08")
    def no_unknown_voucher(jdash: Dataset, ipe_08: Dataset) -> Iterator[dg.AssetCheckResult]:
        found = _rows({"jdash": jdash, "ipe_08": ipe_08}, _UNKNOWN_VOUCHERS)
        yield _found_none("jdash", "no_unknown_voucher", unknown, found, severity="WARN")

    categorised = "Every entry on the voucher liability account has a category."

    @only("every_entry_categorised", categorised, "nav_voucher_entries")
    def every_entry_categorised(nav_voucher_entries: Dataset) -> Iterator[dg.AssetCheckResult]:
        entries = {"entries": nav_voucher_entries}
        (counted,) = _rows(
            entries,
            "SELECT count(*) AS entries, count(*) - count(bridge_category) AS without_category, "
            "coalesce(sum(amount) FILTER (bridge_category IS NULL), 0) AS amount_without_category FROM entries",
        )
        listed = _rows(
            entries,
            "SELECT id_company, entry_no, posting_date, document_no, amount, integration_type FROM entries "
            f"WHERE bridge_category IS NULL ORDER BY abs(amount) DESC, id_company, entry_no LIMIT {_SHOWN}",
        )
        share = (
            f"{100 * counted['without_category'] / counted['entries']:.2f} %" if counted["entries"] else "0 %"
        )
        yield check_result(
            "nav_voucher_entries",
            Validation(
                name="every_entry_categorised",
                statement=categorised,
                passed=not counted["without_category"],
                severity="WARN",
                figures={
                    **plain(counted),
                    "share_without_category": share,
                    "listed": [plain(r) for r in listed],
                },
            ),
        )

    classified = "Every collection item is classified by a rule."

    @only("every_item_classified", classified, "ipe_31_classified")
    def every_item_classified(ipe_31_classified: Dataset) -> Iterator[dg.AssetCheckResult]:
        found = _rows(
            {"items": ipe_31_classified},
            "SELECT transaction_type, count(*) AS items, sum(amount) AS amount FROM items "
            "WHERE bridge_key IS NULL GROUP BY 1 ORDER BY 1 NULLS FIRST",
        )
        yield _found_none("ipe_31_classified", "every_item_classified", classified, found, severity="WARN")

    booked = "Every voucher that NAV booked as cancelled or paid out was booked at what remained on it."

    @only("booked_at_what_remained", booked, "vtc_adjustment", "ipe_08", "nav_voucher_entries")
    def booked_at_what_remained(
        context: dg.AssetCheckExecutionContext, ipe_08: Dataset, nav_voucher_entries: Dataset
    ) -> Iterator[dg.AssetCheckResult]:
        found = to_table(vtc_booked_at_another_amount(ipe_08, nav_voucher_entries, month_of(context)))
        yield _found_none(
            "vtc_adjustment", "booked_at_what_remained", booked, found.to_pylist(), severity="WARN"
        )

    ties = "Opening balance plus the year's entries is the closing balance, by company and account."

    @only("ties_out", ties, "gl_roll_forward")
    def ties_out(gl_roll_forward: Dataset) -> Iterator[dg.AssetCheckResult]:
        found = _rows(
            {"roll_forward": gl_roll_forward}, "SELECT * FROM roll_forward WHERE difference <> 0 ORDER BY ALL"
        )
        yield _found_none("gl_roll_forward", "ties_out", ties, found)

    accrual = (
        "Every category and type of voucher entries agrees with the vouchers' own data within threshold."
    )

    @only("within_threshold", accrual, "voucher_accrual_variance")
    def within_threshold(voucher_accrual_variance: Dataset) -> Iterator[dg.AssetCheckResult]:
        found = _rows(
            {"variances": voucher_accrual_variance},
            "SELECT * FROM variances WHERE status <> 'OK' ORDER BY abs(variance_usd) DESC NULLS FIRST, id_company, bridge_category, voucher_type",
        )
        yield _found_none("voucher_accrual_variance", "within_threshold", accrual, found, severity="WARN")

    return [
        every_company_has_a_rate, every_company_has_a_snapshot, no_unknown_voucher, every_entry_categorised,
        every_item_classified, booked_at_what_remained, ties_out, within_threshold,
        _reconciliation_checks(partitions, book),
    ]  # fmt: skip


def _reconciliation_checks(
    partitions: dg.PartitionsDefinition[str], book: RuleBook
) -> dg.AssetChecksDefinition:
    """One check a line (within threshold or explained, for every company), and the country materiality."""
    statements = {
        f"{line.line}_explained": f"Line {line.line}: every company is reconciled or explained."
        for line in book.lines.lines
    }
    materiality = "What stays unexplained in a country, over all lines, is below its materiality."

    @dg.multi_asset_check(
        name="reconciliation_checks",
        specs=check_specs("reconciliation", {**statements, "country_materiality": materiality}, partitions),
    )
    def reconciliation_checks(reconciliation: pa.Table) -> Iterator[dg.AssetCheckResult]:
        rows = reconciliation.to_pylist()
        for line in book.lines.lines:
            name = f"{line.line}_explained"
            open_rows = [
                r for r in rows if r["line"] == line.line and r["status"] not in ("RECONCILED", "EXPLAINED")
            ]
            figures = {
                "companies": sum(r["line"] == line.line for r in rows),
                "open": [plain(r) for r in open_rows],
            }
            yield check_result(
                "reconciliation", Validation(name, statements[name], not open_rows, figures=figures)
            )
        yield check_result("reconciliation", _country_materiality(reconciliation, materiality, book))

    return reconciliation_checks


def _country_materiality(frame: pa.Table, statement: str, book: RuleBook) -> Validation:
    rows = to_table(country_materiality(frame, book.thresholds)).to_pylist()
    passed = all(row["status"] == "OK" for row in rows)
    return Validation(
        "country_materiality", statement, passed, figures={"countries": [plain(r) for r in rows]}
    )


def _found_none(
    asset: str, name: str, statement: str, found: list[dict[str, Any]], *, severity: Severity = "ERROR"
) -> dg.AssetCheckResult:
    """Pass when nothing was found that should not be; else show how many and the first."""
    figures = {"found": len(found), "listed": [plain(row) for row in found[:_SHOWN]]}
    return check_result(asset, Validation(name, statement, not found, severity, figures=figures))


def _rows(inputs: dict[str, Dataset], statement: str) -> list[dict[str, Any]]:
    with embedded.opened() as connection:
        for macro in MACROS:
            connection.execute(macro)
        for name, dataset in inputs.items():
            connection.register(name, dataset)
        return embedded.rows(connection, statement)
