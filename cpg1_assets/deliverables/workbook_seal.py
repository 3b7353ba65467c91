"""The last sheets of the workbook: what the checks found, what the figures rest on and who signed, the list of causes."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from cpg1_assets.deliverables.closed_month import ClosedMonth
from cpg1_assets.deliverables.workbook_book import Book, Part
from cpg1_assets.deliverables.workbook_figures import title_of
from cpg1_assets.evidence.chain.links import anchor_of
from cpg1_assets.evidence.chain.seal import SEALS
from cpg1_assets.inbox.given_cells import SheetColumn
from cpg1_assets.rules.causes import MEANINGS
from cpg1_assets.rules.thresholds import Thresholds
from cpg1_assets.yaml_file import parse_yaml

_CHECKS = (
    SheetColumn("Result", "status", 15),
    SheetColumn("Severity", "text", 10),
    SheetColumn("Asset", "text", 28),
    SheetColumn("Check", "text", 34),
    SheetColumn("Company", "text", 10),
    SheetColumn("Line", "text", 27),
    SheetColumn("What was found", "text", 110),
)
_RESULTS = ("FAILED", "nothing to test", "passed")
_CAUSES = (SheetColumn("Cause", "text", 28), SheetColumn("What it means, and what to do", "text", 120))
_SAID = (SheetColumn("What", "text", 30), SheetColumn("Value", "text", 90))
_SIGNED = (
    SheetColumn("Role", "text", 1),
    SheetColumn("Name, version, time, account, key, comment", "text", 1),
)
_THRESHOLDS = (
    SheetColumn("Threshold rule", "text", 1),
    SheetColumn("USD", "usd", 1),
)


CAUSE_CELLS = f"={Part('Causes', 3, 2 + len(MEANINGS), frozenset()).cells(0)}"
"""Where the sheet of the causes lists them."""


def write_causes(book: Book, month: ClosedMonth) -> None:
    """Write the causes that a rule can propose and a person confirm, in CAUSE_CELLS."""
    page = book.sheet("Causes")
    page.widths(_CAUSES)
    page.title(
        f"Causes – {title_of(month)}", "A cause is a proposal of the rules, until somebody confirms it."
    )
    page.header(_CAUSES, len(MEANINGS), 1)
    for cause, meaning in MEANINGS.items():
        page.cells(_CAUSES, [cause, meaning], 2)


def write_checks(book: Book, month: ClosedMonth) -> None:
    """Write what every check of the month found, the failed ones first."""
    page = book.sheet("Checks")
    page.widths(_CHECKS)
    if "check_results" in month.lacks:
        page.title(
            f"Checks – {title_of(month)}", "This version was sealed before the results of checks were."
        )
        return
    found = sorted(
        ((_result(row), row) for row in month.checks), key=lambda each: _RESULTS.index(each[0])
    )  # stable: otherwise as sealed
    counts = ", ".join(f"{sum(result == each for result, _ in found)} {each}" for each in _RESULTS)
    page.title(
        f"Checks – {title_of(month)}",
        f"{len(found)} results: {counts}. ERROR: a balance is wrong or a source is incomplete. WARN: a person looks.",
    )
    page.header(_CHECKS, len(found), 4)
    for result, row in found:
        page.cells(
            _CHECKS,
            [result, *(row[name] for name in ("severity", "asset", "check", "id_company", "line")), None],
            2,
        )
        page.wrapped(len(_CHECKS) - 1, _told(json.loads(row["figures"])), _CHECKS[-1].width)
    page.printed(_CHECKS)


def _result(row: Mapping[str, Any]) -> str:
    if not row["tested"]:
        return "nothing to test"
    return "passed" if row["passed"] else "FAILED"


def _told(figures: object) -> str:
    """Write figures of a check out, without the marks of JSON; of a line only what its summary does not say."""
    if isinstance(figures, Mapping) and "by_cause" in figures:
        causes = "; ".join(
            f"{each['cause']} {each['unexplained']} ({each['items']})" for each in figures["by_cause"]
        )
        return f"{figures['status']}, unexplained {figures['unexplained']}. By cause: {causes or 'no open items'}"
    if isinstance(figures, Mapping):
        return "; ".join(
            f"{name.replace('_', ' ') if name.islower() else name}: {_told(value)}"
            for name, value in figures.items()
            if value != []
        )
    if isinstance(figures, list):
        return " | ".join(map(_told, figures))
    return "none" if figures is None else str(figures)


def write_seal(book: Book, month: ClosedMonth) -> None:
    """Write what the figures rest on: parameters, versions, source, seal, chain, who signed, thresholds, how to verify."""
    page = book.sheet("Parameters and seal")
    page.widths(_SAID)
    page.title(f"Parameters and seal – {title_of(month)}")
    page.header(_SAID, 0, 1)
    for what, value in _said(month):
        page.cells(_SAID, [what, value], 2)
    page.heading("Who signed")
    page.header(_SIGNED, 0, 0, is_main=False)
    signed = [sign_off.as_dict() for sign_off in month.signing.sign_offs]
    for each in signed:
        covers = "covers the month as it is sealed now" if each["covers"] else "does not cover it any more"
        known = {True: " of the register", False: " NOT of the register"}.get(each["registered"], "")
        key = f"key {each['signed_by_key']}{known}" if each["signed_by_key"] else "no personal key"
        page.cells(
            _SIGNED,
            [each["role"],
             f"{each['name']}, version {each['version']}, {each['at']}, account {each['os_account']}, {key}; {covers}"],
            2,
        )  # fmt: skip
        page.cells(_SIGNED, [None, each["comment"]], 2)
    if not signed:
        page.cells(_SIGNED, ["nobody", month.signing.sentence], 2)
    page.heading("Thresholds, as they were sealed: country/type/account/category/voucher type")
    page.header(_THRESHOLDS, 0, 0, is_main=False)
    name = "thresholds.yaml"
    where = str(month.sealed.folder / "rules" / name)
    for rule in parse_yaml(month.sealed.rule_file(name), Thresholds, name=where).rules:
        page.cells(_THRESHOLDS, [rule.name, rule.usd], 2)


def _said(month: ClosedMonth) -> Iterator[tuple[str, str]]:
    """Give what is to be said of the version, a name and a value each."""
    sealed, link = month.sealed, month.sealed.link
    seal, context = sealed.seal, month.context
    source = context.get("source") or {}
    yield "Control", month.control
    yield "Month", month.month.key
    yield "Cutoff date", str(month.month.cutoff_date)
    yield "Books", str(seal.get("books"))
    yield "Scope", str(context.get("scope"))
    yield "Source", ", ".join(filter(None, [str(source.get("server") or ""), *source.get("databases", ())]))
    yield "Sealed version", str(sealed.version)
    yield "Sealed at", str(seal.get("sealed_at"))
    yield "Sealed by", str(seal.get("sealed_by"))
    yield "Run", str(seal.get("run_id"))
    yield "Seal: digest of its link", link.digest
    yield "Seal: anchor", anchor_of(link)
    yield "Head of the chain this was made of", month.head
    yield "Manifest, SHA-256", str(seal.get("manifest_sha256"))
    yield "Files in the manifest", str(seal.get("files"))
    yield "Standing", month.signing.sentence
    yield "Code version", str(seal.get("code_version"))
    yield "Control version", str(seal.get("control_version"))
    git = seal.get("git") or {}
    clean = ", with changes that are not in it" if git.get("clean") is False else ""
    yield "Git commit", f"{git.get('commit')}{clean}" if git.get("commit") else "not known"
    for row in sealed.manifest():
        path = row.path.removeprefix(f"{SEALS}/{sealed.folder.name}/")
        if row.kind == "rules":
            yield f"{path}, SHA-256", row.sha256
    for name in ("reconciliation", "open_items", "open_item_comments", "check_results"):
        if month.has(name):
            yield f"{name}.parquet, SHA-256", seal["content"][name]
    yield (
        "Head, to compare with",
        "Note the head on paper. It is the same as long as nobody seals, signs or reopens.",
    )
    yield "To verify", f"cpg1 evidence verify {month.month.key} --anchor {month.head}"
    yield "To re-perform", f"cpg1 evidence reperform {month.month.key}"
