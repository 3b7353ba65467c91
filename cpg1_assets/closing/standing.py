"""Where each month stands: what `cpg1 status` shows, read from the records of closes and from storage."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from cpg1_assets.closing.check_standing import FailedCheck, failed_checks, in_order
from cpg1_assets.closing.records import read_record
from cpg1_assets.comments.late import comments_not_taken
from cpg1_assets.definitions import month_partitions, sealed_frames
from cpg1_assets.deployment import Deployment, open_deployment
from cpg1_assets.errors import Cpg1Error, EvidenceError, StorageError
from cpg1_assets.evidence.audit.restatement import restated_by, restatement
from cpg1_assets.evidence.chain.links import anchor_of
from cpg1_assets.evidence.chain.manifest import MANIFEST
from cpg1_assets.evidence.chain.open_items_before import sealed_since
from cpg1_assets.evidence.chain.seal import latest_seal, sealed_versions
from cpg1_assets.evidence.chain.sign_off import asked_now, sign_offs
from cpg1_assets.home import Home
from cpg1_assets.jdash.late import late_files
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.frames import CHECK_RESULTS, OPEN_ITEMS, RECONCILIATION
from cpg1_assets.rules.named_variance import named_variances
from cpg1_assets.settings import Settings
from cpg1_assets.storage.files import ParquetStorage
from cpg1_assets.storage.lineage import made_of_others

_WORDS = {
    "RECONCILED": "reconciled",
    "EXPLAINED": "explained",
    "VARIANCE_DETECTED": "with an unexplained variance",
    "NOT_COMPUTED": "not computed",
}


def month_standing(settings: Settings, month: CutoffMonth, *, with_items: bool = False) -> dict[str, Any]:
    """Give what the last close of a month came to, with the lines now in storage.

    A month materialized another way (the UI, `dagster asset materialize`) has lines and check results, and no
    record, or one of an earlier close: what is shown of lines and checks is what is in storage. `with_items` also says
    how much of each line is named.
    """
    deployment = open_deployment(settings)
    storage = deployment.storage
    record: dict[str, Any] | None = None
    damaged: list[str] = []
    lines: list[dict[str, Any]] = []
    named: list[dict[str, Any]] = []
    found: list[FailedCheck] = []
    is_as_written = True
    try:
        record = read_record(settings, month)
    except StorageError as error:
        damaged.append(str(error))  # it must not hide what is in storage
    try:
        if storage.exists(RECONCILIATION.name, month.key):
            lines = reconciliation_lines(storage, month)
            named = named_lines(storage, month) if with_items else []
        found = failed_checks(deployment, month)
    except StorageError as error:
        # What is damaged in one month must not hide the others; its figures are not shown.
        damaged.append(str(error))
        lines, named, is_as_written = [], [], False
    standing: dict[str, Any] = {
        "month": month.key,
        "run_id": "",
        "exit_status": None,
        "failures": [],
        "evidence": str(Home(settings).evidence_folder / month.key),
        **(record or {}),
        "lines": lines,
        "named": named,
        "damaged": damaged,
        "seal": seal_standing(settings, month),
    }
    after_the_seal = [c for c in (record or {}).get("failed_checks", ()) if c["asset"] == MANIFEST.name]
    standing["failed_checks"] = in_order([*(c for c in found if c["tested"]), *after_the_seal])
    standing["late_files"] = _late(deployment, month) if lines else []
    standing["comments_not_taken"] = _comments_not_taken(deployment, month) if lines else []
    standing["month_before"] = _month_before(deployment, month) if lines else []
    standing["untested_checks"] = [check for check in found if not check["tested"]]
    if record is not None:
        standing["state"] = "close failed" if record["exit_status"] == 1 else "closed"
    else:
        standing["state"] = "materialized" if lines else "not closed"
    if not is_as_written:
        standing["state"] = "damaged in storage"
    return standing


def made_of_what_is_there(settings: Settings, month: CutoffMonth) -> tuple[list[str], list[str]]:
    """Say which files that the month's lines and check results were computed from are damaged, and which are others now."""
    storage = open_deployment(settings).storage
    damaged: list[str] = []
    older: list[str] = []
    for asset in ("reconciliation", CHECK_RESULTS.name):
        try:
            others = made_of_others(storage, month.key, asset) if storage.exists(asset, month.key) else []
        except StorageError as error:
            damaged.append(str(error))
            continue
        if others:
            older.append(
                f"{asset} of {month.key} was computed from other files of {', '.join(others)} than are there now. "
                f"Close the month again: cpg1 close --month {month.key}"
            )
    return list(dict.fromkeys(damaged)), older


def _late(deployment: Deployment, month: CutoffMonth) -> list[str]:
    """Say which JDash files are late; what cannot be compared must not hide what the close came to."""
    try:
        deployment.home.require_inbox()
        return late_files(deployment.storage, deployment.home.inbox_folder, month)
    except (Cpg1Error, OSError) as error:
        return [f"cannot be compared: {error}"]


def _comments_not_taken(deployment: Deployment, month: CutoffMonth) -> list[str]:
    """Say which comments files are not those that were taken in last."""
    try:
        return comments_not_taken(deployment.storage, deployment.home.inbox_folder, month)
    except (Cpg1Error, OSError) as error:
        return [f"cannot be compared: {error}"]


def _month_before(deployment: Deployment, month: CutoffMonth) -> list[str]:
    """Say whether the month before was sealed since its open items were compared with this month's."""
    try:
        return sealed_since(deployment.home.evidence_folder, deployment.storage, month)
    except Cpg1Error as error:
        return [f"cannot be compared: {error}"]


def standing_against_seal(settings: Settings, month: CutoffMonth) -> dict[str, Any] | None:
    """Give how the month in storage differs from its newest seal, and that seal from the one before it.

    None where the month was never sealed.
    """
    deployment = open_deployment(settings)
    specs = {spec.name: spec for spec in sealed_frames(deployment)}
    try:
        versions = sealed_versions(Home(settings).evidence_folder, month.key)
        if not versions:
            return None
        now = restatement(versions[-1], deployment.storage, specs).as_dict()
        restated = [restated_by(*pair, specs).as_dict() for pair in pairwise(versions[-2:])]
    except (EvidenceError, StorageError) as error:
        # A damaged seal must not hide what the close came to.
        return {"version": None, "as_sealed": None, "summary": f"cannot be compared with its seal: {error}"}
    return {**now, "newest_seal_against_the_one_before": restated[0] if restated else None}


def standings(settings: Settings) -> list[dict[str, Any]]:
    """Give the standing of every month that was closed or materialized, in order."""
    months = [CutoffMonth.parse(key) for key in month_partitions(settings).get_partition_keys()]
    found = [month_standing(settings, month) for month in months]
    return [each for each in found if each["state"] != "not closed" or each["damaged"]]


def reconciliation_lines(storage: ParquetStorage, month: CutoffMonth) -> list[dict[str, Any]]:
    """Give the rows of `reconciliation` in storage, amounts as text so that no digit is lost."""
    rows = storage.rows("reconciliation", month.key)
    return [{k: v if isinstance(v, str | None) else f"{v:f}" for k, v in row.items()} for row in rows]


def named_lines(storage: ParquetStorage, month: CutoffMonth) -> list[dict[str, Any]]:
    """Give how much of each line is named, and by which causes, amounts as text.

    Empty where the month was not taken apart into items. Raises StorageError where a file is not the one written there.
    """
    assets = (RECONCILIATION.name, OPEN_ITEMS.name)
    if not all(storage.exists(asset, month.key) for asset in assets):
        return []
    named = named_variances(*(storage.dataset(asset, month.key) for asset in assets))
    return [{"id_company": each.id_company, "line": each.line, **each.figures()} for each in named]


def seal_standing(settings: Settings, month: CutoffMonth) -> dict[str, Any]:
    """Give version, anchor of its link and place of a month's newest seal, and its sign-offs.

    `version` is None where the month is not sealed. It says what the chain says; `verify` says whether it holds.
    """
    if settings.scope is not None:
        sentence = "Not sealed: a narrowed scope does not count as the control."
        return {"version": None, "anchor": None, "folder": None, "sentence": sentence, "sign_offs": []}
    sealed = latest_seal(Home(settings).evidence_folder, month.key)
    standing = sign_offs(Home(settings).evidence_folder, month.key)
    return {
        "version": None if sealed is None else sealed.version,
        "anchor": None if sealed is None else anchor_of(sealed.link),
        "folder": None if sealed is None else str(sealed.folder),
        "sentence": standing.sentence,
        "sign_offs": [each.as_dict() for each in standing.sign_offs],
    }


def asked_at_sign_off(settings: Settings, month: CutoffMonth) -> dict[str, dict[str, str]]:
    """Give what a sign-off of the month as it is sealed now would ask for, by kind: key, and what it is.

    Nothing of a narrowed scope, and of a month that is not sealed. Raises EvidenceError where the chain or what was
    sealed is damaged.
    """
    if settings.scope is not None:
        return {}
    demands = asked_now(Home(settings).evidence_folder, month.key)
    return {place: dict(demand.keys) for place, demand in demands.items()}


def summary(lines: Sequence[Mapping[str, Any]], untested: int = 0) -> str:
    """Count the lines by status in a sentence, and in another the checks that found nothing to test."""
    counts = {status: sum(line["status"] == status for line in lines) for status in _WORDS}
    said = ", ".join(f"{count} {_WORDS[status]}" for status, count in counts.items() if count)
    nothing = f" {untested} check{'s' * (untested > 1)} had nothing to test." if untested else ""
    return f"{len(lines)} lines: {said or 'none'}.{nothing}"
