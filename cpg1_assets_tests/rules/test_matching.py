"""What a matching file may say: every slip is refused with the file and the line, and the two files fit together."""

import re
import shutil
from pathlib import Path

import pytest

from cpg1_assets.deployment import read_rules
from cpg1_assets.errors import FileFormatError
from cpg1_assets.rules.matching import FACTS, NAV_REFERENCES, TARGET_REFERENCES
from cpg1_assets.rules.open_item_rows import TARGET_ROWS
from cpg1_assets.rules.open_items import STATEMENT
from cpg1_assets_tests.rules.rows import LINES, MATCHING, RULES

ACCOUNTS_OF_A_NEW_LINE = """
  - line: gift_cards
    title: Gift cards
    accounts: ["18499"]
    target: {extract: ipe_07, amount: remaining_amount_lcy, rows: all}
    sign: 1
"""


def changed(folder: Path, old: str, new: str, name: str = "open_items.yaml") -> tuple[Path, int]:
    """Give a folder of rule files in which `old` is `new`, and the line it starts in."""
    rules = folder / "rules"
    rules.mkdir()
    for path in RULES.glob("*.yaml"):
        shutil.copy(path, rules)
    text = (rules / name).read_text()
    assert text.count(old) == 1, old
    (rules / name).write_text(text.replace(old, new))
    return rules, text[: text.index(old)].count("\n") + 1


def refusal(rules: Path) -> str:
    with pytest.raises(FileFormatError) as refused:
        read_rules(rules)
    return str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("nav: [external_document_no, document_no]", "nav: [external_document]", "unknown column 'external_document'"),
        ("nav: [external_document_no, document_no]", "nav: []", "at least 1 item"),
        ("nav: [external_document_no, document_no]", "nav: [document_no, document_no]", "named twice"),
        ("target: [voucher_id]", "target: [voucher]", "unknown column 'voucher'; known of ipe_08 are voucher_id"),
        ("target: [voucher_id]", "target: [order_nr]", "unknown column 'order_nr'; known of ipe_08 are voucher_id"),
        ("target: [package_number]", "target: [voucher_id]", "unknown column 'voucher_id'; known of ipe_12"),
        ("- line: collections_ar", "- line: colections_ar", "unknown line 'colections_ar'; the lines file has"),
        ("passes: [reference, named, linked]", "passes: [reference, guessed]", "Input should be 'reference'"),
        ("passes: [reference, named, linked]", "passes: [reference, named, named]", "passes named twice"),
        ("passes: [reference, named, linked]", "passes: [named, linked]", "the first pass is reference"),
        ("passes: [reference, named, linked]", "passes: [reference, summary]", "pass summary is of lines whose"),
        ("passes: [reference, named, linked]", "passes: [reference, applied]", "whose target is ipe_07, not ipe_31"),
        ("when: [below a cent]", "when: [below a penny]", "unknown fact 'below a penny'"),
        ("when: [target only]", "unless: [on the moon]", "unknown fact 'on the moon'"),
        ("when: [target only]", "lines: [gift_cards], when: [target only]", "unknown line 'gift_cards'"),
        ("cause: rounding", "cause: roundings", "Input should be"),
        ("cause: rounding", "cause: unheard", "Input should be"),
        ("shared_by_at_most: 200", "shared_by_at_most: 0", "greater than or equal to 1"),
        ("days_apart: 45", "days_apart: soon", "valid integer"),
        ("days_in_transit: 45", "day_in_transit: 45", "Extra inputs are not permitted"),
        ("contains: EXPR_APLGY", 'contains: "  "', "at least 1 character"),
        ("EXPR_APLGY, voucher_type: Apology", "EXPR_APLGY, voucher_type: Voucher", "Input should be"),
        ('version: "1"', "version: 1", "valid string"),
    ],
)  # fmt: skip
def test_a_slip_is_refused_with_the_file_and_the_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    rules, line = changed(tmp_path, old, new)
    told = refusal(rules).splitlines()
    assert any(
        each.startswith(f"{rules / 'open_items.yaml'}, line {line}:") and said in each for each in told
    ), told


def _text(rules: Path) -> list[str]:
    return (rules / "open_items.yaml").read_text().splitlines()


def test_two_causes_of_one_rank_are_refused(tmp_path: Path) -> None:
    rules, _ = changed(tmp_path, "rank: 20,", "rank: 10,")
    assert f"{rules / 'open_items.yaml'}, line {_text(rules).index('causes:') + 1}: " in refusal(rules)
    assert "ranks named twice: 10" in refusal(rules)


def test_a_line_that_the_matching_lacks_is_refused(tmp_path: Path) -> None:
    text = (RULES / "lines.yaml").read_text()
    rules, _ = changed(tmp_path, text, text.rstrip("\n") + ACCOUNTS_OF_A_NEW_LINE, name="lines.yaml")
    assert f"{rules / 'open_items.yaml'}, line {_text(rules).index('lines:') + 1}: lines: " in refusal(rules)
    assert "nothing is said of gift_cards, which the lines file has" in refusal(rules)


def test_a_line_that_the_lines_file_lacks_is_refused(tmp_path: Path) -> None:
    rules, line = changed(
        tmp_path,
        "expiry_runs:\n",
        "  - {line: gift_cards, nav: [document_no], target: [document_no], passes: [reference]}\nexpiry_runs:\n",
    )
    assert f"line {line}: lines.6.line: Value error, unknown line 'gift_cards'" in refusal(rules)


def test_a_line_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    rules, _ = changed(
        tmp_path,
        "expiry_runs:\n",
        "  - {line: customer_ar, nav: [document_no], target: [document_no], passes: [reference]}\nexpiry_runs:\n",
    )
    assert "lines named twice: customer_ar" in refusal(rules)


def test_a_narrower_scope_computes_fewer_lines_by_the_same_file(tmp_path: Path) -> None:
    rules, _ = changed(tmp_path, "days_apart: 45", "days_apart: 44")
    book = read_rules(rules)
    assert len(book.lines.within(["18412"]).lines) == 1
    assert len(book.matching.lines) == 6


def test_the_files_of_the_control_fit_together() -> None:
    book = read_rules(RULES)
    assert [line.line for line in book.matching.lines] == [line.line for line in LINES.lines]
    assert book.matching == MATCHING


def test_what_a_file_may_name_is_what_the_rows_are_read_with() -> None:
    assert {extract: rows.references for extract, rows in TARGET_ROWS.items()} == TARGET_REFERENCES
    assert set(MATCHING.lines_table().column("nav_1").to_pylist()) <= set(NAV_REFERENCES)


def test_every_fact_that_a_rule_may_ask_for_is_one_that_is_found() -> None:
    found = re.findall(r"THEN '([a-z ]+)' END,?$", STATEMENT, re.MULTILINE)
    assert sorted(found) == sorted(FACTS)
