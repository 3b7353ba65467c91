"""Every check in order, from the settings to what they lead to; nothing is left out because something else failed."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cpg1_assets.doctor import driver_check, machine
from cpg1_assets.doctor.dagster_home import check_dagster_home
from cpg1_assets.doctor.finding import Finding, Group, several
from cpg1_assets.doctor.server import check_server
from cpg1_assets.doctor.settings_check import ReadSettings, check_env_file, check_files, read_settings
from cpg1_assets.env_file import EnvFile
from cpg1_assets.extracts.catalog import Extract
from cpg1_assets.extracts.named_columns import named_tables


@dataclass(frozen=True)
class Examination:
    """What was found. `books` says which books would be closed; None where the settings do not tell."""

    books: str | None
    findings: tuple[Finding, ...]

    @property
    def exit_status(self) -> int:
        """1 if something must be mended, else 0."""
        return int(any(finding.verdict == "mend" for finding in self.findings))

    @property
    def conclusion(self) -> str:
        """Count the checks in a sentence."""
        counts = Counter(finding.verdict for finding in self.findings)
        words = {"fine": "fine", "look": "to look at", "mend": "to mend", "not asked": "not asked"}
        said = ", ".join(f"{counts[verdict]} {word}" for verdict, word in words.items() if counts[verdict])  # type: ignore[index]
        return f"{several(len(self.findings), 'check')}: {said}."

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "books": self.books,
            "findings": [finding.as_dict() for finding in self.findings],
            "conclusion": self.conclusion,
            "exit_status": self.exit_status,
        }


def examine(
    environment: Mapping[str, str], *, asks_constructs: bool = False, env_file: EnvFile | None = None
) -> Examination:
    """Look at everything that a close with this environment needs, of which `env_file` is already a part.

    `asks_constructs` also asks a server what each construct of T-SQL that the queries may use means there.
    """
    read = read_settings(environment)
    settings = read.settings
    files, catalog = check_files(settings)
    findings = [
        *([] if env_file is None else [check_env_file(env_file)]),
        *read.findings,
        *files,
        machine.check_clock(),
        machine.check_open_files(),
        *_source(read, catalog, asks_constructs=asks_constructs),
    ]
    findings += machine.check_places(settings)
    findings += _seen("Storage and evidence", "signing key", lambda: [machine.check_signing_key(settings)])
    findings += _seen("Storage and evidence", "inbox", lambda: [machine.check_inbox(settings)])
    findings += _seen("Dagster", "home", lambda: check_dagster_home(settings, environment))
    books = None
    if read.source_known:
        books = settings.books
    return Examination(books, tuple(findings))


def _seen(group: str, subject: str, check: Callable[[], list[Finding]]) -> list[Finding]:
    """Check something on the disk; what may not even be looked at is a finding as well."""
    try:
        return check()
    except OSError as error:
        said = f"{error.filename or 'its folder'} cannot be looked at ({error.strerror or error})"
        to_do = "Let the user that closes enter the folders above it."
        return [Group(group).mend(subject, said, to_do)]


def _source(read: ReadSettings, catalog: Mapping[str, Extract], *, asks_constructs: bool) -> list[Finding]:
    server = Group("Server")
    if not read.source_known:
        return [server.not_asked("server", "until the settings above are mended")]
    if read.given is None:
        return [
            *_seen("SAMPLE BOOKS", "books", lambda: [machine.check_sample_books(read.settings)]),
            server.not_asked("server", "SAMPLE BOOKS: no server is needed"),
        ]
    findings = driver_check.check_driver(read.given)
    tables = named_tables(catalog)
    return [*findings, *check_server(read.settings, read.given, tables, asks_constructs=asks_constructs)]
