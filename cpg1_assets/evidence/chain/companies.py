"""Which companies a sealed month was closed for, and those of the seal it is to be compared with.

A company that drops out of the scope takes its variances with it, unseen: so a change of companies is named.
The companies of a month are those of its sealed closing rates, `cr_05`. Source of the rule: The control
("Scope"). Not here: what becomes of a change; a check says it and `demands` asks for a comment on it.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from pathlib import Path

from cpg1_assets.evidence.chain.links import SEAL, Link
from cpg1_assets.evidence.chain.seal import SealedVersion, seals_folder, version_name

RATES = "cr_05"


def companies_of(sealed: SealedVersion) -> frozenset[str]:
    """Give the companies of a sealed month, without the blanks that a fixed-width column ends its texts in.

    Raises EvidenceError when the rates are not there or are not the file that was sealed.
    """
    # Nobody verifies the month before when this one is closed or signed: the file has to prove itself, and does.
    column = sealed.table(RATES, ["id_company"]).column(0)
    return frozenset(str(company).rstrip(" ") for company in column.to_pylist())


def companies_before(
    links: Iterable[Link], evidence: Path, month: str, version: int | None = None
) -> tuple[SealedVersion, frozenset[str]] | None:
    """Give the seal to compare the companies of `month` with, and its companies; None where there is none.

    It is the month's newest version; else the newest of the latest calendar month before it that is sealed;
    else, where only later months are, the newest seal of all. With `version`, that version itself and all that
    was sealed after it count as not yet made, so that the answer stays what it was when it was sealed. `links` are
    those of the whole chain. Raises EvidenceError when the seal's rates are not as they were sealed.
    """
    seals: list[SealedVersion] = []
    for link in links:
        of, number = link.body.get("month"), link.body.get("version")
        if link.kind != SEAL or not isinstance(of, str) or not isinstance(number, int):
            continue
        if (of, number) == (month, version):
            break
        seals.append(SealedVersion(seals_folder(evidence, of) / version_name(number), of, number, link))
    own = [sealed for sealed in seals if sealed.month == month]
    latest = max((sealed.month for sealed in seals if sealed.month < month), default="")
    before = [sealed for sealed in seals if sealed.month == latest]
    chosen = own or before or seals
    return (chosen[-1], companies_of(chosen[-1])) if chosen else None


def companies_changed(before: AbstractSet[str], now: AbstractSet[str]) -> tuple[list[str], list[str]]:
    """Give the companies that left and those that are new, each sorted; in other letters a company is the same."""
    had, has = ({code.upper(): code for code in sorted(codes)} for codes in (before, now))
    left, new = had.keys() - has.keys(), has.keys() - had.keys()
    return sorted(had[code] for code in left), sorted(has[code] for code in new)
