"""Taking a month's comments in from the command line: one Dagster run, which seals the month with them.

Nothing else is computed: the run is the job `take_comments`. Locks, claims and the record are those of a close.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cpg1_assets import stopping
from cpg1_assets.closing.beforehand import require_options
from cpg1_assets.closing.check_standing import CHECK_FAILED, CLOSED, FAILED, UNEXPLAINED
from cpg1_assets.closing.one_month import came_to, the_only_run, took_too_long
from cpg1_assets.closing.records import read_record, write_record
from cpg1_assets.closing.standing import asked_at_sign_off
from cpg1_assets.comments.month import comments_folder
from cpg1_assets.definitions import definitions_of, take_comments_definition
from cpg1_assets.deployment import Deployment, open_deployment
from cpg1_assets.errors import StorageError
from cpg1_assets.graph.instance import materialized_hashes
from cpg1_assets.graph.job import TAKE_COMMENTS
from cpg1_assets.graph.run import Progress, Wired, run_month
from cpg1_assets.home import Home, naming_places
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.frames import OPEN_ITEM_CHANGES, OPEN_ITEM_COMMENTS
from cpg1_assets.settings import Settings
from cpg1_assets.validation import found_in

_TAKE = Wired(
    TAKE_COMMENTS,
    definitions_of,
    take_comments_definition,
    "the comments of {month} are not taken in. Run it again: cpg1 comments {month}",
)


@dataclass(frozen=True)
class CommentsOutcome:
    """What taking a month's comments in came to.

    `files` are the month's own files, `looked_in` where they are looked for.
    `taken` and `carried` are the items that something is said of, by the month's own file and from the month before;
    `lapsed` are the changes whose comment lapsed and is not replaced, `refused` says why the file is not taken, and
    `asked` what a sign-off would still ask for, by kind. `exit_status` is 1 when the run failed, 4 when the file is
    refused, 3 when something is still asked for, else 0.
    """

    month: str
    run_id: str
    exit_status: int
    books: str
    scope: str | None
    seconds: float
    looked_in: str
    files: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    carried: list[str] = field(default_factory=list)
    lapsed: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    failures: list[tuple[str, str]] = field(default_factory=list)
    seal: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def take_comments(settings: Settings, month: CutoffMonth, progress: Progress) -> CommentsOutcome:
    """Take the comments of `month` in and seal it with them. `progress` is told each step as it ends.

    Raises as `close_month`, and StorageError where the month is not in storage: it is closed first. A file that cannot
    be taken is an outcome, and sealed as what was found.
    """
    with naming_places(settings):
        deployment = open_deployment(settings)
        require_options(settings)
        _require_closed(deployment, month)
        with the_only_run(deployment, month, progress) as instance:
            started = time.monotonic()
            with stopping.within(settings.max_run_seconds, took_too_long(settings, month)):
                run_id, success = run_month(deployment, month, instance, progress, _TAKE)
            run = came_to(deployment, month, instance, run_id, success=success, refused=[])
            if success:
                # What the close came to stays known; only what this run made is another by now.
                before = read_record(settings, month) or {}
                files = {**before.get("files", {}), **materialized_hashes(instance, run_id)}
                write_record(settings, month, {**before, **run, "files": files})
            seconds = round(time.monotonic() - started, 1)
            same = {name: run[name] for name in ("month", "run_id", "books", "scope", "failures", "seal")}
            same["looked_in"] = str(comments_folder(Home(settings).inbox_folder))
            if not success:
                return CommentsOutcome(**same, exit_status=FAILED, seconds=seconds)
            said = _said(deployment, month)
            asked = asked_at_sign_off(settings, month)
            status = UNEXPLAINED if any(asked.values()) else CLOSED
            return CommentsOutcome(
                **same,
                **said,
                exit_status=CHECK_FAILED if said["refused"] else status,
                seconds=seconds,
                asked=asked,
            )


def _require_closed(deployment: Deployment, month: CutoffMonth) -> None:
    absent = [
        asset
        for asset in (OPEN_ITEM_CHANGES.name, OPEN_ITEM_COMMENTS.name)
        if not deployment.storage.exists(asset, month.key)
    ]
    if absent:
        raise StorageError(
            f"{month.key} has no open items yet ({', '.join(absent)} not in storage), so nothing can be said of them. "
            f"Close the month first: cpg1 close --month {month.key}"
        )


def _said(deployment: Deployment, month: CutoffMonth) -> dict[str, Any]:
    """Give what was taken, carried and lapsed, and why the file was refused, from what is in storage now."""
    storage = deployment.storage
    _, provenance = storage.provenance(OPEN_ITEM_COMMENTS.name, month.key)
    own = set(provenance.said.get("files", {}))
    rows = storage.rows(OPEN_ITEM_COMMENTS.name, month.key)
    taken = [row["item"] for row in rows if own & set(row["source_file"].split(", "))]
    replaced = {row["item"] for row in rows}
    return {
        "files": sorted(own),
        "taken": taken,
        "carried": [row["item"] for row in rows if row["item"] not in taken],
        "lapsed": _lapsed(storage.rows(OPEN_ITEM_CHANGES.name, month.key), replaced),
        "refused": [
            said
            for validation in provenance.said.get("validations", ())
            if validation["tested"] and not validation["passed"]
            for said in found_in(validation["figures"])
        ],
    }


def _lapsed(changes: Iterable[Mapping[str, Any]], replaced: set[str]) -> list[dict[str, Any]]:
    """Give the changes of items that are still open whose comment lapsed, and that nothing new is said of."""
    return [
        {name: value if isinstance(value, str | bool | None) else f"{value:f}" for name, value in row.items()}
        for row in changes
        if row["source_file_before"] is not None and not row["comment_carries"]
        if row["item"] is not None and row["item"] not in replaced
    ]
