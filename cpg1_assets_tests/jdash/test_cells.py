"""What a voucher id and an amount may look like in a JDash file: read exactly, or refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.inbox.cells import NoValue
from cpg1_assets.jdash.cells import (
    AMOUNT_LIMIT,
    CellError,
    is_total_label,
    read_amount,
    read_voucher_id,
)

_AMOUNTS = st.decimals(-(10**12), 10**12, places=4)
_PLACES = st.integers(0, 4)


def written(amount: Decimal, thousands: str, decimal: str, places: int) -> str:
    """Write an amount with these separators; digits behind `places` must be zeros."""
    whole, _, fraction = f"{amount:,.{places}f}".partition(".")
    return whole.replace(",", thousands) + (decimal + fraction if fraction else "")


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1234.50", "1234.5"),
        ("1,234.50", "1234.5"),
        ("1.234,50", "1234.5"),
        ("1 234,50", "1234.5"),
        ("1\u00a0234,50", "1234.5"),
        ("1\u202f234,50", "1234.5"),
        ("1'234.50", "1234.5"),
        ("1\u2019234.50", "1234.5"),
        ("1,234.567", "1234.567"),
        ("1.234,567", "1234.567"),
        ("1,234,567", "1234567"),
        ("1.234.567", "1234567"),
        ("1 234", "1234"),
        ("1234,567", "1234.567"),
        ("1234.567", "1234.567"),
        ("0,234", "0.234"),
        ("0.234", "0.234"),
        ("1,5", "1.5"),
        ("1,2345", "1.2345"),
        ("1.23450000", "1.2345"),
        (".5", "0.5"),
        ("0", "0"),
        ("  12.50\t", "12.5"),
        ("+12.50", "12.5"),
        ("-12.50", "-12.5"),
        ("- 12.50", "-12.5"),
        ("12.50-", "-12.5"),
        ("(12.50)", "-12.5"),
        ("\u221212.50", "-12.5"),
        ("\u200e-12.50", "-12.5"),
        ("١٬٢٣٤٫٥٠", "1234.5"),  # noqa: RUF001 - Arabic-Indic, as a spreadsheet in Egypt shows it
        ("۱۲", "12"),
        ("99999999999999999999.9999", "99999999999999999999.9999"),
    ],
)
def test_a_certain_amount_is_read_exactly(text: str, amount: str) -> None:
    assert read_amount(text) == (Decimal(amount), "")


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("₦1,234.50", "1234.5", "NGN"),
        ("NGN 1,234.50", "1234.5", "NGN"),
        ("N1,234.50", "1234.5", "NGN"),
        ("1 234,50 XOF", "1234.5", "XOF"),
        ("1 234 F CFA", "1234", "F CFA"),
        ("KSh 5", "5", "KES"),
        ("KSh. 5", "5", "KES"),
        ("GH₵5", "5", "GHS"),
        ("EGP 5", "5", "EGP"),
        ("5 ج.م.", "5", "EGP"),
        ("$5", "5", "$"),
        ("-$5", "-5", "$"),
        ("$-5", "-5", "$"),
        ("($5)", "-5", "$"),
        ("$ (5)", "-5", "$"),
        ("5.00- €", "-5", "EUR"),
    ],
)
def test_a_currency_beside_the_amount_is_told(text: str, amount: str, currency: str) -> None:
    assert read_amount(text) == (Decimal(amount), currency)


@pytest.mark.parametrize(
    ("text", "could_be"),
    [
        ("1,234", "1234 or 1.234. Write it as 1234.00 or 1.2340"),
        ("1.234", "1234 or 1.234. Write it as 1234.00 or 1.2340"),
        ("-12.000", "-12000 or -12.000. Write it as -12000.00 or -12.0000"),
        ("NGN 123,456", "123456 or 123.456. Write it as 123456.00 or 123.4560"),
    ],
)
def test_an_amount_that_could_be_two_numbers_is_refused_naming_both(text: str, could_be: str) -> None:
    with pytest.raises(CellError) as refused:
        read_amount(text)
    assert str(refused.value) == f"'{text}' could be {could_be}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "abc",
        "#N/A",
        "NaN",
        "1E5",
        "1.5e+3",
        "50%",
        "5.",
        "1,23,456.00",
        "1,2345,678",
        "12 NGN 500",
        "NGN 5 NGN",
        "KSh.50",
        "$.50",
        "(5",
        "(-5)",
        "-5-",
        "--5",
        "1  234",
        "0 234",
        "1,234.567,89",
        "1¤",
        "5 bananas",
        "5" * 5000,
        "5" + " " * 100_000 + "x",
    ],
)
def test_what_is_no_number_for_certain_is_refused(text: str) -> None:
    with pytest.raises(CellError):
        read_amount(text)


@pytest.mark.parametrize(
    "cell", ["1.23456", "1234.56789", str(AMOUNT_LIMIT), 0.12345, 1e20, float("nan"), 1234567890123456]
)
def test_an_amount_is_never_rounded(cell: str | float) -> None:
    with pytest.raises(CellError):
        read_amount(cell)


@pytest.mark.parametrize(
    ("number", "amount"),
    [
        (5, "5"),
        (-12.5, "-12.5"),
        (1.234, "1.234"),
        (0.1 + 0.2, "0.3"),
        (1234.5600000000001, "1234.56"),
        (1e15, "1000000000000000"),
        (123456789012.3456, "123456789012.3456"),
    ],
)
def test_a_spreadsheet_number_is_the_decimal_the_user_saw(number: float, amount: str) -> None:
    assert read_amount(number)[0] == Decimal(amount)


@pytest.mark.parametrize("number", [123456789012.34561, 1234567890123.4567])
def test_a_spreadsheet_number_with_more_digits_than_it_can_keep_is_refused(number: float) -> None:
    with pytest.raises(CellError, match="more digits than a spreadsheet keeps"):
        read_amount(number)


@pytest.mark.parametrize("cell", [None, NoValue("the cell is the date or time 2025-09-01")])
def test_a_cell_without_text_or_number_is_refused(cell: NoValue | None) -> None:
    with pytest.raises(CellError, match="the cell is"):
        read_amount(cell)
    with pytest.raises(CellError, match="the cell is"):
        read_voucher_id(cell)


@given(_AMOUNTS, st.sampled_from(["", ",", ".", " ", "'"]), st.sampled_from([".", ","]), _PLACES)
def test_an_amount_in_any_notation_is_read_exactly_or_refused(
    amount: Decimal, thousands: str, decimal: str, places: int
) -> None:
    amount = round(amount, places)
    if thousands == decimal:
        return
    try:
        assert read_amount(written(amount, thousands, decimal, places))[0] == amount
    except CellError as refused:
        assert "could be" in str(refused)  # noqa: PT017 - being refused is right too, being wrong is not
        assert places in {0, 3}


@given(st.text("0123456789.,' -()$\u00a0٫٬", max_size=14))  # noqa: RUF001
def test_whatever_is_in_a_cell_it_is_read_or_refused(text: str) -> None:
    try:
        amount, _ = read_amount(text)
    except CellError:
        return
    shown = "".join(character for character in text if character.isdigit())
    read = "".join(map(str, amount.as_tuple().digits))
    assert read.strip("0") == shown.strip("0")


@given(_AMOUNTS.filter(lambda amount: abs(amount) < 10**10))
def test_any_amount_a_spreadsheet_can_keep_reads_back_from_its_number(amount: Decimal) -> None:
    assert read_amount(float(amount))[0] == amount


@pytest.mark.parametrize(
    ("cell", "voucher"),
    [
        ("12345", "12345"),
        ("  12345\u00a0", "12345"),
        ("\u200e12345\u200f", "12345"),
        ("0012345", "0012345"),
        ("12345.0", "12345"),
        ("12345.000", "12345"),
        ("12345,0", "12345"),
        ('="0012345"', "0012345"),
        ("١٢٣٤٥", "12345"),
        ("abC-1", "abC-1"),
        ("inner blank", "inner blank"),
        ("N-12", "N-12"),
        ("2025-09", "2025-09"),
        ("12345678901234567890", "12345678901234567890"),
        (12345, "12345"),
        (12345.0, "12345"),
    ],
)
def test_a_voucher_id_is_read_as_text(cell: str | float, voucher: str) -> None:
    assert read_voucher_id(cell) == voucher


@pytest.mark.parametrize(
    "cell",
    [
        "1.23E+11",
        "1E5",
        "12.000",
        "12,345",
        "12345.5",
        "-5",
        "'12345",
        "=A1",
        "#REF!",
        "nan",
        "NULL",
        "(blank)",
        "1\u00a02",
        "1\n2",
        "1\ufffd",
        "2-Jan",
        "Jan-25",
        "02-fév-2025",
        "1/2/25",
        "01/02/2025",
        "2025-01-02",
        "2025-01-02 00:00:00",
        12345.5,
        -1,
        10**15,
        1.23e17,
    ],
)
def test_a_damaged_voucher_id_is_refused(cell: str | float) -> None:
    with pytest.raises(CellError):
        read_voucher_id(cell)


@pytest.mark.parametrize(
    "text",
    [
        "Total",
        " TOTAL ",
        "Grand Total",
        "Totals:",
        "Total général",
        "TOTAUX",
        "Sum",
        "الإجمالي",
        "Sub-total (NGN)",
        "Sous-total",
        "Total geral",
        "Total Result",
        "Gesamtergebnis",
        "Jumla",
        "Sum of Amount Used",
        "T O T A L",
        "الإجمالى",
        "Σ",
    ],
)
def test_a_total_label_is_known_in_many_words(text: str) -> None:
    assert is_total_label(text)


@pytest.mark.parametrize("cell", ["12345", "GC-sum-1", "SUM-MER", "Netto", "", None, 5])
def test_a_voucher_id_is_no_total_label(cell: str | int | None) -> None:
    assert not is_total_label(cell)
