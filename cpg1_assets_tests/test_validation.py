"""What a failed check found is said in short: the figure that matters first, the largest rows, with separators."""

from typing import Any

import pytest

from cpg1_assets.validation import figures_in_words


def row(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - any figure
    return {"found": 1, "listed": [more]}


def country(code: str, unexplained: str, status: str) -> dict[str, str]:
    return {"country_code": code, "unexplained_usd": unexplained, "threshold_usd": "22000", "status": status}


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        (
            [row(id_company="EC_IC", group_coa_account_no="18350", difference="975109.6648", closing="1.0")],
            ["975,109.66 LCY difference: EC_IC, 18350"],
        ),
        (
            [row(id_company="EC_A", variance_usd="-5.004", threshold_usd="1000", status="INVESTIGATE")],
            ["-5.00 USD variance (threshold 1,000.00): EC_A"],
        ),
        ([row(id_company="EC_A", line="l", unexplained_usd=None, status="NOT_COMPUTED")],
         ["no figure: EC_A, l, NOT_COMPUTED"]),
        ([{"entries": 1774, "without_category": 8, "share_without_category": "0.45 %", "listed": []}],
         ["0.45 % without category, 8 without category, 1,774 entries"]),
        (
            [{"countries": [country("EG", "23000", "INVESTIGATE"), country("KE", "1", "OK")]}],
            ["23,000.00 USD unexplained (threshold 22,000.00): EG"],
        ),
        ([{"problem": "The seal cannot be read."}], ["The seal cannot be read."]),
        ([{"problems": [{"message": "told elsewhere"}], "missing": ["EC_A"], "problem_count": 1}], []),
        ([{}], []),
    ],
)  # fmt: skip
def test_the_figure_that_matters_comes_first(outcomes: list[dict[str, Any]], said: list[str]) -> None:
    assert figures_in_words(outcomes) == said


def test_of_many_rows_the_three_largest_of_all_companies_are_told_and_those_without_a_figure_first() -> None:
    def of(company: str, *amounts: str | None) -> dict[str, Any]:
        return {
            "found": len(amounts),
            "listed": [{"id_company": company, "amount": each} for each in amounts],
        }

    assert figures_in_words([of("EC_A", "1", "-30"), of("EC_B", "20", None, "10")]) == [
        "5 found, the largest:", "no figure: EC_B", "-30.00 LCY: EC_A", "20.00 LCY: EC_B",
    ]  # fmt: skip
    many = {"found": 94, "listed": [{"id_company": "EC_A", "amount": "1"}] * 4}
    assert figures_in_words([many])[0] == "94 found, the largest:"


def test_figures_that_were_shown_with_separators_are_read_again() -> None:
    assert figures_in_words([row(id_company="EC_A", difference="1,234.50")]) == [
        "1,234.50 LCY difference: EC_A"
    ]
