"""The settings, and the files they lead to: rule files, scope, catalog of extracts.

A wrong setting does not end the examination: it is said, taken out, and the others are read without it.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from cpg1_assets.doctor.finding import Finding, Group, several
from cpg1_assets.env_file import EnvFile
from cpg1_assets.errors import Cpg1Error, FileFormatError, SettingsError
from cpg1_assets.extracts.catalog import Extract, read_catalog
from cpg1_assets.extracts.scope import read_scope
from cpg1_assets.settings import Settings
from cpg1_assets.sources.connection_string import ConnectionString

GROUP = Group("Settings")

KNOWN_VARIABLES = frozenset({
    "CPG1_CALENDAR", "CPG1_CERTIFICATION", "CPG1_CERTIFICATION_FILE", "CPG1_COLLATION", "CPG1_COMPANIES",
    "CPG1_DATABASES", "CPG1_EXECUTOR", "CPG1_GL_ACCOUNTS", "CPG1_HOME", "CPG1_INBOX", "CPG1_LOCALE", "CPG1_LOCK_TIMEOUT",
    "CPG1_LOGIN_TIMEOUT", "CPG1_MAX_CONCURRENT_QUERIES", "CPG1_MAX_RUN_SECONDS", "CPG1_PAGE_PORT", "CPG1_QUERY_TIMEOUT",
    "CPG1_RETRY_WAITS", "CPG1_RULES", "CPG1_SIGNING_KEY", "CPG1_SIGNING_KEY_FILE", "CPG1_SNAPSHOT", "CPG1_SOURCE",
    "CPG1_STORAGE",
})  # fmt: skip
_OF_THE_SERVER = {
    "CPG1_SOURCE", "DB_CONNECTION_STRING", "CPG1_DATABASES", "CPG1_COLLATION", "CPG1_SNAPSHOT", "CPG1_LOGIN_TIMEOUT",
    "CPG1_QUERY_TIMEOUT", "CPG1_LOCK_TIMEOUT",
}  # fmt: skip
_VARIABLE = re.compile(r"(CPG1_[A-Z_]+|DB_CONNECTION_STRING)")
_TESTS = "CPG1_TESTS_"


@dataclass(frozen=True)
class ReadSettings:
    """What could be read: settings without the wrong ones, what was wrong, the connection string if one counts.

    `source_known` says whether all settings that decide what is asked of a server could be read.
    """

    settings: Settings
    findings: tuple[Finding, ...]
    given: ConnectionString | None
    source_known: bool


def read_settings(environment: Mapping[str, str]) -> ReadSettings:
    """Read the settings, taking out one after the other what cannot be read, and say what is wrong with each."""
    kept = dict(environment)
    findings: list[Finding] = []
    source_known = True
    settings = None
    while settings is None:
        try:
            settings = Settings.from_environment(kept)
        except SettingsError as error:
            name = _blamed(str(error))
            findings.append(_wrong(name, error))
            source_known = source_known and name not in _OF_THE_SERVER
            # A server without a connection string: what is wrong is not there to be taken out.
            taken = name if kept.get(name) or name == "CPG1_INBOX" else "CPG1_SOURCE"
            kept = {} if taken not in kept else {k: v for k, v in kept.items() if k != taken}
    given = None
    if source_known and not settings.is_sample:
        try:
            given = ConnectionString.parse(settings.connection_string or "")
        except SettingsError as error:
            findings.append(_wrong("DB_CONNECTION_STRING", error))
            source_known = False
    findings += _unknown_variables(environment)
    if not findings:
        findings.append(GROUP.fine("variables", "all can be read"))
    findings.append(_source(environment, given, known=source_known))
    return ReadSettings(settings, tuple(findings), given, source_known)


def check_env_file(env_file: EnvFile) -> Finding:
    """Say which variables a `.env` set, never to what, and whether it took the place of others."""
    said = f"{env_file.path} sets {', '.join(env_file.names) or 'nothing'}"
    if env_file.replaced:
        return GROUP.look(
            ".env",
            f"{said}; {', '.join(env_file.replaced)} had another value before, and the file's counts",
            "Take out of the file what the environment is to decide.",
        )
    return GROUP.fine(".env", said)


def check_files(settings: Settings) -> tuple[list[Finding], Mapping[str, Extract]]:
    """Read rule files, scope and catalog; give what was found and the catalog (empty where it is broken)."""
    from cpg1_assets.deployment import read_rules  # noqa: PLC0415 - its other half knows Dagster

    findings: list[Finding] = []
    catalog: Mapping[str, Extract] = {}

    def found(subject: str, look: Callable[[], str]) -> None:
        try:
            findings.append(GROUP.fine(subject, look()))
        except Cpg1Error as error:
            findings.append(GROUP.mend(subject, str(error), "Mend it there; nothing can be closed before."))

    def rules() -> str:
        book = read_rules(settings.rules_folder)
        return f"{several(len(book.lines.lines), 'line')} in {settings.rules_folder}"

    def extracts() -> str:
        nonlocal catalog
        catalog = read_catalog()
        return f"{several(len(catalog), 'extract')}, each with its query and contract"

    found("rule files", rules)
    found("extracts", extracts)
    if all(finding.verdict == "fine" for finding in findings):
        findings.append(_scope(settings))
    else:
        findings.append(GROUP.not_asked("scope", "cannot be told until the files above are mended"))
    findings.append(_calendar(settings))
    return findings, catalog


def _calendar(settings: Settings) -> Finding:
    from cpg1_assets.close_calendar.calendar_file import read_calendar_file  # noqa: PLC0415 - may import holidays

    try:
        overrides = read_calendar_file(settings.calendar_file, None).overrides
    except FileFormatError as error:
        return GROUP.mend("close calendar", str(error), "Mend it there; the schedule closes nothing before.")
    said = (
        f"{several(len(overrides.days), 'day')} and {several(len(overrides.weekends), 'weekend')} overruled"
    )
    return GROUP.fine("close calendar", f"{said} in {settings.calendar_file}")


def _scope(settings: Settings) -> Finding:
    from cpg1_assets.deployment import open_deployment  # noqa: PLC0415 - its other half knows Dagster

    try:
        # On the sample books: which source is asked, and where files go, does not matter to the scope.
        open_deployment(replace(settings, source="sample", storage=None))
    except Cpg1Error as error:
        return GROUP.mend("scope", *_sentence(str(error)))
    if settings.scope is not None:
        return GROUP.look(
            "scope",
            f"narrowed to {settings.scope}: a close of it does not count as the control",
            "For the control itself, unset CPG1_COMPANIES and CPG1_GL_ACCOUNTS.",
        )
    return GROUP.fine("scope", f"the whole control, {several(len(read_scope().gl_accounts), 'GL account')}")


def _source(environment: Mapping[str, str], given: ConnectionString | None, *, known: bool) -> Finding:
    if not known:
        return GROUP.not_asked("source", "cannot be told until the settings above are mended")
    if given is not None:
        database = f", database {given.database}" if given.database else ""
        return GROUP.fine("source", f"SQL Server: {given.server}{database}")
    if environment.get("DB_CONNECTION_STRING", "").strip():
        return GROUP.look(
            "source",
            "SAMPLE BOOKS, although DB_CONNECTION_STRING is set: CPG1_SOURCE=sample goes before it",
            "Unset CPG1_SOURCE to close on the server.",
        )
    return GROUP.fine("source", "SAMPLE BOOKS")


def _unknown_variables(environment: Mapping[str, str]) -> Iterator[Finding]:
    for name in sorted(environment):
        if name.startswith("CPG1_") and not name.startswith(_TESTS) and name not in KNOWN_VARIABLES:
            close = difflib.get_close_matches(name, KNOWN_VARIABLES, n=1)
            meant = f"Did you mean {close[0]}? " if close else ""
            yield GROUP.look(
                name, "nothing reads this variable", f"{meant}docs/settings.md lists every variable."
            )


def _wrong(name: str, error: SettingsError) -> Finding:
    said, to_do = _sentence(str(error))
    return GROUP.mend(name, said.removeprefix(f"{name} "), to_do)


def _blamed(text: str) -> str:
    found = _VARIABLE.search(text)
    return found[1] if found else "settings"


def _sentence(text: str) -> tuple[str, str]:
    """Part an error of the product into what is so and what to do: it says both, the doing last."""
    first, _, rest = text.partition(": ")
    if rest:
        return first, rest[0].upper() + rest[1:]
    return text, "Mend it as it says."
