"""This machine: its clock, its limits, the places a close writes to, the signing key, the inbox, the sample books.

How a folder is tried is in `folders`.
"""

import re
import resource
import uuid
from contextlib import suppress
from datetime import UTC, datetime

from cpg1_assets.doctor.finding import Finding, Group
from cpg1_assets.doctor.folders import Need, needs, try_folder
from cpg1_assets.errors import Cpg1Error, SettingsError
from cpg1_assets.evidence.chain.signing import open_signer
from cpg1_assets.home import LEAST_OPEN_FILES, Home
from cpg1_assets.refusal import TMPDIR
from cpg1_assets.settings import Settings
from cpg1_assets.sources.deadline import DeadlinePassedError, OneThread
from cpg1_assets.sources.sample import SampleBooks

GROUP = Group("Storage and evidence")
MACHINE = Group("This machine")

_MANY_FILES = 256
_STORAGE_SECONDS = 60
_PROBE = b"cpg1 doctor\n"
_CREDENTIALS = re.compile(r"//[^/@\s]*@")


def check_clock() -> Finding:
    """Say what time and time zone this machine has: which month is the last complete one goes by it."""
    now = datetime.now(UTC).astimezone()
    return MACHINE.fine("clock", f"{now:%Y-%m-%d %H:%M:%S}, time zone {now.tzname()} (UTC{now:%z})")


def check_places(settings: Settings) -> list[Finding]:
    """Try home, evidence, storage and the temporary folder, with the space they have."""
    need = needs(settings)
    findings = []
    for place in Home(settings).places:
        # Temporary files are the rows of one asset at a time, not of the whole month.
        wanted = (
            need
            if need is None or place.setting != TMPDIR
            else Need(need.size // 4, need.known_by.replace("twice", "half"))
        )
        findings.append(try_folder(GROUP, place.name, place, settings, wanted))
    if not any(place.name == "storage" for place in Home(settings).places):
        findings.insert(2, _storage(settings))
    if findings[0].verdict == "mend":
        return findings
    try:
        Home(settings).require_own_books()
    except Cpg1Error as error:
        findings.append(GROUP.mend("books", str(error), "One folder keeps one kind of books."))
    return findings


def check_open_files() -> Finding:
    """Look how many files this process may open at once: a large extract is merged from many."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    to_do = "Raise the limit before a close: ulimit -n 1024 (LimitNOFILE in a service)."
    if files < LEAST_OPEN_FILES:
        return MACHINE.mend("open files", f"{files} at once, and a close needs {LEAST_OPEN_FILES}", to_do)
    if files < _MANY_FILES:
        return MACHINE.look("open files", f"{files} at once: a large extract is sorted more slowly", to_do)
    return MACHINE.fine("open files", f"{files} at once")


def check_signing_key(settings: Settings) -> Finding:
    """Read the key that seals are signed with, if one is set."""
    try:
        signer = open_signer(settings.signing_key_file, settings.signing_key)
    except Cpg1Error as error:
        return GROUP.mend(
            "signing key", str(error), "Mend it, or unset the variable to seal without a signature."
        )
    if signer is None:
        return GROUP.fine("signing key", "none is set: seals and sign-offs are not signed")
    file = settings.signing_key_file
    if file is not None and file.stat().st_mode & 0o077:
        return GROUP.look("signing key", f"others than its owner may use {file}", f"Run: chmod 600 {file}")
    return GROUP.fine("signing key", f"can be used, key id {signer.key_id}")


def check_inbox(settings: Settings) -> Finding:
    """Look whether the folder of the JDash files is there."""
    inbox = Home(settings).inbox_folder
    try:
        Home(settings).require_inbox()
    except SettingsError as error:
        said, _, to_do = str(error).partition(": ")
        return GROUP.mend("inbox", said, to_do[:1].upper() + to_do[1:])
    if inbox.exists():
        return GROUP.fine("inbox", f"{inbox} can be read")
    if settings.is_sample:
        return GROUP.fine("inbox", "is made with the SAMPLE BOOKS")
    return GROUP.look(
        "inbox",
        f"{inbox} is not there: without JDash files the voucher lines are not computed",
        f"Put the files into {inbox}/jdash/<YYYY-MM>/<COMPANY>.csv, or set CPG1_INBOX.",
    )


def check_sample_books(settings: Settings) -> Finding:
    """Open the sample books if they are there; the first close makes them if not."""
    group = Group("SAMPLE BOOKS")
    books = SampleBooks(Home(settings).sample_books_folder)
    if not (books.folder / "books.json").exists():
        return group.fine("books", "are not made yet: the first close makes them, or cpg1 sample")
    try:
        with books.session() as session:
            version = (session.identity().version or "")[:12]
    except Cpg1Error as error:
        return group.mend("books", str(error), "Run: cpg1 sample")
    return group.fine("books", f"{books.folder}, version {version}")


def _storage(settings: Settings) -> Finding:
    from cpg1_assets.storage.files import ParquetStorage  # noqa: PLC0415 - imports pyarrow

    shown = _CREDENTIALS.sub("//***@", Home(settings).storage_url)
    to_do = "Mend CPG1_STORAGE, what it needs to be reached (credentials, network), or the rights on it."
    try:
        storage = ParquetStorage(Home(settings).storage_url, Home(settings).place / "spool")
    except Cpg1Error as error:
        return GROUP.mend("storage", _CREDENTIALS.sub("//***@", str(error)), to_do)

    def probe() -> None:
        name = f"{storage.root}/.cpg1-doctor-{uuid.uuid4().hex}"
        files = storage.filesystem
        files.makedirs(storage.root, exist_ok=True)
        files.pipe_file(name, _PROBE)
        try:
            files.mv(name, f"{name}.moved")
            if files.cat_file(f"{name}.moved") != _PROBE:
                raise OSError("what was written is not what is read")
        finally:
            for left in (name, f"{name}.moved"):
                with suppress(FileNotFoundError):
                    files.rm_file(left)

    thread = OneThread("cpg1-assets doctor storage")
    try:
        thread.run(probe, _STORAGE_SECONDS)
    except DeadlinePassedError as late:
        return GROUP.mend("storage", f"{shown} does not answer ({late})", to_do)
    except Exception as error:  # noqa: BLE001 - every kind of storage has errors of its own
        words = _CREDENTIALS.sub("//***@", " ".join(str(error).split()))
        return GROUP.mend("storage", f"{shown} cannot be used ({type(error).__name__}: {words})", to_do)
    finally:
        thread.close()
    return GROUP.fine("storage", f"{shown} can be written, renamed in and read")
