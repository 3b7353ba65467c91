"""What must be true of the derived assets and across extracts, as Dagster asset checks with their figures."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import dagster as dg
import pyarrow as pa
from pyarrow.dataset import Dataset

from cpg1_assets import embedded
from cpg1_assets.deployment import Deployment
from cpg1_assets.embedded import plain
from cpg1_assets.graph.check_specs import check_result, check_specs
from cpg1_assets.graph.steps import month_of
from cpg1_assets.rules.country_materiality import country_materiality
from cpg1_assets.rules.engine import to_table
from cpg1_assets.rules.nav_voucher_entries import uncategorised_entries
from cpg1_assets.rules.vocabulary import MACROS
from cpg1_assets.rules.vtc_adjustment import vtc_booked_at_another_amount
from cpg1_assets.validation import Severity, Validation

_SHOWN = 100
_SETTLED = {"RECONCILED", "EXPLAINED"}
_UNKNOWN_VOUCHERS = """
SELECT jdash.id_company, jdash.voucher_id, jdash.amount_used, jdash.source_file
FROM jdash ANTI JOIN ipe_08
    ON text_key(jdash.id_company) = text_key(ipe_08.id_company)
    AND voucher_key(jdash.voucher_id) = voucher_key(ipe_08.voucher_id)
ORDER BY ALL
"""
_UNCLASSIFIED = """
SELECT transaction_type, count(*) AS items, sum(amount) AS amount FROM ipe_31_classified
WHERE text_key(bridge_key) IS NULL GROUP BY transaction_type ORDER BY transaction_type NULLS FIRST
"""
_NOT_TIED = "SELECT * FROM gl_roll_forward WHERE difference <> 0 ORDER BY ALL"
_TO_INVESTIGATE = """
SELECT * FROM voucher_accrual_variance WHERE status <> 'OK'
ORDER BY abs(variance_usd) DESC NULLS FIRST, id_company, bridge_category, voucher_type
"""

_Found = list[dict[str, Any]]


def derived_checks(
    partitions: dg.PartitionsDefinition[str], deployment: Deployment
) -> list[dg.AssetChecksDefinition]:
    """Make all checks that are not made from a contract."""

    def nothing_found(
        asset: str, name: str, statement: str, *besides: str, severity: Severity = "ERROR"
    ) -> Callable[[Callable[..., _Found]], dg.AssetChecksDefinition]:
        """Make the check `name` of `asset`, which passes when the decorated function finds no rows."""

        def decorate(find: Callable[..., _Found]) -> dg.AssetChecksDefinition:
            @wraps(find)
            def run(*args: Any, **kwargs: Any) -> Iterator[dg.AssetCheckResult]:  # noqa: ANN401
                found = find(*args, **kwargs)
                figures = {"found": len(found), "listed": [plain(row) for row in found[:_SHOWN]]}
                validation = Validation(name, statement, not found, severity, figures=figures)
                yield check_result(asset, validation, deployment.notes)

            # The annotation of `find` says what it finds; Dagster must not take it for the check's.
            run.__annotations__["return"] = Iterator[dg.AssetCheckResult]
            specs = check_specs(asset, {name: statement}, partitions, besides=besides)
            return dg.multi_asset_check(name=f"{asset}_{name}", specs=specs)(run)

        return decorate

    @nothing_found("cr_05", "every_company_has_a_rate", "Every company in scope has a closing FX rate.")
    def every_company_has_a_rate(cr_05: Dataset) -> _Found:
        return _rows(
            "SELECT id_company, fx_rate FROM cr_05 WHERE usable_rate(fx_rate) IS NULL ORDER BY ALL",
            cr_05=cr_05,
        )

    @nothing_found(
        "jdash",
        "no_unknown_voucher",
        "Every voucher in a JDash file is a voucher of the month's snapshot.",
        "ipe_08",
        severity="WARN",
    )
    def no_unknown_voucher(jdash: Dataset, ipe_08: Dataset) -> _Found:
        return _rows(_UNKNOWN_VOUCHERS, jdash=jdash, ipe_08=ipe_08)

    @nothing_found(
        "ipe_31_classified",
        "every_item_classified",
        "Every collection item is classified by a rule.",
        severity="WARN",
    )
    def every_item_classified(ipe_31_classified: Dataset) -> _Found:
        return _rows(_UNCLASSIFIED, ipe_31_classified=ipe_31_classified)

    @nothing_found(
        "vtc_adjustment",
        "booked_at_what_remained",
        "Every voucher that NAV booked as cancelled or paid out was booked at what remained on it.",
        "ipe_08",
        "nav_voucher_entries",
        severity="WARN",
    )
    def booked_at_what_remained(
        context: dg.AssetCheckExecutionContext, ipe_08: Dataset, nav_voucher_entries: Dataset
    ) -> _Found:
        found = vtc_booked_at_another_amount(ipe_08, nav_voucher_entries, month_of(context))
        return list(to_table(found).to_pylist())

    @nothing_found(
        "gl_roll_forward",
        "ties_out",
        "Opening balance plus the year's entries is the closing balance, by company and account.",
    )
    def ties_out(gl_roll_forward: Dataset) -> _Found:
        return _rows(_NOT_TIED, gl_roll_forward=gl_roll_forward)

    @nothing_found(
        "voucher_accrual_variance",
        "within_threshold",
        "Voucher entries agree with the vouchers' own data within threshold, by category and type.",
        severity="WARN",
    )
    def within_threshold(voucher_accrual_variance: Dataset) -> _Found:
        return _rows(_TO_INVESTIGATE, voucher_accrual_variance=voucher_accrual_variance)

    return [
        every_company_has_a_rate,
        no_unknown_voucher,
        every_item_classified,
        booked_at_what_remained,
        ties_out,
        within_threshold,
        _every_entry_categorised(partitions, deployment),
        _reconciliation_checks(partitions, deployment),
    ]


def _every_entry_categorised(
    partitions: dg.PartitionsDefinition[str], deployment: Deployment
) -> dg.AssetChecksDefinition:
    """Give the share of entries without a category, and list them."""
    name, statement = (
        "every_entry_categorised",
        "Every entry on the voucher liability account has a category.",
    )

    @dg.multi_asset_check(
        name="nav_voucher_entries_every_entry_categorised",
        specs=check_specs("nav_voucher_entries", {name: statement}, partitions),
    )
    def every_entry_categorised(nav_voucher_entries: Dataset) -> Iterator[dg.AssetCheckResult]:
        (counted,) = _rows(
            "SELECT count(*) AS entries, count(*) - count(text_key(bridge_category)) AS without_category FROM entries",
            entries=nav_voucher_entries,
        )
        listed = to_table(uncategorised_entries(nav_voucher_entries).limit(_SHOWN)).to_pylist()
        share = 100 * counted["without_category"] / max(counted["entries"], 1)
        figures = {
            **counted,
            "share_without_category": f"{share:.2f} %",
            "listed": [plain(row) for row in listed],
        }
        validation = Validation(name, statement, not counted["without_category"], "WARN", figures=figures)
        yield check_result("nav_voucher_entries", validation, deployment.notes)

    return every_entry_categorised


def _reconciliation_checks(
    partitions: dg.PartitionsDefinition[str], deployment: Deployment
) -> dg.AssetChecksDefinition:
    """One check a line (within threshold or explained, for every company), and the country materiality."""
    lines = [line.line for line in deployment.rules.lines.lines]
    statements = {f"{x}_explained": f"Line {x}: every company is reconciled or explained." for x in lines}
    materiality = {
        "country_materiality": "What stays unexplained in a country, over all lines, is below its materiality."
    }

    @dg.multi_asset_check(
        name="reconciliation_checks",
        specs=check_specs("reconciliation", statements | materiality, partitions),
    )
    def reconciliation_checks(reconciliation: pa.Table) -> Iterator[dg.AssetCheckResult]:
        rows = reconciliation.to_pylist()
        for line, (name, statement) in zip(lines, statements.items(), strict=True):
            of_line = [row for row in rows if row["line"] == line]
            still_open = [plain(row) for row in of_line if row["status"] not in _SETTLED]
            figures = {"companies": len(of_line), "open": still_open}
            validation = Validation(name, statement, not still_open, figures=figures)
            yield check_result("reconciliation", validation, deployment.notes)
        countries = to_table(country_materiality(reconciliation, deployment.rules.thresholds)).to_pylist()
        ((name, statement),) = materiality.items()
        below = all(row["status"] == "OK" for row in countries)
        validation = Validation(name, statement, below, figures={"countries": [plain(r) for r in countries]})
        yield check_result("reconciliation", validation, deployment.notes)

    return reconciliation_checks


def _rows(statement: str, **inputs: Dataset) -> _Found:
    """Ask the named inputs a question in the words the rules use."""
    with embedded.opened() as connection:
        for macro in MACROS:
            connection.execute(macro)
        for name, dataset in inputs.items():
            connection.register(name, dataset)
        return embedded.rows(connection, statement)
