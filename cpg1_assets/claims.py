"""Whose a month is: one run at a time works on it, whoever started the run.

`<place>/claims/<YYYY-MM>.json` names the run, the process it lives in, and what was loaded there. The first step of
a run claims the month, each later one sees that it is still the run's, and a claim is void when its run is over. What
a run is and whether it is over, whoever runs it knows: this module is told.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from cpg1_assets.disk import write_whole
from cpg1_assets.errors import BusyError
from cpg1_assets.json_file import read_object
from cpg1_assets.loaded import differing
from cpg1_assets.lock import held_lock
from cpg1_assets.partial import clear_partials
from cpg1_assets.process import SILENT_SECONDS, Process
from cpg1_assets.refusal import refused

RunIsOver = Callable[[str], bool | None]
"""Whether the run of this id is over; None where nothing is known of it."""


@dataclass(frozen=True)
class Claim:
    """A month claimed for a run; `loaded` is the hash of each file that decides figures, by name."""

    run_id: str
    process: Process
    loaded: Mapping[str, str]

    def is_void(self, run_is_over: RunIsOver) -> bool:
        """Whether its run is over: it is said to be, or the process it lived in has ended."""
        return run_is_over(self.run_id) is True or self.process.is_gone


@dataclass(frozen=True)
class Claims:
    """The claims of one scope: `place` is the folder it writes under."""

    place: Path

    def hold(self, month: str, run_id: str, loaded: Mapping[str, str], run_is_over: RunIsOver) -> bool:
        """Claim `month` for the run, or see that it is the run's already; tell whether it was claimed just now.

        Raises BusyError naming the run that holds it, and what differs when the run's first step had loaded other
        files than this one: a month is computed by one version of the control.
        """
        found = self.claim(month)
        if found is not None and found.run_id == run_id:
            self._require_same(month, found, loaded)
            return False
        with self._locked(month):
            found = self.claim(month)
            if found is not None and found.run_id != run_id and not found.is_void(run_is_over):
                raise BusyError(self.busy(month, found))
            self._write(month, Claim(run_id, Process.of_the_run(), dict(loaded)))
        return True

    def holder(self, month: str, run_is_over: RunIsOver) -> Claim | None:
        """Give the claim that stands on `month`; None when there is none, or it is void."""
        found = self.claim(month)
        return None if found is None or found.is_void(run_is_over) else found

    def release(self, run_id: str) -> None:
        """Let go of every month that the run holds."""
        for path in (self.place / "claims").glob("*.json"):
            with self._locked(path.stem):
                found = self.claim(path.stem)
                if found is not None and found.run_id == run_id:
                    path.unlink(missing_ok=True)

    def claim(self, month: str) -> Claim | None:
        """Give the claim on `month`, void or not; None when there is none that can be read."""
        try:
            said = read_object(self._path(month))
            process = Process.read(json.dumps(said["process"]))
            return None if process is None else Claim(str(said["run_id"]), process, dict(said["loaded"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def busy(self, month: str, claim: Claim) -> str:
        """Say who holds `month` and what to do."""
        return (
            f"{month} is being worked on by run {claim.run_id} ({claim.process.named}). Wait for it, "
            "or end it in the UI under Runs; two runs of one month never mix. A process that has ended is noticed by "
            f"itself, on another host within {SILENT_SECONDS // 60} minutes; if the run is dead and this stays, take "
            f"away {self._path(month)}."
        )

    def _require_same(self, month: str, claim: Claim, loaded: Mapping[str, str]) -> None:
        told = differing(claim.loaded, loaded)
        if told:
            raise BusyError(
                f"The code or the rules changed while {month} was being closed ({', '.join(told)}), so its files would "
                f"be of two versions. Close the month again: cpg1 close --month {month}"
            )

    def _path(self, month: str) -> Path:
        return self.place / "claims" / f"{month}.json"

    def _locked(self, month: str) -> AbstractContextManager[None]:
        return held_lock(self.place / "locks" / f"claim-{month}.lock", f"the claim on {month}", wait=True)

    def _write(self, month: str, claim: Claim) -> None:
        path = self._path(month)
        said = {
            "run_id": claim.run_id,
            "process": json.loads(claim.process.written()),
            "loaded": dict(claim.loaded),
        }
        clear_partials(path.parent)
        try:
            write_whole(path, f"{json.dumps(said, indent=1)}\n".encode())
        except OSError as error:
            raise refused(error, f"The claim on {month}", path) from error
