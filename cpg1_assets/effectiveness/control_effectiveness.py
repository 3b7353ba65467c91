"""Control effectiveness: what was planted in the small books of a month, and what the loaded rules found of it."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from cpg1_assets.effectiveness.books import HELD, Company, tables
from cpg1_assets.effectiveness.draws import Draws
from cpg1_assets.effectiveness.findings import Finding, found_in, frames_needed
from cpg1_assets.effectiveness.kinds import Fault, of_files, of_lines
from cpg1_assets.effectiveness.sound import agreeing, everything
from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.frame import FrameSpec
from cpg1_assets.jdash.month import JDASH
from cpg1_assets.loaded import digest_of
from cpg1_assets.rules.frames import CONTROL_EFFECTIVENESS
from cpg1_assets.rules.graph import Circumstances

_SOUND_COMPANIES = 3
_SOUND = "nothing planted"
SEEDING = frames_needed()
"""The frames of the month that the seed is a digest of: all that rules and checks read and that was drawn."""


def seed_of(hashes: Mapping[str, str]) -> str:
    """Give the seed of a month: a digest of the SHA-256 of the files of `SEEDING`, by name. KeyError without one."""
    return digest_of({name: hashes[name].encode() for name in SEEDING})


@dataclass(frozen=True)
class SmallBooks:
    """All companies of the small books, those of them that are sound, and the faults planted in the others."""

    companies: tuple[Company, ...]
    sound: tuple[Company, ...]
    faults: tuple[Fault, ...]


def small_books(seed: str, circumstances: Circumstances, accounts: Collection[str]) -> SmallBooks:
    """Plant faults as `seed` draws them, on the lines all of whose accounts are among `accounts`."""
    held = tuple(each for each in HELD if set(each.accounts) <= set(accounts))
    lines = {
        each.extract: line.line
        for each in held
        for line in circumstances.lines.lines
        if line.target.extract == each.extract and set(line.accounts) & set(each.accounts)
    }
    companies: list[Company] = []

    def new() -> Company:
        number = len(companies) + 1
        company = Company(number, circumstances.month, Draws(seed, str(number)))
        agreeing(company, held)
        companies.append(company)
        return company

    sound = tuple(new() for _ in range(_SOUND_COMPANIES))
    for company in sound:
        everything(company, held)
    faults = (*of_lines(lines, held, new), *of_files(lines, held, new))
    return SmallBooks(tuple(companies), sound, faults)


def control_effectiveness(seed: str, circumstances: Circumstances, accounts: Collection[str]) -> pa.Table:
    """Plant faults as `seed` draws them, run the loaded rules and checks over them, and say what was found.

    There is one row for each planted fault, and one for each company in which nothing was planted. A fault is found where
    everything that its kind must lead to was found: `missed_by` names what was not. `beside` is what was found in its
    company and belongs to no fault: a false alarm. `accounts` are the group accounts in scope: the lines of the control
    all of whose accounts are among them must be among those of `circumstances`.

    The same seed, month and rule files give the same rows. Gives rows as `CONTROL_EFFECTIVENESS`; amounts LCY. Raises
    DataError as the rules do.
    """
    planted = small_books(seed, circumstances, accounts)
    types = {
        fault.transaction_type: next(iter(fault.expected))
        for fault in planted.faults
        if fault.transaction_type
    }
    books = tables(planted.companies, _specs(), circumstances.month)
    found = found_in(books, circumstances, types)
    rows = [_row(fault, found) for fault in planted.faults]
    rows += [_sound_row(company.code, found.get(company.code, Counter())) for company in planted.sound]
    known = {company.code for company in planted.companies}
    stray = sum((of for code, of in found.items() if code not in known), Counter[Finding]())
    if stray:
        rows.append(_sound_row("", stray))
    rows.sort(key=lambda row: [(row[name] is not None, row[name]) for name in CONTROL_EFFECTIVENESS.key])
    return pa.Table.from_pylist(rows, schema=CONTROL_EFFECTIVENESS.arrow_schema)


def _specs() -> dict[str, FrameSpec]:
    catalog = read_catalog()
    return {name: JDASH if name == JDASH.name else catalog[name].contract for name in SEEDING}


def _row(fault: Fault, found: Mapping[str, Counter[Finding]]) -> dict[str, Any]:
    seen, missed, beside = Counter[Finding](), Counter[Finding](), Counter[Finding]()
    for code, expected in fault.expected.items():
        of_company = found.get(code, Counter())
        seen += expected & of_company
        missed += expected - of_company
        beside += of_company - expected
    return {
        "kind": fault.kind,
        "line": fault.line,
        "id_company": next(iter(fault.expected)),
        "what": fault.what,
        "amount": fault.amount,
        "planted": True,
        "found": not missed,
        "found_by": ", ".join(sorted({finding.by for finding in seen})) or None,
        "missed_by": _in_words(missed),
        "beside": _in_words(beside),
    }


def _sound_row(company: str, found: Counter[Finding]) -> dict[str, Any]:
    return {
        "kind": _SOUND,
        "line": None,
        "id_company": company,
        "what": "All agrees",
        "amount": None,
        "planted": False,
        "found": bool(found),
        "found_by": ", ".join(sorted({finding.by for finding in found})) or None,
        "missed_by": None,
        "beside": _in_words(found),
    }


def _in_words(findings: Counter[Finding]) -> str | None:
    return "; ".join(sorted(map(str, findings.elements()))) or None
