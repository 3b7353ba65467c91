"""Whether the timestamps in the chain hold: of the links alone, and against the authorities that the auditor trusts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.links import FOLDER, TIMESTAMP, Link, Problem
from cpg1_assets.evidence.chain.timestamp import Stamp, look_at, wrong_timestamps

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

UNCHECKED = "unchecked"
"""The kind of problem that is no difference: something could not be looked at."""


def check_timestamps(
    links: Sequence[Link],
    authorities: "Sequence[Certificate] | None",
    problems: list[Problem],
    notes: list[str],
) -> list[Stamp]:
    """Give the timestamps that are proven to be of one of the `authorities`; what is wrong with any is a problem.

    Without authorities none is proven, and a note says what was not looked at.
    """
    held = [link for link in links if link.kind == TIMESTAMP]
    wrong = wrong_timestamps(links)
    problems += [Problem(TIMESTAMP, name, why) for name, why in wrong.items()]
    by_digest = {link.digest: link for link in links}
    proven = []
    for link in held:
        if link.name in wrong:
            continue
        try:
            stamp, why = look_at(link, by_digest[link.body["link_digest"]], authorities)
        except EvidenceError as error:
            told = f"{_counted(held)} in the chain, and none was checked. {error}"
            if authorities is None:
                notes.append(told)
            else:
                problems.append(Problem(UNCHECKED, FOLDER, told))
            return []
        if why:
            problems.append(Problem(TIMESTAMP, link.name, why))
        elif authorities is not None:
            proven.append(stamp)
    if held and authorities is None:
        notes.append(
            f"{_counted(held)} in the chain; whose they are was not checked, so no time is proven. Give the "
            "certificates of an authority you trust: --tsa-ca"
        )
    if not held and authorities is not None:
        notes.append("The chain has no timestamp: no time is proven.")
    return proven


def _counted(held: Sequence[Link]) -> str:
    return "1 timestamp is" if len(held) == 1 else f"{len(held)} timestamps are"
