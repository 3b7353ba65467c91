"""The JDash inbox: voucher usage as operations export it, a file a company and month, as sheets leave it.

Lives here: the spellings and the bytes of the files. Does not: what was used (see `vouchers`).
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.compute as pc

from cpg1_assets.sample_books.columns import UNIT, digits, joined
from cpg1_assets.sample_books.months import LAST, label

if TYPE_CHECKING:
    from pathlib import Path

    from cpg1_assets.sample_books.columns import Column
    from cpg1_assets.sample_books.group import Company
    from cpg1_assets.sample_books.months import Ints
    from cpg1_assets.sample_books.vouchers import Vouchers


@dataclass(frozen=True)
class Spelling:
    """How one spreadsheet writes the list."""

    voucher: str
    amount: str
    delimiter: str = ","
    decimal: str = "."
    thousands: str = ""
    sign: bool = False
    mark: bool = False
    float_ids: bool = False
    blank_lines: bool = False
    total: str | None = None
    line_end: str = "\n"
    extra: bool = False
    """Whether a column nobody asked for stands between the two."""


SPELLINGS = (
    Spelling("Voucher Id", "Amount Used"),
    Spelling("Voucher_Id", "Amount_Used", delimiter=";", decimal=",", thousands=" ", line_end="\r\n"),
    Spelling("voucher_id", "amount_used", mark=True, float_ids=True),
    Spelling("VoucherId", "AmountUsed", thousands=",", total="Total", blank_lines=True),
    Spelling("id", "amount", delimiter=";", decimal=",", total="TOTAL", mark=True, line_end="\r\n"),
    Spelling("voucher", "Ordered Amount", sign=True, thousands=",", total="Grand Total"),
    Spelling("Voucher Id", "amount", delimiter=";", thousands=" ", float_ids=True, extra=True),
    Spelling("voucher_id", "Amount Used", blank_lines=True, line_end="\r\n", sign=True),
)
_SIGNS = {"NGN": "₦", "GHS": "₵", "EGP": "£"}
_TWICE_EVERY = 37
_CENT = 100
_XLSX_EVERY = 6
_XLSX_COMPANIES = (3, 7)
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass
class Usage:
    """Voucher usage of a company by month index: voucher numbers and units ordered, as parts."""

    parts: dict[int, list[tuple[Ints, Ints]]]


def collect_usage(usage: Usage, vouchers: Vouchers) -> None:
    """Note for every month what was ordered with each voucher so far and not cancelled."""
    for month in range(1, LAST + 1):
        ordered = vouchers.grid["ordered"][:, month]
        place = np.flatnonzero(ordered)
        usage.parts.setdefault(month, []).append((vouchers.number[place], ordered[place]))


def write_inbox(root: Path, company: Company, usage: Usage, missing: set[tuple[str, int]]) -> None:
    """Write the company's file of every month, except those that are missing."""
    for month, parts in sorted(usage.parts.items()):
        if (company.code, month) in missing:
            continue
        numbers = np.concatenate([part[0] for part in parts])
        amounts = np.concatenate([part[1] for part in parts])
        order = np.argsort(numbers, kind="stable")
        numbers, amounts = _split(numbers[order], amounts[order])
        folder = root / "inbox" / "jdash" / label(month)
        folder.mkdir(parents=True, exist_ok=True)
        if month % _XLSX_EVERY == 3 and company.number in _XLSX_COMPANIES:  # noqa: PLR2004
            (folder / f"{company.code}.xlsx").write_bytes(_workbook(numbers, amounts))
        else:
            spelling = SPELLINGS[(company.number + month) % len(SPELLINGS)]
            text = _csv(company, spelling, numbers, amounts)
            (folder / f"{company.code}.csv").write_bytes(
                text.encode("utf-8-sig" if spelling.mark else "utf-8")
            )


def _split(numbers: Ints, amounts: Ints) -> tuple[Ints, Ints]:
    """List a few vouchers on two lines, as exports of two shops put together do."""
    again = (numbers % _TWICE_EVERY == 0) & (amounts > UNIT)
    half = np.where(again, amounts // 2, 0)
    return np.concatenate([numbers, numbers[again]]), np.concatenate([amounts - half, half[again]])


def _amount_texts(spelling: Spelling, amounts: Ints) -> Column:
    """Write units with two decimals, or four where needed: three could be read as thousands."""
    whole = pc.cast(pa.array(amounts // UNIT), pa.string())
    if spelling.thousands:
        mark = spelling.thousands
        whole = pc.replace_substring_regex(whole, r"(\d)(\d{3})$", rf"\1{mark}\2")
        for _ in range(3):
            whole = pc.replace_substring_regex(whole, rf"^(\d+)(\d{{3}}){mark}", rf"\1{mark}\2{mark}")
    fraction = amounts % UNIT
    short = fraction % _CENT == 0
    tail = pc.if_else(pa.array(short), digits(fraction // _CENT, 2), digits(fraction, 4))
    return joined(whole, spelling.decimal, tail)


def _csv(company: Company, spelling: Spelling, numbers: Ints, amounts: Ints) -> str:
    total = np.array([int(amounts.sum())], dtype=np.int64)
    texts = _amount_texts(spelling, np.concatenate([amounts, total]))
    if spelling.sign and company.currency in _SIGNS:
        texts = joined(_SIGNS[company.currency], texts)
    if spelling.thousands and spelling.thousands == spelling.delimiter:
        texts = joined('"', texts, '"')
    ids = digits(numbers, suffix=".0" if spelling.float_ids else "")
    between = f"{spelling.delimiter}{company.country}" if spelling.extra else ""
    lines = joined(ids, f"{between}{spelling.delimiter}", texts[: len(numbers)]).to_pylist()
    middle = f"{spelling.delimiter}Shop" if spelling.extra else ""
    lines.insert(0, f"{spelling.voucher}{middle}{spelling.delimiter}{spelling.amount}")
    if spelling.blank_lines:
        lines.insert(len(lines) // 2, "")
        lines.append(spelling.delimiter)
    if spelling.total is not None:
        lines.append(
            f"{spelling.total}{between and spelling.delimiter}{spelling.delimiter}{texts[-1].as_py()}"
        )
    return spelling.line_end.join(lines) + spelling.line_end


def _workbook(numbers: Ints, amounts: Ints) -> bytes:
    """Write a workbook with numeric cells and a total, free of clocks so that its bytes repeat."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("JDash")
    sheet.append(["Voucher Id", "Amount Used"])
    for number, amount in zip(numbers.tolist(), amounts.tolist(), strict=True):
        sheet.append([number, Decimal(amount) / UNIT])
    sheet.append([None, None])
    sheet.append(["Total", Decimal(int(amounts.sum())) / UNIT])
    buffer = io.BytesIO()
    book.save(buffer)
    plain = io.BytesIO()
    with zipfile.ZipFile(buffer) as made, zipfile.ZipFile(plain, "w", zipfile.ZIP_STORED) as fixed:
        for name in made.namelist():
            content = made.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2026-01-17T00:00:00Z", content)
            fixed.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    return plain.getvalue()
