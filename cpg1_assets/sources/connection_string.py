"""An ODBC connection string: read, changed key by key, written again, and kept out of every text.

Of a connection string only server and database may ever be shown. Everything else in it counts as secret.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cpg1_assets.errors import SettingsError

_SERVER_KEYS = ("server", "servername", "address", "addr", "network address", "host")
_DATABASE_KEYS = ("database", "db", "initial catalog")
_CREDENTIAL_KEYS = ("pwd", "password", "uid", "user", "user id", "username")
_LONG_ENOUGH_TO_REPLACE = 4
_WORDS_THAT_SAY_NOTHING = {
    "yes", "no", "true", "false", "mandatory", "optional", "strict", "readonly", "readwrite", "enabled", "disabled",
}  # fmt: skip
"""Values of switches: they are no secrets, and replacing them would make every message unreadable."""

_PLAIN_VALUE = re.compile(r"[^\[\]{}();?*=!@\s]+")


@dataclass(frozen=True)
class ConnectionString:
    """Keys and values in the order they were written. Values are shown by nobody: `repr` has none."""

    pairs: tuple[tuple[str, str], ...] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "ConnectionString":
        """Read `Key=value;Key={va;lue}`: a value in braces may hold anything, `}` written twice.

        Raises SettingsError, which quotes nothing of the string.
        """
        pairs: list[tuple[str, str]] = []
        position = 0
        while position < len(text):
            if text[position] in "; \t\r\n":
                position += 1
                continue
            equals = text.find("=", position)
            key = text[position:equals].strip() if equals >= 0 else ""
            if "://" in key:
                raise SettingsError(
                    "DB_CONNECTION_STRING is a URL, and an ODBC connection string is needed: "
                    "Driver={ODBC Driver 18 for SQL Server};Server=…;Database=…;Uid=…;Pwd={…}"
                )
            if not key or ";" in key:
                raise SettingsError(
                    f"DB_CONNECTION_STRING cannot be read: its part {len(pairs) + 1} is not Key=value. Parts are "
                    "separated by semicolons; a value with a semicolon or brace in it is written in braces."
                )
            value, position = _value(text, equals + 1, key)
            pairs.append((key, value))
        if not pairs:
            raise SettingsError(
                "DB_CONNECTION_STRING is empty: give the ODBC connection string of the server."
            )
        return cls(tuple(pairs))

    def get(self, *keys: str) -> str | None:
        """Give the value of the first of `keys` that is there; ODBC takes the first of several."""
        for wanted in keys:
            for key, value in self.pairs:
                if key.lower() == wanted.lower():
                    return value
        return None

    def with_values(self, values: Mapping[str, str]) -> "ConnectionString":
        """Give the same string with `values` set, each replacing what it had."""
        kept = tuple((k, v) for k, v in self.pairs if k.lower() not in {name.lower() for name in values})
        return ConnectionString((*kept, *values.items()))

    def text(self) -> str:
        """Write the string for the driver manager. Whatever holds this text must not be shown or kept."""
        return "".join(f"{key}={_braced(value)};" for key, value in self.pairs)

    @property
    def named_server(self) -> str | None:
        """The server as the string names it; None where it names a data source instead."""
        return self.get(*_SERVER_KEYS)

    @property
    def server(self) -> str:
        """The server as people are told of it."""
        return self.named_server or "a data source of the driver manager"

    @property
    def database(self) -> str | None:
        """The database a session starts in, if the string names one."""
        return self.get(*_DATABASE_KEYS)

    def without_secrets(self, text: str) -> str:
        """Give `text` (a driver's own words) with every value of this string replaced, but server and database.

        A value of less than four characters is replaced where it stands as a word: replaced inside words
        it would only show which letters it has.
        """
        secrets: set[str] = set()
        for key, value in self.pairs:
            if not value or key.lower() in (*_SERVER_KEYS, *_DATABASE_KEYS):
                continue
            is_switch = value.lower() in _WORDS_THAT_SAY_NOTHING or value.isdigit()
            if is_switch and key.lower() not in _CREDENTIAL_KEYS:
                continue
            secrets |= {value, value.replace("}", "}}"), value.strip()}
        for secret in sorted(secrets, key=len, reverse=True):
            pattern = re.escape(secret)
            if len(secret) < _LONG_ENOUGH_TO_REPLACE:
                pattern = rf"(?<!\w){pattern}(?!\w)"
            text = re.sub(pattern, "***", text, flags=re.IGNORECASE)
        return text


def _value(text: str, start: int, key: str) -> tuple[str, int]:
    """Give the value that begins at `start`, and where the next part begins."""
    while start < len(text) and text[start] in " \t":
        start += 1
    if not text.startswith("{", start):
        end = text.find(";", start)
        end = len(text) if end < 0 else end
        return text[start:end].strip(), end + 1
    value, position = "", start + 1
    while position < len(text):
        if text.startswith("}}", position):
            value, position = value + "}", position + 2
        elif text[position] == "}":
            rest = text[position + 1 :].lstrip()
            if rest and not rest.startswith(";"):
                break
            end = text.find(";", position)
            return value, (len(text) if end < 0 else end + 1)
        else:
            value, position = value + text[position], position + 1
    raise SettingsError(
        f"DB_CONNECTION_STRING cannot be read: the value of {key} opens a brace that is not closed before the "
        "next semicolon. Inside braces a closing brace is written twice."
    )


def _braced(value: str) -> str:
    if not value or _PLAIN_VALUE.fullmatch(value):
        return value
    return "{" + value.replace("}", "}}") + "}"
