"""The lineage of a column is what its statement says, or it is not told: it is never another one."""

import pytest

from cpg1_assets.rules.column_lineage import ColumnLineage, column_lineage, lineage_of
from cpg1_assets.rules.graph import derivations

INPUTS = {"a": ("id", "x", "y"), "b": ("id", "z")}

# Read off the statements by a person.
BRIDGES = {
    ("business_line_reclass", "proposed_reclass_lcy"),
    ("customer_posting_group_bridge", "remaining_amount_lcy"),
    ("timing_difference_bridge", "variance"),
    ("vtc_adjustment", "remaining_amount"),
}
VARIANCE = {("cr_04", "balance_at_date"), ("target_values", "target_value")}
TRUTHS = {
    "target_values": {
        "id_company": {("cr_05", "id_company")},
        "target_value": {
            ("ipe_07", "remaining_amount_lcy"), ("ipe_08", "remaining_amount"), ("ipe_10", "prepayment_amount"),
            ("ipe_12", "amount_due"), ("ipe_31", "amount"), ("ipe_34", "amount_to_refund"),
        },
    },
    "gl_roll_forward": {
        "opening": {("cr_04", "balance_at_date"), ("cr_04", "closing_date")},
        "movement": {("cr_03", "remaining_amount")},
        "closing": {("cr_04", "balance_at_date"), ("cr_04", "closing_date")},
        "difference": {("cr_03", "remaining_amount"), ("cr_04", "balance_at_date"), ("cr_04", "closing_date")},
    },
    "reconciliation": {
        "id_company": {("cr_05", "id_company")},
        "country_code": {("cr_05", "company_country")},
        "actual": {("cr_04", "balance_at_date")},
        "target_value": {("target_values", "target_value")},
        "variance": VARIANCE,
        "bridges": BRIDGES,
        "unexplained": VARIANCE | BRIDGES,
        "fx_rate": {("cr_05", "fx_rate")},
        "variance_usd": VARIANCE | {("cr_05", "fx_rate")},
        "unexplained_usd": VARIANCE | BRIDGES | {("cr_05", "fx_rate")},
        # A company without books is told by whether it has a row in cr_04.
        "status": VARIANCE | BRIDGES | {("cr_05", "fx_rate"), ("cr_04", "id_company")},
    },
}  # fmt: skip


@pytest.mark.parametrize("asset", TRUTHS)
def test_what_columns_are_made_of_is_what_a_person_reads_in_the_statement(asset: str) -> None:
    found = column_lineage(asset)
    assert {column: set(found.made_of[column]) for column in TRUTHS[asset]} == TRUTHS[asset]
    assert found.not_told == ()


def test_what_only_names_lines_and_thresholds_comes_from_rule_files_and_from_no_column() -> None:
    assert {"line", "threshold_usd", "threshold_rule"}.isdisjoint(column_lineage("reconciliation").made_of)


@pytest.mark.parametrize("asset", derivations())
def test_every_column_named_is_one_of_an_input_and_no_column_is_told_and_not_told(asset: str) -> None:
    derivation, found = derivations()[asset], column_lineage(asset)
    columns = {column.name for column in derivation.spec.columns}
    assert set(found.made_of) | set(found.not_told) <= columns
    assert set(found.made_of).isdisjoint(found.not_told)
    assert {frame for origins in found.made_of.values() for frame, _ in origins} <= set(derivation.inputs)
    for frame, column in {origin for origins in found.made_of.values() for origin in origins}:
        spec = derivations()[frame].spec if frame in derivations() else None
        assert spec is None or column in {each.name for each in spec.columns}


@pytest.mark.parametrize(
    ("statement", "made_of"),
    [
        ("SELECT x AS r FROM a", {("a", "x")}),
        ("SELECT x AS y, y AS r FROM a", {("a", "y")}),  # the table's column, not the name just given
        ("SELECT x AS q, q AS r FROM a", {("a", "x")}),
        ("SELECT count(*) AS r FROM a", set()),
        (
            "SELECT r FROM (SELECT x AS p, y AS r FROM a UNION ALL SELECT id, z FROM b)",
            {("a", "y"), ("b", "z")},
        ),
        ("WITH c (r, s) AS (SELECT y, x FROM a) SELECT r FROM c", {("a", "y")}),
        ("SELECT a.*, b.z AS r FROM a JOIN b ON a.id = b.id", {("b", "z")}),
        ("SELECT y AS r FROM (SELECT a.* FROM a JOIN b ON a.id = b.id)", {("a", "y")}),
        ("SELECT CASE WHEN x > 0 THEN z END AS r FROM a JOIN b ON a.id = b.id", {("a", "x"), ("b", "z")}),
        ("SELECT sum(x) FILTER (WHERE y > 0) AS r FROM a", {("a", "x"), ("a", "y")}),
        ("SELECT max(x) OVER w AS r FROM a WINDOW w AS (PARTITION BY y)", {("a", "x"), ("a", "y")}),
        ("SELECT (SELECT max(b.z) FROM b WHERE b.id = a.id) AS r FROM a", {("b", "z")}),
        ("SELECT unnest([x, y]) AS r FROM a", {("a", "x"), ("a", "y")}),
        ("SELECT x * factor AS r FROM a CROSS JOIN rule_file", {("a", "x")}),
        ("CREATE TEMP TABLE s AS SELECT x AS k FROM a; SELECT k AS r FROM s", {("a", "x")}),
    ],
)
def test_a_column_is_followed_through(statement: str, made_of: set[tuple[str, str]]) -> None:
    found = lineage_of(statement, INPUTS, ["r"])
    assert (set(found.made_of.get("r", ())), found.not_told) == (made_of, ())


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id AS r FROM a JOIN b USING (id)",  # of either side
        "SELECT id AS r FROM a, b",  # ambiguous
        "SELECT nothing AS r FROM a",
        "SELECT r FROM a, unnest([x, y]) AS u (r)",
        "SELECT EXISTS (SELECT 1 FROM b WHERE b.id = a.id) AS r FROM a",
        "SELECT list_transform([1], lambda v: v + x) AS r FROM a",
        "WITH RECURSIVE c AS (SELECT x AS r FROM a UNION ALL SELECT r + 1 FROM c) SELECT r FROM c",
        "SELECT r FROM (SELECT x AS r FROM a UNION ALL BY NAME SELECT z AS r FROM b)",
        "SELECT * EXCLUDE (x) FROM a",
        "SELECT x AS r, y AS r FROM a",
        "SELECT r FROM (SELECT x AS r, y FROM a UNION ALL SELECT z FROM b)",
        "SELECT 1",
    ],
)
def test_what_cannot_be_followed_is_not_told(statement: str) -> None:
    assert lineage_of(statement, INPUTS, ["r"]) == ColumnLineage({}, ("r",))


def test_an_input_of_unknown_columns_is_followed_where_nothing_else_could_be_meant() -> None:
    unknown = {"a": None, "b": ("id", "z")}
    assert lineage_of("SELECT x AS r FROM a", unknown, ["r"]).made_of == {"r": (("a", "x"),)}
    assert lineage_of("SELECT z AS r FROM a, b", unknown, ["r"]).not_told == ("r",)
