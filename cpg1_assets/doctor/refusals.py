"""What a server's or driver's refusal means to somebody who sets the control up, and what to do about it.

What an error means is judged where the extracts judge it; what to do differs: an extract tries again, a
person who set something up looks at what was set.
"""

from cpg1_assets.doctor.conversation import RefusedError
from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.odbc_errors import Diagnostic, sql_server_verdict

_REACH = (
    "Check that Server in DB_CONNECTION_STRING names the right machine and port, that SQL Server runs there, and that "
    "this machine may reach it (firewall, VPN). Encrypt=strict needs a server that speaks TDS 8 (SQL Server 2022)."
)
_LOAD = (
    "See the driver above. If it is there, a library it needs is not: on Linux, ldd on the driver's file says which "
    "(often libkrb5 or libssl)."
)
_NO_DATABASE = (4060, 911)


def said(refused: RefusedError, given: ConnectionString) -> str:
    """Say what the error means, its numbers, and the server's own words without secrets."""
    diagnostic = refused.diagnostic
    number = f", error {diagnostic.native}" if diagnostic.native else ""
    words = given.without_secrets(diagnostic.words)
    meaning = sql_server_verdict(diagnostic).meaning
    return f"{meaning} (SQLSTATE {diagnostic.state}{number}). It says: {words}"


def to_do_about_connecting(diagnostic: Diagnostic) -> str:
    """Say what to look at when the connection could not be made."""
    verdict = sql_server_verdict(diagnostic)
    if diagnostic.native in _NO_DATABASE:
        return "Check Database in DB_CONNECTION_STRING, and that the login is a user of that database."
    if diagnostic.native == 0 and diagnostic.state == "HY000":
        return _REACH  # what answers there does not speak TDS
    if diagnostic.native == 0 and diagnostic.state in ("IM002", "IM003", "IM004", "IM005", "01000"):
        return _LOAD
    return _REACH if verdict.transient else verdict.to_do


def is_no_link(diagnostic: Diagnostic) -> bool:
    """Tell whether no connection was made, for a reason the driver does not know or tell."""
    return sql_server_verdict(diagnostic).transient and diagnostic.state.startswith(("08", "HYT"))


def unreachable() -> str:
    """Say what to look at when nothing answers at all."""
    return _REACH
