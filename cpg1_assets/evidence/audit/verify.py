"""Verifying evidence: every sealed file hashed again, the chain walked, the signatures checked.

It works on a copied folder with nothing else there, writes nothing, and believes nothing that the folder
says of itself beyond what follows from the head of the chain: that one must be compared with an anchor noted
elsewhere, or be signed by a key that is trusted.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cpg1_assets.errors import EvidenceError, printable, shown
from cpg1_assets.evidence.audit.month_check import Budget, MonthCheck, settled
from cpg1_assets.evidence.audit.sign_off_check import uncommented
from cpg1_assets.evidence.audit.timestamp_check import UNCHECKED, check_timestamps
from cpg1_assets.evidence.audit.who_signed import Signed, TrustedKeys, one_hand, since_revoked, who_signed
from cpg1_assets.evidence.chain.links import (
    FOLDER,
    OF_A_MONTH,
    SEAL,
    Link,
    Problem,
    anchor_of,
    inspect_chain,
    parse_anchor,
    time_of,
)
from cpg1_assets.evidence.chain.sample import sample_problems
from cpg1_assets.evidence.chain.seal import ROW_TREES, SEALS
from cpg1_assets.evidence.chain.signed_links import sign_off_problems
from cpg1_assets.evidence.chain.signing import is_signed, key_id
from cpg1_assets.evidence.chain.timestamp import Stamp

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

ROOTS_NOT_COMPUTED = (
    "The roots of rows that seals state were not computed again; that does: cpg1 evidence reperform MONTH"
)
_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")


@dataclass(frozen=True)
class VerifyReport:
    """What verification found. `problems` empty means: consistent with itself up to `head`.

    `anchored` says that the anchor given is in the chain, `trusted` that the head is covered by a signature of
    a trusted key; `covered_to` is the last link that either of them vouches for. `only` is the month whose files were
    looked at, where others were sealed too: of those, the links alone were. `signed` is who signed what, with which key;
    `stamps` are the timestamps that an authority that was given vouches for.
    """

    problems: list[Problem]
    notes: list[str]
    head: str | None
    anchored: bool
    trusted: bool
    covered_to: int
    signed_by: list[str]
    signed: list[Signed]
    months: dict[str, int]
    links: int
    files: int
    size_bytes: int
    only: str | None = None
    stamps: tuple[Stamp, ...] = ()

    @property
    def conclusion(self) -> str:
        """Say in a few sentences what is known now, and no more than that."""
        of = "" if self.only is None else f" This is of {self.only}: no file of another month was looked at."
        return self._concluded() + self._stamped() + of

    def _stamped(self) -> str:
        """Say what the timestamp of the newest link proves; nothing where there is none, or something is wrong."""
        if self.problems or not self.stamps:
            return ""
        newest = max(self.stamps, key=lambda stamp: stamp.link)
        return f" Up to link {newest.link} it existed at {newest.time}, says {newest.authority}."

    def _concluded(self) -> str:
        unchecked = [problem for problem in self.problems if problem.kind == UNCHECKED]
        if unchecked and len(unchecked) == len(self.problems):
            return (
                f"No difference was found, but not all was checked: {unchecked[0].message} So nothing is known of who "
                f"made the links. The head is {self.head}."
            )
        if self.problems:
            counted = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
            return f"{counted}: this is not, or not all, as it was sealed."
        if self.covered_to == self.links and (self.anchored or self.trusted):
            by = " and ".join(
                [*(["the anchor"] if self.anchored else []), *(["a trusted key"] if self.trusted else [])]
            )
            return f"As it was sealed. The head {self.head} is vouched for by {by}."
        if self.covered_to:
            return (
                f"As it was sealed up to link {self.covered_to}; the {self.links - self.covered_to} links after it "
                f"are consistent with themselves only. The head is {self.head}: compare it with the head you noted."
            )
        known = "" if self.stamps else ", and no more than that is known"
        return (
            f"Consistent with itself{known}: the head is {self.head}. Compare it with the "
            "head you noted (--anchor), or give a key you trust (--trusted-key)."
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "clean": not self.problems,
            "conclusion": self.conclusion,
            "problems": [
                {name: printable(said) for name, said in problem._asdict().items()}
                for problem in self.problems
            ],
            "notes": [printable(note) for note in self.notes],
            "head": self.head,
            "anchored": self.anchored,
            "trusted": self.trusted,
            "covered_to": self.covered_to,
            "signed_by": self.signed_by,
            "signed": [each.as_dict() for each in self.signed],
            "timestamps": [stamp._asdict() for stamp in self.stamps],
            "months": self.months,
            "links": self.links,
            "files": self.files,
            "size_bytes": self.size_bytes,
        }


def verify(
    evidence: Path,
    month: str | None = None,
    anchor: str | None = None,
    trusted_keys: Sequence[str] = (),
    authorities: "Sequence[Certificate] | None" = None,
) -> VerifyReport:
    """Verify the evidence folder, or of it only `month` and the whole chain.

    `trusted_keys` are public keys in base64; keys that they put into the key register are trusted with them.
    `authorities` are certificates that timestamps must lead to. Raises EvidenceError when the folder is not there, holds
    nothing sealed, or the anchor is not one; everything else that is wrong is a problem of the report.
    """
    noted = None if anchor is None else parse_anchor(anchor)
    evidence = evidence.resolve()
    if not evidence.is_dir():
        raise EvidenceError(
            f"{evidence} is not there, or is not a folder: give the folder that holds {FOLDER} and the months."
        )
    links, problems, notes = inspect_chain(evidence)
    top = _top(evidence, problems)
    of_month = _by_month(links, problems)
    sealed = sorted({m for m, own in of_month.items() if any(link.kind == SEAL for link in own)} | set(top))
    if not links and noted is None and not problems and not any((evidence / m / SEALS).exists() for m in top):
        raise EvidenceError(f"Nothing is sealed in {evidence}: there is no {FOLDER} and no sealed month.")
    if month is not None and month not in sealed:
        problems.append(
            Problem("missing", month, "The chain has no seal of this month, and it has no folder.")
        )
    problems += _times(links)
    anchored = _check_anchor(links, noted, problems)
    trusted_to, signed_by = _check_signatures(links, trusted_keys, problems)
    known = [link for own in of_month.values() for link in own]
    stamps = check_timestamps(links, authorities, problems, notes)
    problems += sign_off_problems(links)
    problems += sample_problems(links)
    revoked, of_revoked = since_revoked(links, month)
    problems += revoked
    checked = [
        MonthCheck(evidence, name, of_month.get(name, [])) for name in (sealed if month is None else [month])
    ]
    for each in checked:
        each.look()
    budget = Budget(checked)
    for each in checked:
        each.compare(budget)
    problems += settled(checked)
    in_order = sorted(known, key=lambda link: link.index)
    problems += [problem for each in checked for problem in uncommented(each, in_order)]
    notes += [note for each in checked for note in each.notes] + of_revoked + one_hand(links, month)
    if any(ROW_TREES in sealed.seal for each in checked for sealed in each.sealed.values()):
        notes.append(ROOTS_NOT_COMPUTED)
    others = [] if month is None else [name for name in sealed if name != month]
    return VerifyReport(
        problems=problems,
        notes=notes,
        head=anchor_of(links[-1]) if links else None,
        anchored=anchored,
        trusted=trusted_to > 0,
        covered_to=max(trusted_to, noted[0] if anchored and noted is not None else 0),
        signed_by=signed_by,
        signed=who_signed(links, month),
        months={each.name: len(each.versions) for each in checked if each.versions},
        links=len(links),
        files=sum(each.files for each in checked),
        size_bytes=sum(each.size_bytes for each in checked),
        only=month if others else None,
        stamps=tuple(stamps),
    )


def problems_of(evidence: Path, month: str) -> list[Problem]:
    """Give what is not as it was sealed of a month, as whoever signs it off has to know."""
    return verify(evidence, month).problems


def require_verified(
    evidence: Path,
    month: str,
    what: str,
    anchor: str | None = None,
    trusted_keys: Sequence[str] = (),
) -> VerifyReport:
    """Verify a month before something is made of it, and give the report. Raises EvidenceError where it has problems.

    `what` ends the sentence, such as "it is not exported".
    """
    report = verify(evidence, month, anchor, trusted_keys)
    if report.problems:
        first, others = report.problems[0], len(report.problems) - 1
        raise EvidenceError(
            f"The evidence of {month} is not as it was sealed ({first.path}: {first.kind}, and {others} more), so {what}. "
            f"See: cpg1 evidence verify {month}"
        )
    return report


def _by_month(links: list[Link], problems: list[Problem]) -> dict[str, list[Link]]:
    """Give the links that are of a month by it; what is no month must not be taken for the name of a folder."""
    months: dict[str, list[Link]] = {}
    for link in links:
        if link.kind not in OF_A_MONTH:
            continue
        month = link.body.get("month")
        if isinstance(month, str) and _MONTH.fullmatch(month):
            months.setdefault(month, []).append(link)
        else:
            problems.append(Problem("changed", link.name, "It does not say which month it is of."))
    return months


def _times(links: list[Link]) -> list[Problem]:
    """Name each link that was made before the one before it, or does not say when."""
    problems, latest, of = [], None, ""
    for link in links:
        made_at = time_of(link.made_at)
        if made_at is None:
            why = f"It does not say when it was made ({shown(link.made_at)})."
            problems.append(Problem("time", link.name, why))
        elif latest is not None and made_at < latest:
            why = f"It was made at {link.made_at}, before {of}, which comes before it in the chain."
            problems.append(Problem("time", link.name, why))
        else:
            latest, of = made_at, link.name
    return problems


def _top(evidence: Path, problems: list[Problem]) -> list[str]:
    """Give the months that have a folder; anything else but the chain does not belong there."""
    months: list[str] = []
    try:
        paths = sorted(evidence.iterdir())
    except OSError as error:
        problems.append(Problem("unreadable", ".", f"It cannot be read ({error.strerror or error})."))
        paths = []
    for path in paths:
        if path.is_symlink():
            if path.name != FOLDER:
                problems.append(Problem("link", path.name, "It is a symbolic link, not a folder."))
        elif path.is_dir() and _MONTH.fullmatch(path.name):
            months.append(path.name)
        elif path.name != FOLDER or not path.is_dir():
            problems.append(Problem("added", path.name, "It is neither the chain nor the folder of a month."))
    return months


def _check_anchor(links: list[Link], noted: tuple[int, str] | None, problems: list[Problem]) -> bool:
    if noted is None:
        return False
    index, digits = noted
    place = f"{FOLDER}/{index:06d}.json"
    found = [link for link in links if link.index == index]
    if not found:
        problems.append(
            Problem(
                "anchor", place, f"The anchor is of link {index}; the chain does not have it: it was cut."
            )
        )
        return False
    if not found[0].digest.startswith(digits):
        problems.append(
            Problem(
                "anchor", place, "The anchor is of another link of this number: the chain was written anew."
            )
        )
        return False
    return True


def _check_signatures(
    links: list[Link], trusted_keys: Sequence[str], problems: list[Problem]
) -> tuple[int, list[str]]:
    """Give the last link a trusted key vouches for (a signature covers all links before it), and who signed."""
    signers, trusted_to = set(), 0
    trusted = TrustedKeys(trusted_keys)
    for link in links:
        if link.signature is None:
            trusted.add(link, is_signed=False)
            continue
        try:
            valid = is_signed(link.digest, link.signature)
        except EvidenceError as error:
            count = sum(other.signature is not None for other in links)
            signed = "1 link is" if count == 1 else f"{count} links are"
            problems.append(
                Problem(UNCHECKED, FOLDER, f"{signed} signed, and no signature was checked. {error}")
            )
            return 0, []
        public_key = link.signature.get("public_key", "")
        is_trusted = trusted.has(public_key, link.made_at)
        trusted.add(link, is_signed=valid)
        if not valid:
            why = (
                "Its signature is not one of the key it names, or that key is none that anybody holds alone."
            )
            problems.append(Problem("signature", link.name, why))
            continue
        signers.add(key_id(public_key))
        if trusted_keys and not is_trusted:
            who = key_id(public_key)
            problems.append(
                Problem("signature", link.name, f"It is signed by the key {who}, which is not trusted.")
            )
        elif is_trusted:
            trusted_to = link.index
    if trusted_keys:
        problems += [
            Problem("unsigned", link.name, "No trusted key has signed it or a link after it.")
            for link in links
            if link.index > trusted_to and link.signature is None
        ]
    return trusted_to, sorted(signers)
