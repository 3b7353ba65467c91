"""Opening plus movement is closing, per company and account on either side."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from cpg1_assets.rules.gl_roll_forward import CR_03, CR_04, gl_roll_forward
from cpg1_assets_tests.rules.rows import SEPTEMBER, Row, rows, table


def rolled(entries: Sequence[Row], balances: Sequence[Row]) -> list[tuple[Any, ...]]:
    found = rows(gl_roll_forward(table(CR_03, entries), table(CR_04, balances), SEPTEMBER))
    return [tuple(row.values()) for row in found]


def entry(company: str, account: str | None, amount: str | None) -> Row:
    return {"id_company": company, "group_coa_account_no": account, "remaining_amount": amount}


def balance(company: str, account: str | None, day: str | None, amount: str | None) -> Row:
    return {
        "id_company": company,
        "group_coa_account_no": account,
        "closing_date": day,
        "balance_at_date": amount,
    }


def test_opening_and_movement_lead_to_closing() -> None:
    found = rolled(
        [entry("A", "18412", "5"), entry(" a", " 18412", "-2.5"), entry("A", "18412", None)],
        [
            balance("A", "18412", "2024-12-31", "100"),
            balance("A", "18412", "2025-09-30", "90"),
            balance("A", "18412", "2025-09-30", "12.0001"),
            balance("A", "18412", "2025-08-31", "77"),
            balance("A", "18412", None, "77"),
        ],
    )
    assert found == [
        (" a", " 18412", Decimal(100), Decimal("2.5"), Decimal("102.0001"), Decimal("0.4999")),
    ]


def test_rows_that_are_alike_all_count() -> None:
    alike = [balance("A", "1", day, "2") for day in ("2024-12-31", "2025-09-30")] * 2
    assert rolled([entry("A", "1", "5"), entry("A", "1", "5")], alike) == [("A", "1", 4, 10, 4, 10)]


def test_every_account_of_either_side_has_a_row_and_what_is_missing_is_zero() -> None:
    found = rolled(
        [entry("A", "1", "1"), entry("B", None, "4")],
        [
            balance("A", "2", "2024-12-31", "2"),
            balance("A", "3", "2025-09-30", "3"),
            balance("A", "4", "2025-06-30", "3"),
            balance("B", None, "2025-09-30", None),
        ],
    )
    assert found == [
        ("A", "1", 0, 1, 0, 1),
        ("A", "2", 2, 0, 0, 2),
        ("A", "3", 0, 0, 3, -3),
        ("B", None, 0, 4, 0, 4),
    ]
