"""Every environment variable the product reads, read once, validated, printable without secrets.

Nothing else in the product reads the environment. `docs/settings.md` is the list for people; what the home of a
deployment holds is in `home`.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from cpg1_assets.errors import SettingsError, shown

SourceKind = Literal["sample", "sqlserver"]
ExecutorKind = Literal["in_process", "multiprocess"]

SOURCE_DATABASES = ("AIG_Nav_DW", "AIG_Nav_Jumia_Reconciliation", "STG_AIG_NAV_JUMIA_REC")
"""The databases the queries name."""

BOOKS = ("SAMPLE BOOKS", "SQL Server")
"""What people call the books that can be closed."""

_RULES_FOLDER = Path(__file__).parent / "rules"
_CALENDAR_FILE = Path(__file__).parent / "close_calendar" / "close_calendar.yaml"
_LONGEST_SCOPE_NAME = 100
_LONGEST_LOCK = 2_000_000
"""Seconds: SQL Server counts milliseconds in 32 bits."""
_DIGITS = 10
_LARGEST_PORT = 65_535
_LARGEST_CERTIFICATION = 100_000
_LONGEST_PATH, _LONGEST_NAME = 3_500, 255
"""Bytes: Linux allows 4,096 for a whole path, and what is written in the home has names of its own."""
_NOT_IN_PATHS = re.compile(r"[?*\[\]]|%[0-9A-Fa-f]{2}|::")
"""What the libraries below take for a pattern, an option, an escape or a chain of file systems: `a*b` is also `ab`."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OF_ANOTHER = {"CUTOFF_DATE", "DB_CONNECTION_STRING"}
_SECRETS = ("DB_CONNECTION_STRING", "CPG1_SIGNING_KEY")
_CREDENTIALS = re.compile(
    r"(?:pwd|password|uid|user\s*id|user|accesstoken|clientsecret)\s*=\s*(\{(?:[^}]|\}\})*\}|[^;]*)",
    re.IGNORECASE,
)
_CREDENTIALS_IN_URL = re.compile(r"//[^/@\s]*@")


@dataclass(frozen=True)
class Settings:
    """What a deployment decides. Made by `Settings.from_environment`; tests make their own.

    `databases` are pairs of a database's name in the queries and on the server; timeouts are in seconds;
    `companies` and `gl_accounts` narrow the scope; None means the control's whole scope.
    """

    home: Path
    source: SourceKind = "sample"
    connection_string: str | None = field(default=None, repr=False)
    databases: tuple[tuple[str, str], ...] = ()
    collation: str | None = None
    snapshot: bool = True
    login_timeout: int = 30
    query_timeout: int = 1800
    lock_timeout: int = 60
    storage: str | None = None
    inbox: Path | None = None
    rules_folder: Path = _RULES_FOLDER
    calendar_file: Path = _CALENDAR_FILE
    companies: tuple[str, ...] | None = None
    gl_accounts: tuple[str, ...] | None = None
    cutoff_date: str | None = None
    executor: ExecutorKind | None = None
    retry_waits: tuple[float, ...] = (10, 20, 40, 60)
    max_concurrent_queries: int = 4
    max_run_seconds: int = 4 * 3600
    signing_key_file: Path | None = None
    signing_key: str | None = field(default=None, repr=False)
    certification: str | None = None
    locale: str = "en"
    page_port: int | None = 3001

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings. Raises SettingsError naming the variable and what it may be."""
        env = _given(os.environ if environment is None else environment)
        connection_string = env.get("DB_CONNECTION_STRING") or None
        source = env.get("CPG1_SOURCE") or ("sqlserver" if connection_string else "sample")
        if source not in ("sample", "sqlserver"):
            raise SettingsError(f"CPG1_SOURCE is {shown(source)}: it must be sample or sqlserver.")
        if source == "sqlserver" and connection_string is None:
            raise SettingsError(
                "DB_CONNECTION_STRING not set: CPG1_SOURCE=sqlserver needs the ODBC connection string of the "
                "server. Set it, or set CPG1_SOURCE=sample to work on the sample books."
            )
        executor = env.get("CPG1_EXECUTOR") or None
        if executor not in (None, "in_process", "multiprocess"):
            raise SettingsError(f"CPG1_EXECUTOR is {shown(executor)}: it must be in_process or multiprocess.")
        return cls(
            home=_home(env.get("CPG1_HOME") or "var"),
            source=source,  # type: ignore[arg-type]
            connection_string=connection_string,
            databases=_databases(env.get("CPG1_DATABASES")),
            collation=_collation(env.get("CPG1_COLLATION")),
            snapshot=_snapshot(env.get("CPG1_SNAPSHOT")),
            login_timeout=_whole(env, "CPG1_LOGIN_TIMEOUT", cls.login_timeout),
            query_timeout=_whole(env, "CPG1_QUERY_TIMEOUT", cls.query_timeout),
            lock_timeout=_whole(env, "CPG1_LOCK_TIMEOUT", cls.lock_timeout, _LONGEST_LOCK),
            storage=_storage(env.get("CPG1_STORAGE")),
            inbox=_inbox(env.get("CPG1_INBOX")),
            rules_folder=_path(env, "CPG1_RULES") or _RULES_FOLDER,
            calendar_file=_path(env, "CPG1_CALENDAR") or _CALENDAR_FILE,
            companies=_codes(_names(env, "CPG1_COMPANIES")),
            gl_accounts=_names(env, "CPG1_GL_ACCOUNTS"),
            cutoff_date=env.get("CUTOFF_DATE") or None,
            executor=executor,  # type: ignore[arg-type]
            retry_waits=_waits(env.get("CPG1_RETRY_WAITS")) or cls.retry_waits,
            max_concurrent_queries=_whole(env, "CPG1_MAX_CONCURRENT_QUERIES", cls.max_concurrent_queries),
            max_run_seconds=_whole(env, "CPG1_MAX_RUN_SECONDS", cls.max_run_seconds),
            signing_key_file=_path(env, "CPG1_SIGNING_KEY_FILE"),
            signing_key=_one_of(env, "CPG1_SIGNING_KEY", "CPG1_SIGNING_KEY_FILE"),
            certification=_certification(env),
            locale=_locale(env.get("CPG1_LOCALE")) or cls.locale,
            page_port=_page_port(env),
        )

    def narrowed(self, companies: tuple[str, ...] | None, gl_accounts: tuple[str, ...] | None) -> "Settings":
        """Give these settings on a narrower scope; None keeps what they had."""
        return replace(
            self,
            companies=_codes(companies) or self.companies,
            gl_accounts=_distinct(gl_accounts) or self.gl_accounts,
        )

    def scope_environment(self) -> dict[str, str]:
        """Give the variables that let another process read the same scope and home."""
        return {
            "CPG1_HOME": str(self.home),
            "CPG1_COMPANIES": ",".join(self.companies or ()),
            "CPG1_GL_ACCOUNTS": ",".join(self.gl_accounts or ()),
        }

    @property
    def is_sample(self) -> bool:
        """Whether the books are the sample books."""
        return self.source == "sample"

    @property
    def books(self) -> str:
        """What people call the books that are closed: `SAMPLE BOOKS` or `SQL Server`."""
        return BOOKS[0] if self.is_sample else BOOKS[1]

    @property
    def page_address(self) -> str | None:
        """Where `cpg1 ui` serves the page of reports and evidence beside the UI; None where it serves none."""
        return None if self.page_port is None else f"http://127.0.0.1:{self.page_port}"

    @property
    def executor_kind(self) -> ExecutorKind:
        """How steps run: in process on the sample books, in processes of their own otherwise."""
        return self.executor or ("in_process" if self.is_sample else "multiprocess")

    @property
    def scope(self) -> str | None:
        """Name of the narrowed scope, which is also its folder; None for the control's whole scope."""
        if self.companies is None and self.gl_accounts is None:
            return None
        parts = []
        if self.companies is not None:
            parts.append("companies-" + "+".join(self.companies))
        if self.gl_accounts is not None:
            parts.append("accounts-" + "+".join(self.gl_accounts))
        name = "_".join(parts)
        safe = "".join(c if c.isascii() and (c.isalnum() or c in "-+_.") else "-" for c in name)
        if safe == name and len(name) <= _LONGEST_SCOPE_NAME:
            return name
        return f"{safe[: _LONGEST_SCOPE_NAME - 13]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _databases(text: str | None) -> tuple[tuple[str, str], ...]:
    """Read `NAME=name there, …`. Raises SettingsError for a name that is not one of the control's databases."""
    pairs: list[tuple[str, str]] = []
    for part in filter(None, ((text or "").split(","))):
        name, equals, there = (piece.strip() for piece in part.partition("="))
        if not equals or not there or "=" in there or name not in SOURCE_DATABASES or name in dict(pairs):
            raise SettingsError(
                f"CPG1_DATABASES has {shown(part.strip())}: write NAME=NAME_ON_THE_SERVER, separated by commas, each once, "
                f"where NAME is one of {', '.join(SOURCE_DATABASES)}."
            )
        pairs.append((name, there))
    return tuple(pairs)


def _collation(text: str | None) -> str | None:
    if text and not re.fullmatch(r"[A-Za-z0-9_]+_BIN2(_UTF8)?", text, re.IGNORECASE):
        raise SettingsError(
            f"CPG1_COLLATION is {shown(text)}: write the name of a binary collation, such as Latin1_General_100_BIN2. In "
            "any other, codes that differ only in case would be taken for one."
        )
    return text or None


def _locale(text: str | None) -> str | None:
    """Give the locale that numbers and dates are written in. Whether there is one of the name, `deliverables` knows."""
    if text and not re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", text):
        raise SettingsError(
            f"CPG1_LOCALE is {shown(text)}: write a language, and a country where it matters, such as en, en_GB or fr_CI."
        )
    return text or None


def _snapshot(text: str | None) -> bool:
    if text not in (None, "", "auto", "off"):
        raise SettingsError(f"CPG1_SNAPSHOT is {shown(text or '')}: it must be auto or off.")
    return text != "off"


def _names(env: Mapping[str, str], name: str) -> tuple[str, ...] | None:
    """Give a list of names; None where nothing is set. Raises SettingsError for one that names nothing."""
    text = env.get(name)
    names = _distinct(tuple((text or "").replace(",", " ").split()))
    if text and not names:
        raise SettingsError(f"{name} is {shown(text)}: it names nothing. Name at least one, or unset it.")
    return names


def _codes(companies: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Give company codes in capitals: in other letters a company is the same, and so is the scope of it."""
    return _distinct(tuple(code.strip(" ").upper() for code in companies or ()))


def _distinct(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return tuple(sorted(set(names))) if names else None


def _given(environment: Mapping[str, str]) -> dict[str, str]:
    """Give the values without the blanks around them. Raises SettingsError for one that is not text, or in quotes."""
    env = {k: v.strip() for k, v in environment.items() if k.startswith("CPG1_") or k in _OF_ANOTHER}
    for name, value in env.items():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise SettingsError(
                f"{name} is not text in UTF-8, or the locale is none: set it anew, or set PYTHONUTF8=1."
            ) from error
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            raise SettingsError(
                f"{name} begins and ends with a quotation mark ({value[0]}), which would be part of its value: whoever "
                "set it (as docker --env-file) takes quotation marks as they stand. Set it without them."
            )
    return env


def without_secrets(text: str, environment: Mapping[str, str]) -> str:
    """Give `text` without what the environment holds of passwords and keys, and without those in URLs."""
    secrets: set[str] = set()
    for name in _SECRETS:
        value = environment.get(name, "").strip()
        secrets |= {
            value,
            repr(value)[1:-1],
            *(found.strip().strip("{}") for found in _CREDENTIALS.findall(value)),
        }
    for secret in sorted(secrets - {""}, key=len, reverse=True):
        text = text.replace(secret, "***")
    return _CREDENTIALS_IN_URL.sub("//***@", text)


def _absolute(name: str, text: str) -> Path:
    """Give a path as a whole one. Raises SettingsError for one that no system can hold, or that would be misread."""
    if _CONTROL.search(text):
        raise SettingsError(f"{name} is {shown(text)}: it has a control character in it. Set it without.")
    try:
        path = Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise SettingsError(
            f"{name} is {shown(text)}: there is no such user, or no home of one. Write the whole path."
        ) from error
    except OSError as error:
        raise SettingsError(
            f"{name} is {shown(text)}, and the current folder, from which it counts, is gone ({error.strerror}). Write "
            "the whole path, or start the command in another folder."
        ) from error
    encoded = os.fsencode(path)
    if len(encoded) > _LONGEST_PATH or any(len(part) > _LONGEST_NAME for part in encoded.split(b"/")):
        raise SettingsError(
            f"{name} is {shown(text)}: a path has at most {_LONGEST_PATH:,} bytes and each name in it "
            f"{_LONGEST_NAME}. Set it to a shorter one."
        )
    return path


def require_plain(name: str, path: str) -> None:
    """Raise SettingsError for a path that a library below would not take for what it is."""
    found = _NOT_IN_PATHS.search(path)
    if found is not None:
        raise SettingsError(
            f"{name} is {shown(path)}: DuckDB, SQLite or Dagster would read {found[0]} in it as something else, and "
            "another folder might be meant. Use a folder without ? * [ ] :: and %XX in its whole path, or a link to it."
        )


def dagster_home(environment: Mapping[str, str]) -> Path | None:
    """Give the folder of DAGSTER_HOME; None where it is not set. Raises SettingsError for what is no such folder."""
    text = environment.get("DAGSTER_HOME", "").strip()
    if not text:
        return None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SettingsError("DAGSTER_HOME is not text in UTF-8: set it anew.") from error
    name = f"DAGSTER_HOME {shown(text)}"
    if not text.startswith("/"):
        raise SettingsError(
            f"{name} is not a whole path: write it from / on, without quotation marks, or unset DAGSTER_HOME."
        )
    home = _absolute("DAGSTER_HOME", text)
    require_plain("DAGSTER_HOME", text)
    try:
        if not home.exists():
            raise SettingsError(f"{name} is not there: make the folder, or unset DAGSTER_HOME.")
        if not home.is_dir():
            raise SettingsError(f"{name} is not a folder: name one, or unset DAGSTER_HOME.")
    except OSError as error:
        raise SettingsError(
            f"{name} cannot be looked into ({error.strerror or error}): name a folder that the user that closes may "
            "enter, or unset DAGSTER_HOME."
        ) from error
    return home


def _home(text: str) -> Path:
    home = _absolute("CPG1_HOME", text)
    require_plain("CPG1_HOME", str(home))
    return home


def _storage(text: str | None) -> str | None:
    storage = (text or "").rstrip("/") or None
    if text and storage is None:
        raise SettingsError(f"CPG1_STORAGE is {shown(text)}: it names no folder of its own. Set it to one.")
    if storage is not None:
        if _CONTROL.search(storage):
            raise SettingsError(f"CPG1_STORAGE is {shown(storage)}: it has a control character in it.")
        local = re.sub(r"^(?:file|local)://", "", storage)
        if "://" not in local and "::" not in local:
            require_plain("CPG1_STORAGE", str(_absolute("CPG1_STORAGE", local)))
    return storage


def _path(env: Mapping[str, str], name: str) -> Path | None:
    return _absolute(name, env[name]) if env.get(name) else None


def _inbox(text: str | None) -> Path | None:
    """Give the folder of the JDash files; a command and the daemon must mean the same one, wherever they start."""
    if text is None:
        return None
    if text:
        _absolute("CPG1_INBOX", text if text.startswith("/") else "/")
    try:
        folder = Path(text).expanduser() if text else None
    except RuntimeError:  # ~ of a user there is not
        folder = None
    if folder is None or not folder.is_absolute():
        raise SettingsError(
            f"CPG1_INBOX is {shown(text)}: write the whole path of the folder that holds jdash/<YYYY-MM>/<COMPANY>.csv, "
            "such as /srv/cpg1/inbox, or unset it for the inbox in CPG1_HOME."
        )
    return folder


def _one_of(env: Mapping[str, str], name: str, other: str) -> str | None:
    """Give a setting that another one may stand for. Raises SettingsError when both are set."""
    if env.get(name) and env.get(other):
        raise SettingsError(f"{name} and {other} are both set: set one of them.")
    return env.get(name) or None


def _certification(env: Mapping[str, str]) -> str | None:
    """Give the wording of the certification: the setting's own text, or the content of the file it names."""
    text = _one_of(env, "CPG1_CERTIFICATION", "CPG1_CERTIFICATION_FILE")
    path = _path(env, "CPG1_CERTIFICATION_FILE")
    if path is None:
        return text
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_CERTIFICATION + 1)
        text = content.decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"CPG1_CERTIFICATION_FILE {path} cannot be read ({error}): name a text file in UTF-8."
        ) from error
    if len(content) > _LARGEST_CERTIFICATION:
        raise SettingsError(
            f"CPG1_CERTIFICATION_FILE {path} has more than {_LARGEST_CERTIFICATION:,} bytes: it is to hold the sentence "
            "people sign."
        )
    if not text:
        raise SettingsError(f"CPG1_CERTIFICATION_FILE {path} is empty: write the sentence people sign.")
    return text


def _page_port(env: Mapping[str, str]) -> int | None:
    """Give the port of the page beside the UI; None where it is off."""
    if env.get("CPG1_PAGE_PORT") == "off":
        return None
    return _whole(env, "CPG1_PAGE_PORT", Settings.page_port or 0, _LARGEST_PORT)


def _waits(text: str | None) -> tuple[float, ...] | None:
    try:
        waits = tuple(float(part) for part in (text or "").replace(",", " ").split())
    except ValueError:
        waits = (-1.0,)
    if any(not 0 <= wait < float("inf") for wait in waits):
        raise SettingsError(
            f"CPG1_RETRY_WAITS is {shown(text or '')}: write seconds separated by commas, such as 10,20,40,60."
        )
    return waits or None


def _whole(env: Mapping[str, str], name: str, default: int, most: int = 10**9) -> int:
    text = env.get(name)
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS or not 1 <= int(text) <= most:
        raise SettingsError(f"{name} is {shown(text)}: it must be a whole number from 1 to {most}.")
    return int(text)
