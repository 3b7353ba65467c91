"""The `.env` of the current folder: read as Dagster's own commands read it, so that all commands see one environment.

Dagster puts what the file says into the environment of every command it starts, in the place of what was there. What
the variables mean is not known here.
"""

import io
import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from cpg1_assets.errors import SettingsError

NAME = ".env"
_LARGEST = 1_000_000


@dataclass(frozen=True)
class EnvFile:
    """A file that was read: names of the variables it set, and of those that were set otherwise before."""

    path: Path
    names: tuple[str, ...]
    replaced: tuple[str, ...]


def load_env_file(environment: MutableMapping[str, str]) -> EnvFile | None:
    """Put what `.env` in the current folder says into `environment`; None where there is no such file.

    Raises SettingsError naming file and line, never what is written there: it may be a password.
    """
    try:
        path = Path.cwd() / NAME
        # A folder of this name is somebody's virtual environment.
        content = path.read_bytes() if path.exists() and not path.is_dir() else None
    except OSError as error:
        raise SettingsError(
            f"{error.filename or NAME} in the current folder cannot be read ({error.strerror or error}): let the user "
            "that closes read it, take it away, or start the command in another folder."
        ) from error
    if content is None:
        return None
    values = _values(path, content)
    replaced = tuple(sorted(k for k, v in values.items() if environment.get(k) not in (None, "", v)))
    environment.update(values)
    return EnvFile(path, tuple(values), replaced)


def _values(path: Path, content: bytes) -> Mapping[str, str]:
    # Of what is loaded with the command line, only this needs the library.
    from dotenv import dotenv_values  # noqa: PLC0415
    from dotenv.parser import parse_stream  # noqa: PLC0415

    if len(content) > _LARGEST:
        raise SettingsError(
            f"{path} has more than {_LARGEST:,} bytes: it is no file of settings. Take it away."
        )
    try:
        text = content.decode()
        for statement in parse_stream(io.StringIO(text)):
            if statement.error:
                raise SettingsError(
                    f"{path}, line {statement.original.line}: is not NAME=value. Mend the line or take it away."
                )
        values = {k: v for k, v in dotenv_values(stream=io.StringIO(text)).items() if v is not None}
        for name, value in values.items():
            if not name or "=" in name or "\0" in name + value:
                raise SettingsError(f"{path}: {name!r} is no variable that an environment can hold. Mend it.")
            os.fsencode(name + value)
    except UnicodeError as error:
        raise SettingsError(f"{path} is not a text in UTF-8: write it anew as one.") from error
    return values
