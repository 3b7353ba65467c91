"""The JDash files of one month, which finance exports by hand into the inbox (spec: jdash).

Here a month's folder becomes one frame, with a named problem for everything in it that is not data. What lies in
the folder is in `inbox`, how the content of a file is read in `file`; what is kept as evidence, and what a missing
file means, is elsewhere.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import NamedTuple

import pyarrow as pa

from cpg1_assets.errors import DataError
from cpg1_assets.frame import FrameSpec, columns
from cpg1_assets.inbox.folder import GoneError, Listed, UnreadError, content, listed, shown, unread_state
from cpg1_assets.inbox.folder import states as inbox_states
from cpg1_assets.jdash.file import VoucherAmounts, parse_jdash, read_jdash_file
from cpg1_assets.month import CutoffMonth

__all__ = [
    "JDASH",
    "VALIDATIONS",
    "JdashMonth",
    "JdashProblem",
    "JdashSource",
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
        ("id_company", "text", "Company code, from the name of the file"),
        ("voucher_id", "text", "Voucher number as written, leading zeros kept"),
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
    left_alone: tuple[str, ...]
    """Names of what is certainly no data."""
    sources: tuple[JdashSource, ...]
    read: Mapping[str, Path]
    """The file used, by company."""
    files: Mapping[str, str]
    """SHA-256 of each file in the folder, or why it was not read, by name; what is left alone is not in it."""

    @property
    def left_alone_of_missing(self) -> list[str]:
        """Names left alone that have a missing company's in them, as of a download that is not done."""
        missing = [_folded(company) for company in self.missing]
        return [name for name in self.left_alone if any(company in _folded(name) for company in missing)]


def month_folder(inbox: Path, month: CutoffMonth) -> Path:
    """Give the folder of a month's JDash files."""
    return inbox / "jdash" / month.key


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
    problems: list[JdashProblem] = []
    try:
        folder = listed(month_folder(inbox, month))
    except DataError as error:
        problems.append(JdashProblem(None, month.key, str(error)))
        folder = Listed((), ())
    files, unnamed = _files_of_the_month(folder.paths, known, set(companies))
    problems += unnamed
    states: dict[str, str] = {}
    sources: list[JdashSource] = []
    tables: dict[str, pa.Table] = {}
    read: dict[str, Path] = {}
    for company, paths in sorted(files.items()):
        opened, unread = _opened(paths, states)
        sources += opened
        name = shown(paths[0].name)
        try:
            vouchers = _parsed(company, paths, opened, unread, (currencies or {}).get(company))
            tables[company] = _table(company, name, vouchers)
            read[company] = paths[0]
        except DataError as error:
            problems.append(JdashProblem(company, name, str(error)))
    states |= inbox_states(path for path in folder.paths if shown(path.name) not in states)
    missing = tuple(company for company in dict.fromkeys(companies) if company not in read)
    # Companies, and the vouchers of each, come in code point order.
    table = pa.concat_tables([JDASH.arrow_schema.empty_table(), *tables.values()])
    return JdashMonth(
        table, tuple(problems), missing, folder.left_alone, tuple(sources), read, dict(sorted(states.items()))
    )


def companies_without_file(inbox: Path, month: CutoffMonth, companies: Sequence[str]) -> tuple[str, ...]:
    """Give the companies that no file of the month is named after; what is in the files is not looked at.

    Raises DataError where the month's folder may not be listed.
    """
    known = {_folded(company): company for company in companies}
    files, _ = _files_of_the_month(listed(month_folder(inbox, month)).paths, known, set(companies))
    return tuple(company for company in companies if company not in files)


def _files_of_the_month(
    paths: Iterable[Path], known: Mapping[str, str], asked: set[str]
) -> tuple[dict[str, list[Path]], list[JdashProblem]]:
    """Give the files of each company asked for, and a problem for every name that is no company's."""
    files: dict[str, list[Path]] = {}
    problems: list[JdashProblem] = []
    for path in paths:
        name = PurePath(path.name.strip())
        company = known.get(_folded(name.stem))
        if company is not None and company not in asked:
            continue
        if company is not None and name.suffix.lower() in _SUFFIXES:
            files.setdefault(company, []).append(path)
        else:
            said = shown(path.name)
            problems.append(JdashProblem(company, said, f"{said}: {_why_not(company)} {_EXPECTED}"))
    return files, problems


def _folded(name: str) -> str:
    """Give what two names of one company have in common, whatever their case and blanks."""
    return "".join(name.split()).casefold()


def _why_not(company: str | None) -> str:
    return "it names no company in scope." if company is None else f"{company} is not read from such a file."


def _opened(
    paths: Sequence[Path], states: dict[str, str]
) -> tuple[list[JdashSource], dict[Path, UnreadError]]:
    """Read what can be read of a company's files; note in `states` what each held, or why it was not read."""
    opened: list[JdashSource] = []
    unread: dict[Path, UnreadError] = {}
    for path in paths:
        try:
            opened.append(JdashSource(path, content(path)))
            states[shown(path.name)] = hashlib.sha256(opened[-1].content).hexdigest()
        except UnreadError as error:
            unread[path] = error
            if not isinstance(error, GoneError):
                states[shown(path.name)] = unread_state(error)
    return opened, unread


def _parsed(
    company: str,
    paths: Sequence[Path],
    opened: Sequence[JdashSource],
    unread: Mapping[Path, UnreadError],
    currency: str | None,
) -> VoucherAmounts:
    if len(paths) > 1:
        names = " and ".join(shown(path.name) for path in paths)
        raise DataError(
            f"{names} are both files of {company}, and none is read. Keep one of them in the inbox."
        )
    if unread:
        raise unread[paths[0]]
    return parse_jdash(shown(paths[0].name.strip()), opened[0].content, currency)


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
