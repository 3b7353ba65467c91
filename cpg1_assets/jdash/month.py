"""The JDash files of one month, which finance exports by hand into the inbox (spec: jdash).

Here a month's folder becomes one frame, with a named problem for everything in it that is not data. How a
file is read is in `jdash_file`; what is kept as evidence, and what a missing file means, is elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import NamedTuple

import pyarrow as pa

from cpg1_assets.errors import DataError
from cpg1_assets.frame import FrameSpec, columns
from cpg1_assets.jdash.file import VoucherAmounts, parse_jdash, read_jdash_file
from cpg1_assets.month import CutoffMonth

__all__ = [
    "JDASH",
    "VALIDATIONS",
    "JdashMonth",
    "JdashProblem",
    "JdashSource",
    "inbox_files",
    "parse_jdash",
    "read_jdash",
    "read_jdash_file",
]

JDASH = FrameSpec(
    name="jdash",
    title="Voucher usage according to operations",
    description=(
        "For every voucher, all that was ordered with it up to and including the cutoff date and not "
        "cancelled before delivery by then. Exported from JDash by hand, a file per company and month, "
        "cumulative."
    ),
    key=("id_company", "voucher_id"),
    amounts=("amount_used",),
    columns=columns(
        ("id_company", "text", "Company code"),
        ("voucher_id", "text", "Voucher id as written, leading zeros kept"),
        ("amount_used", "amount", "Amount used, LCY, summed by voucher"),
        ("source_file", "text", "Name of the file in the inbox"),
        required=["id_company", "voucher_id", "amount_used", "source_file"],
    ),
)

VALIDATIONS = {
    "files_readable": "Every file of the month in the inbox could be read with certainty.",
    "all_companies_present": "Every company in scope has a usable file; a missing one is not zero.",
}
"""The validations of a month's files, by name, with what each says."""

_SUFFIXES = (".csv", ".xlsx", ".xls", ".xlsb", ".ods", ".xlsm", ".htm", ".html")
_NOT_DATA = {"thumbs.db", "desktop.ini"}
_EXPECTED = (
    "Name it <COMPANY>.csv or <COMPANY>.xlsx (also read: .xls, .xlsb, .ods), or take it out of the inbox."
)


@dataclass(frozen=True)
class JdashProblem:
    """Something in the inbox that is not read, and what to do about it."""

    id_company: str | None
    """The company it is about, where that is certain."""
    file: str
    message: str


class JdashSource(NamedTuple):
    """A file of a company the run asks for, used or refused, and the very bytes that were parsed."""

    path: Path
    content: bytes


@dataclass(frozen=True)
class JdashMonth:
    """What the inbox holds for one month."""

    table: pa.Table
    """As JDASH says, sorted by key in code point order."""
    problems: tuple[JdashProblem, ...]
    missing: tuple[str, ...]
    """Companies with no usable file, absent or refused, in the order they were asked for."""
    sources: tuple[JdashSource, ...]
    read: Mapping[str, Path]
    """The file used, by company."""


def read_jdash(
    inbox: Path,
    month: CutoffMonth,
    companies: Sequence[str],
    known_companies: Sequence[str] | None = None,
    currencies: Mapping[str, str | None] | None = None,
) -> JdashMonth:
    """Read the files of `companies` in `<inbox>/jdash/<YYYY-MM>/`.

    `known_companies` are all companies in scope: a file of one that is not asked for is left alone, a file
    of any other is a problem by name. `currencies` gives the ISO code of each company's own currency, where it
    is known. A problem stops its own company only; none is raised.
    """
    known = {_folded(company): company for company in (*(known_companies or ()), *companies)}
    files, problems = _files_of_the_month(inbox / "jdash" / month.key, known, set(companies))
    sources: list[JdashSource] = []
    tables: dict[str, pa.Table] = {}
    read: dict[str, Path] = {}
    for company, paths in sorted(files.items()):
        try:
            for path in paths:
                sources.append(JdashSource(path, _content(path)))  # noqa: PERF401 - keep those before a failure
            vouchers = _parsed(company, sources[-len(paths) :], (currencies or {}).get(company))
            tables[company] = _table(company, paths[0].name, vouchers)
            read[company] = paths[0]
        except DataError as error:
            problems.append(JdashProblem(company, paths[0].name, str(error)))
    missing = tuple(company for company in dict.fromkeys(companies) if company not in read)
    # Companies, and the vouchers of each, come in code point order.
    table = pa.concat_tables([JDASH.arrow_schema.empty_table(), *tables.values()])
    return JdashMonth(table, tuple(problems), missing, tuple(sources), read)


def inbox_files(inbox: Path, month: CutoffMonth) -> list[Path]:
    """Give the files of a month's folder in order of names, all but those that are certainly not data."""
    folder = inbox / "jdash" / month.key
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if path.is_file() and not _is_ignored(PurePath(path.name))
    )


def _files_of_the_month(
    folder: Path, known: Mapping[str, str], asked: set[str]
) -> tuple[dict[str, list[Path]], list[JdashProblem]]:
    """Give the files of each company asked for, and a problem for every name that is no company's."""
    files: dict[str, list[Path]] = {}
    problems: list[JdashProblem] = []
    try:
        paths = sorted(folder.iterdir(), key=lambda path: path.name)
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        message = f"{folder.name}: it cannot be listed ({error.strerror}). Make it a folder that can be read."
        return {}, [JdashProblem(None, folder.name, message)]
    for path in paths:
        name = PurePath(path.name.strip())
        company = known.get(_folded(name.stem))
        if _is_ignored(name) or (company is not None and company not in asked):
            continue
        if company is not None and name.suffix.lower() in _SUFFIXES:
            files.setdefault(company, []).append(path)
        else:
            problems.append(JdashProblem(company, path.name, f"{path.name}: {_why_not(company)} {_EXPECTED}"))
    return files, problems


def _folded(name: str) -> str:
    """Give what two names of one company have in common, whatever their case and blanks."""
    return "".join(name.split()).casefold()


def _is_ignored(name: PurePath) -> bool:
    """Tell whether a name is certainly not data: hidden, a lock of Excel, a folder setting of a desktop."""
    return name.name.startswith((".", "~$")) or name.name.lower() in _NOT_DATA


def _why_not(company: str | None) -> str:
    return "it names no company in scope." if company is None else f"{company} is not read from such a file."


def _content(path: Path) -> bytes:
    """Read a file once. Raises DataError when it is no file, or a link to none, or cannot be opened."""
    try:
        if not path.is_file():
            raise DataError(
                f"{path.name}: it is not a file, or a link to one. Put the file itself in the inbox."
            )
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path.name}: it cannot be opened ({error.strerror}). Make it readable and try again."
        ) from error


def _parsed(company: str, opened: Sequence[JdashSource], currency: str | None) -> VoucherAmounts:
    if len(opened) > 1:
        names = " and ".join(source.path.name for source in opened)
        raise DataError(
            f"{names} are both files of {company}, and none is read. Keep one of them in the inbox."
        )
    return parse_jdash(opened[0].path.name, opened[0].content, currency)


def _table(company: str, file: str, vouchers: VoucherAmounts) -> pa.Table:
    return pa.table(
        [
            pa.repeat(company, len(vouchers)),
            vouchers.table["voucher_id"],
            vouchers.table["amount_used"],
            pa.repeat(file, len(vouchers)),
        ],
        schema=JDASH.arrow_schema,
    )
