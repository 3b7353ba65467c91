"""The few errors the product raises. Each one says what happened, where, and what to do about it.

Nothing here knows Dagster or a database: the rooms that do translate to and from these.
"""


class Cpg1Error(Exception):
    """A failure a person can act on. Its text is shown as it is, without a traceback."""


class SettingsError(Cpg1Error):
    """A setting (environment variable or option) is missing, malformed or contradicts another."""


class MonthError(Cpg1Error):
    """A cutoff month or cutoff date that cannot be closed: unknown, too early, not over, or ambiguous."""


class ScopeError(Cpg1Error):
    """A company or GL account that is not in the control's scope."""


class CalendarError(Cpg1Error):
    """A due date that cannot be told: the country or the month is in no calendar. Decides no figure."""


class FileFormatError(Cpg1Error):
    """A contract, rules, thresholds or calendar file with an error. Names the file and the line."""


class DataError(Cpg1Error):
    """Rows that do not keep their contract: wrong type, lost digits, missing column, unexpected null."""


class SourceError(Cpg1Error):
    """The source refused or could not answer, and asking again would not help."""


class TransientSourceError(SourceError):
    """The source could not answer now; the same question may succeed later, so it is asked again."""


class LongTextError(SourceError):
    """A text was longer than rows had room for. The session has room for it now: its rows can be asked for again."""


class StorageError(Cpg1Error):
    """A file of the product could not be written or read: disk full, no permission, missing month."""


class LoadedError(Cpg1Error):
    """The code or the rules changed while they were being used: what runs is not what is on the disk."""


class SignedOffError(Cpg1Error):
    """The month is signed off, and so it is closed: nothing of it is computed anew unless it is reopened."""


class BusyError(Cpg1Error):
    """Somebody else is closing the same month right now."""


class EvidenceError(Cpg1Error):
    """Evidence that is not there, is damaged, or does not allow what was asked of it."""


_LONGEST_SHOWN = 100


def shown(text: str) -> str:
    """Give what a person wrote as an error quotes it: control characters as escapes, and not at any length."""
    return repr(text) if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]!r}…"


def printable(text: str) -> str:
    """Write out what a terminal or a file of JSON would not show as it is: names may hold anything."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
