"""A bridge is declared once, and everything that knows bridges follows from that."""

import inspect
import re
from pathlib import Path

import pytest

import cpg1_assets
from cpg1_assets.errors import FileFormatError
from cpg1_assets.frame import ColumnType
from cpg1_assets.rules import frames, material_proof_rows, reconciliation
from cpg1_assets.rules.bridges import BRIDGES, Bridge
from cpg1_assets.rules.graph import derivations
from cpg1_assets.rules.lines import Line, Lines
from cpg1_assets.yaml_file import parse_yaml
from cpg1_assets_tests.rules.rows import LINES, RULES

PAGE = Path(cpg1_assets.__file__).parent.parent / "docs" / "reconciliation.md"
EACH = pytest.mark.parametrize("bridge", BRIDGES.values(), ids=list(BRIDGES))


def test_the_bridges_are_those_of_the_specification() -> None:
    assert {name: (bridge.sign, bridge.amount) for name, bridge in BRIDGES.items()} == {
        "timing_difference_bridge": (-1, "variance"),
        "vtc_adjustment": (-1, "remaining_amount"),
        "customer_posting_group_bridge": (0, None),
        "business_line_reclass": (0, None),
    }


@EACH
def test_a_bridge_is_a_derived_frame_with_its_amount_and_its_item(bridge: Bridge) -> None:
    assert bridge.frame in frames.DERIVED_FRAMES
    assert bridge.name in derivations()
    types: dict[str, ColumnType] = {column.name: column.type for column in bridge.frame.columns}
    assert types[bridge.row_amount] == "amount"
    assert bridge.row_amount in bridge.frame.amounts
    assert ("id_company", *bridge.item) == bridge.frame.key
    assert [column.name for column in bridge.item_columns] == [
        "id_company",
        *bridge.item,
        bridge.row_amount,
    ]


def test_the_reconciliation_takes_and_sums_every_bridge() -> None:
    parameters = list(inspect.signature(reconciliation.reconciliation).parameters)
    assert [name for name in parameters if name in BRIDGES] == list(BRIDGES)
    assert re.findall(r"'(\w+)', sum\((\w+)\)\n    FROM (\w+) GROUP", reconciliation.STATEMENT) == [
        (bridge.name, bridge.row_amount, bridge.name) for bridge in BRIDGES.values()
    ]
    for name, bridge in BRIDGES.items():
        assert getattr(reconciliation, name.upper()) == bridge.amount_columns


def test_material_proof_rows_takes_every_bridge_that_has_them() -> None:
    proven = [bridge for bridge in BRIDGES.values() if bridge.has_proof_rows]
    parameters = list(inspect.signature(material_proof_rows.material_proof_rows).parameters)
    assert [name for name in parameters if name in BRIDGES] == [bridge.name for bridge in proven]
    for bridge in proven:
        selected = f"SELECT '{bridge.name}', id_company, {bridge.reference}, {bridge.row_amount} FROM {bridge.name}\n"
        assert selected in material_proof_rows.STATEMENT
        assert getattr(material_proof_rows, bridge.name.upper()) == bridge.item_columns


def lines_with(bridge: str) -> Lines:
    text = (RULES / "lines.yaml").read_text(encoding="utf-8")
    assert "{bridge: vtc_adjustment}" in text
    return parse_yaml(text.replace("{bridge: vtc_adjustment}", bridge), Lines, name="lines")


def vouchers(lines: Lines) -> Line:
    return next(line for line in lines.lines if line.line == "voucher_liability")


def test_a_sign_that_a_lines_file_does_not_give_is_the_bridges_own() -> None:
    assert all(found.sign == BRIDGES[found.bridge].sign for line in LINES.lines for found in line.bridges)
    text = (RULES / "lines.yaml").read_text(encoding="utf-8")
    assert not re.search(r"^ .*\{bridge:.*sign", text, re.MULTILINE), "the default file gives none"


@pytest.mark.parametrize("sign", [-1, 0, 1])
def test_a_sign_that_a_lines_file_gives_wins(sign: int) -> None:
    assert [b.sign for b in vouchers(lines_with(f"{{bridge: vtc_adjustment, sign: {sign}}}")).bridges] == [
        -1,
        sign,
    ]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{bridge: vtc}", r"line \d+: lines.4.bridges.1.*unknown bridge vtc; known are .*vtc_adjustment"),
        ("{bridge: vtc, sign: 1}", "unknown bridge vtc; known are timing_difference_bridge, "),
        ("{bridge: vtc_adjustment, sign: 2}", "sign"),
        ("{bridge: vtc_adjustment, sign: }", "sign"),
        ("{bridge: vtc_adjustment, sing: 1}", "sing"),
        ("{sign: 1}", "bridge"),
        ("{bridge: [vtc_adjustment]}", "bridge"),
        ("vtc_adjustment", "bridges"),
    ],
)
def test_a_slip_in_a_lines_bridge_is_refused_in_its_place(written: str, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        lines_with(written)


def test_the_page_lists_the_bridges_as_they_are_declared() -> None:
    signs = {-1: "−", 0: "0", 1: "+"}  # noqa: RUF001 - the sign of the page
    text = PAGE.read_text(encoding="utf-8").split("### Bridges\n")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")
    ]
    assert rows[2:] == [
        [
            f"`{bridge.name}`",
            signs[bridge.sign],
            f"`{bridge.amount}`" if bridge.amount else "",
            ", ".join(f"`{name}`" for name in bridge.item),
            bridge.known_limits,
        ]
        for bridge in BRIDGES.values()
    ]
