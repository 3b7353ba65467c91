"""What went wrong, by SQLSTATE and the server's own number, not by words (but for one case); and what to do about it.

Sources: ODBC's SQLSTATEs, SQL Server's and Azure SQL's published error numbers, and what Microsoft's driver
18.6.2 and FreeTDS 1.3.17 were seen to give. A number that is not listed is judged by its SQLSTATE, and an
SQLSTATE that is not listed is taken to be permanent: asking again a question that will never be answered hides
the fault for as long as the retries last.

One number means different things by who gives it. Under 08S01 and 08001 a driver on Linux gives the operating
system's (`ENETRESET` is 102, `ECONNABORTED` 103), which the server uses for a query it does not understand. So
those states are judged before any number of the server's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cpg1_assets.errors import SourceError, TransientSourceError


@dataclass(frozen=True)
class Diagnostic:
    """What the driver says: SQLSTATE, the server's own number (0 if none), and its words, not yet redacted."""

    state: str
    native: int
    words: str


@dataclass(frozen=True)
class Verdict:
    """What a diagnostic means to a person, and whether asking again may help."""

    transient: bool
    meaning: str
    to_do: str = "It may answer later; if this stays, run cpg1 doctor or ask the administrator of the server."


_ASK_ADMIN = "Ask the administrator of the server."

_TRANSIENT = {
    "the connection to the server was lost or could not be made": (
        10050, 10051, 10052, 10053, 10054, 10057, 10058, 10060, 10061, 10064, 10065, 11001, 11002, 20017,
    ),
    "the server did not answer in time": (845, 8628, 8645),
    "the server chose this query as the victim of a deadlock": (1205,),
    "another session held a lock for longer than the lock timeout": (1222,),
    "the server is busy or short of memory": (
        701, 802, 1204, 8651, 10922, 10928, 10929, 10936, 17188, 17189, 17809, 17830, 40501, 40544, 40549, 40550, 40551,
        40552, 40553, 40627, 40671, 40675, 42108, 42109, 49918, 49919, 49920,
    ),
    "the server or a database is starting, stopping or failing over": (
        596, 615, 904, 908, 921, 922, 926, 945, 947, 952, 954, 955, 976, 978, 979, 982, 983, 988, 1413, 1421, 3906, 4221,
        5011, 5061, 6001, 6002, 6005, 9001, 11401, 17142, 17147, 17148, 17197, 18401, 18451, 35201, 40020, 40140,
        40143, 40166, 40197, 40540, 40613, 40642, 40648, 41301, 41302, 41305, 41325, 41839, 49983, 3971,
    ),
    "the snapshot was no longer to be had": (3947, 3948, 3950, 3953, 3957, 3958, 3960, 3961, 3964, 3967),
    "the server is short of space": (1101, 1105, 3959, 3966),
}  # fmt: skip

"""Numbers of the network that the server uses for something else (121, 232, 233) are not among them: they come
under a state that begins with 08. 20017 is FreeTDS's, under 01000."""

_PERMANENT = {
    (18456,): (
        "the server refused the login",
        "Check user and password in DB_CONNECTION_STRING, and that the login is enabled.",
    ),
    (18450, 18452, 18459, 18460, 18461, 18470, 18486, 18487, 18488): (
        "the server refused the login",
        "The account is locked, disabled, expired or of another kind than the server takes: " + _ASK_ADMIN,
    ),
    (911, 4060, 4063, 4064, 916, 942, 927): (
        "a database does not exist there, is offline, or the login may not enter it",
        "Check the names in CPG1_DATABASES and that the login is a user of each database: cpg1 doctor tells which.",
    ),
    (208, 2812, 4121, 7202): (
        "a table or view is not there",
        "cpg1 doctor lists what is missing. If the table was renamed, tell the control's owner.",
    ),
    (207, 209, 1038, 4104): (
        "a column is not there",
        "cpg1 doctor lists what is missing. If the column was renamed, tell the control's owner.",
    ),
    (229, 230, 262, 297, 300, 371, 15247, 15562, 3739): (
        "the login has no permission for what the query reads",
        "Grant SELECT on it to the login: cpg1 doctor lists every table it needs.",
    ),
    (102, 103, 105, 117, 130, 137, 145, 156, 170, 178, 195, 319, 4145, 8120, 8155, 8156, 8180): (
        "the server does not understand the query",
        "Report it with this text: the query is part of the product.",
    ),
    (446, 448, 451, 457, 468): (
        "texts of different collations are compared",
        "Set CPG1_COLLATION to a binary collation that this server has.",
    ),
    (220, 232, 241, 242, 245, 248, 257, 295, 402, 447, 529, 8114, 8115, 8117, 8134, 9803, 9804): (
        "a value in the database does not fit the type the query needs",
        "Look for it in the table the message names; the contract of the extract gives the type.",
    ),
    (3952, 3954, 3956): (
        "a database does not allow snapshot isolation",
        "Set CPG1_SNAPSHOT=off, or have ALLOW_SNAPSHOT_ISOLATION set on every database the queries read.",
    ),
}  # fmt: skip

_MEND_TLS = (
    "Have the authority that issued the certificate trusted on this machine, name the server in DB_CONNECTION_STRING as "
    "its certificate does (or give HostNameInCertificate; an IP address among a certificate's names is not matched), "
    "and have TLS 1.2 or later allowed on both sides."
)
_NO_LINK = ("08S01", "08001")
"""The connection was lost, or could not be made: a number with it is the network's, not the server's."""
_SECURITY = 0x8009
"""The upper half of the numbers Windows gives of its TLS; the driver uses some of them elsewhere, too."""
_NO_ENCRYPTION = 20
_STRING_REFUSED = re.compile("connection string attribute|keyword supplied")
"""Words, for once: Microsoft's driver refuses a value of the connection string under 08001 and 0, as FreeTDS gives a
server that is not there. Nothing else tells them apart; a test has the driver's own answers."""

_TRANSIENT_STATES = {
    "08": "the connection to the server was lost or could not be made",
    "00000": "the driver gave the call up and does not say why",
    "HYT00": "the server did not answer in time",
    "HYT01": "the connection did not answer in time",
    "HY008": "the query was cancelled on the server",
    "HY117": "the connection was suspended",
    "HY010": "the answer broke off",
    "24000": "the answer broke off",
    "40001": "the server chose this query as the victim of a deadlock",
    "40003": "the connection was lost and it is unknown what the server did",
    **{f"IMC0{n}": "the connection was lost, and could not be taken up again" for n in range(1, 7)},
}

_PERMANENT_STATES = {
    "28": _PERMANENT[(18456,)],
    "42S02": _PERMANENT[(208, 2812, 4121, 7202)],
    "42S22": _PERMANENT[(207, 209, 1038, 4104)],
    "42": ("the server does not accept the query", "Report it with this text, or ask the administrator."),
    "22": (
        "a value in the database does not fit the type the query needs",
        "Look for it in the table the message names; the contract of the extract gives the type.",
    ),
    "IM": (
        "the driver manager does not know the driver or data source",
        "Run cpg1 doctor: it lists the drivers installed. Microsoft's comes with pip install 'cpg1-assets[sqlserver]'.",
    ),
    "01000": (
        "the driver could not be loaded",
        "Check with cpg1 doctor that the driver of DB_CONNECTION_STRING and the libraries it needs are installed.",
    ),
}


def _numbers() -> dict[int, Verdict]:
    verdicts = {n: Verdict(False, *what) for numbers, what in _PERMANENT.items() for n in numbers}
    verdicts |= {n: Verdict(True, meaning) for meaning, numbers in _TRANSIENT.items() for n in numbers}
    return verdicts


_BY_NUMBER = _numbers()
_BY_STATE = {state: Verdict(False, *what) for state, what in _PERMANENT_STATES.items()} | {
    state: Verdict(True, meaning) for state, meaning in _TRANSIENT_STATES.items()
}
_LOOKS_ALIKE = (
    "It may answer later. An unknown name, a closed port and a silent server look alike to a driver: if this stays, run "
    "cpg1 doctor, which tells which it is."
)
_BY_STATE["HYT00"] = Verdict(True, _TRANSIENT_STATES["HYT00"], _LOOKS_ALIKE)
_BY_STATE["08001"] = Verdict(True, _TRANSIENT_STATES["08"], _LOOKS_ALIKE)
_NOT_ENCRYPTED = Verdict(
    False,
    "the server does not encrypt, and DB_CONNECTION_STRING asks for it",
    "Have a certificate given to the server; with Encrypt=no the books and the password can be read on the way.",
)
_STRING_WRONG = Verdict(
    False,
    "the driver refuses the connection string",
    "Correct in DB_CONNECTION_STRING what the words name.",
)
_TLS_REFUSED = Verdict(
    False, "no encrypted connection: the server's certificate or TLS is refused", _MEND_TLS
)
_OF_THE_DRIVER = ("00", "01", "08", "HYT", "IM")
_UNKNOWN = Verdict(False, "the server or its driver reported an error", "Report it with this text.")

_IN_ARROW_ODBC = re.compile(r"State: (\w{5}), Native error: (-?\d+), Message: (.*)", re.DOTALL)
_IN_PYODBC = re.compile(r"\((-?\d+)\) \(SQL\w*\)")
_NOTHING_SAID = "00000"
"""Stands for the SQLSTATE of a call that failed without any diagnostic record."""
_WHO_SPEAKS = re.compile(r"^(?:\[[^\]]*\]\s*)+")


def sql_server_verdict(diagnostic: Diagnostic) -> Verdict:
    """Judge a diagnostic of SQL Server: a connection that is not there by SQLSTATE, the rest by number, else SQLSTATE."""
    if diagnostic.state in _NO_LINK:
        return _no_link(diagnostic)
    verdict = _BY_NUMBER.get(diagnostic.native) if diagnostic.native else None
    return verdict or state_verdict(diagnostic.state)


def _no_link(diagnostic: Diagnostic) -> Verdict:
    """Judge a connection that could not be made or was lost: only what was refused by either side stays refused."""
    if diagnostic.state == "08001" and (
        diagnostic.native == -1 or diagnostic.native >> 16 & 0xFFFF == _SECURITY
    ):
        return _TLS_REFUSED
    if diagnostic.state == "08001" and diagnostic.native == _NO_ENCRYPTION:
        return _NOT_ENCRYPTED
    if (diagnostic.state, diagnostic.native) == ("08001", 0) and _STRING_REFUSED.search(diagnostic.words):
        return _STRING_WRONG
    return state_verdict(diagnostic.state)


def state_verdict(state: str) -> Verdict:
    """Judge by SQLSTATE alone: the whole of it, else its class (the first two characters)."""
    return _BY_STATE.get(state) or _BY_STATE.get(state[:2]) or _UNKNOWN


def diagnostic_of(error: BaseException) -> Diagnostic | None:
    """Read SQLSTATE and number out of an error of pyodbc or arrow-odbc; None where it is of neither kind."""
    first = str(error.args[0]) if error.args else ""
    if found := _IN_ARROW_ODBC.search(first):
        return Diagnostic(found[1], int(found[2]), _words(found[3]))
    if len(error.args) > 1 and re.fullmatch(r"\w{5}", first):
        words = str(error.args[1])
        if not words.startswith(f"[{first}]"):
            return Diagnostic(_NOTHING_SAID, 0, _words(words))
        number = _IN_PYODBC.search(words)
        return Diagnostic(first, int(number[1]) if number else 0, _words(words.removeprefix(f"[{first}]")))
    return None


def source_error(verdict: Verdict, diagnostic: Diagnostic, where: str, redacted_words: str) -> SourceError:
    """Make the error people read, and the retries go by."""
    kind = TransientSourceError if verdict.transient else SourceError
    number = f", error {diagnostic.native}" if diagnostic.native else ""
    speaks = "server" if diagnostic.native and not diagnostic.state.startswith(_OF_THE_DRIVER) else "driver"
    return kind(
        f"{where}: {verdict.meaning} (SQLSTATE {diagnostic.state}{number}). {verdict.to_do} "
        f"The {speaks} says: {redacted_words}"
    )


def listed_numbers() -> Iterator[int]:
    """Give the error numbers that are judged by themselves, as often as they are listed: once, if all is well."""
    for numbers in (*_TRANSIENT.values(), *_PERMANENT):
        yield from numbers


def _words(text: str) -> str:
    """Give a driver's words in one line, without the names of driver and vendor in front."""
    return " ".join(_WHO_SPEAKS.sub("", text.strip()).split())
