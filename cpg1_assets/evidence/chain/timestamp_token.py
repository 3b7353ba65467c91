"""What a query to a time-stamping authority and its reply say (RFC 3161), and whether a reply proves it.

Signature and certificates are checked by the library rfc3161-client, which is needed for timestamps only. Which link of
the chain a timestamp is of, and whether its time fits, is settled in `timestamp`.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cpg1_assets.errors import EvidenceError, printable
from cpg1_assets.plain_file import read_plain

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

LARGEST_REPLY, LARGEST_QUERY = 200_000, 2_000
"""Bytes. A reply with a chain of certificates has some 10,000, a query some 60."""
_LARGEST_CERTIFICATES = 10_000_000
_SHA256 = "2.16.840.1.101.3.4.2.1"
_SHA256_IN_DER = bytes.fromhex("0609608648016503040201")
_SEQUENCE, _INTEGER, _OCTETS, _IDENTIFIER, _FLAG, _FIRST = 0x30, 0x02, 0x04, 0x06, 0x01, 0xA0
_GRANTED = 0
_LONGEST_NAME, _UNNAMED = 500, "nobody it names"
_LONG_TAG, _LONG_LENGTH = 0x1F, 0x80


class Query(NamedTuple):
    """What a query asks for: a timestamp of the SHA-256 `digest` (in hexadecimal), in a reply that has this nonce."""

    digest: str
    nonce: int


@dataclass(frozen=True)
class Reply:
    """What a granted reply says: when the authority saw which digest, for which nonce, and who says so.

    `valid` is from when to when the certificate of the one who signed it holds, `is_for_time` whether it is one for
    timestamps, and for nothing else.
    """

    digest: str
    nonce: int | None
    time: datetime
    authority: str
    valid: tuple[datetime, datetime]
    is_for_time: bool
    _parsed: Any


def make_query(data: bytes) -> bytes:
    """Make a query for a timestamp of the SHA-256 of `data`, with a nonce, that asks for the certificate as well."""
    library = _library()
    builder = library.TimestampRequestBuilder().data(data).hash_algorithm(library.HashAlgorithm.SHA256)
    made: bytes = builder.nonce(nonce=True).cert_request(cert_request=True).build().as_bytes()
    return made


def read_query(content: bytes) -> Query:
    """Read a query as `make_query` makes them. Raises ValueError for any other."""
    whole = _elements(content, 0, len(content))
    parts = (
        _elements(content, whole[0].start, whole[0].end)
        if [each.tag for each in whole] == [_SEQUENCE]
        else []
    )
    if [part.tag for part in parts] != [_INTEGER, _SEQUENCE, _INTEGER, _FLAG]:
        raise ValueError("it is no query with a nonce and a request for the certificate")
    of = _elements(content, parts[1].start, parts[1].end)
    if [part.tag for part in of] != [_SEQUENCE, _OCTETS] or not content[of[0].start :].startswith(
        _SHA256_IN_DER
    ):
        raise ValueError("it does not ask for a timestamp of a SHA-256")
    nonce = int.from_bytes(content[parts[2].start : parts[2].end], signed=True)
    return Query(content[of[1].start : of[1].end].hex(), nonce)


def read_reply(content: bytes) -> Reply:
    """Read a reply, and refuse one that is not granted. Whether it is the authority's, only `proves` says.

    Raises ValueError that says what is wrong with it, and EvidenceError without the library.
    """
    library, x509 = _library(), _x509()
    ordered = _with_certificates_in_order(content)
    with _in_a_sentence("it is no reply of RFC 3161"):
        parsed = library.decode_timestamp_response(ordered)
        status, texts = parsed.status, parsed.status_string
    if status != _GRANTED:
        raise ValueError(
            f"the authority did not grant it (status {status}: {'; '.join(texts) or 'it does not say why'})"
        )
    with _in_a_sentence("it holds no token that can be read"):
        info, signed = parsed.tst_info, parsed.signed_data
        signers = [(each.issuer, each.serial_number) for each in signed.signer_infos]
        certificates = [x509.load_der_x509_certificate(each) for each in signed.certificates]
        own = [each for each in certificates if [(each.issuer, each.serial_number)] == signers]
        is_sha256 = info.message_imprint.hash_algorithm.dotted_string == _SHA256
    if len(own) != 1:
        raise ValueError("it does not hold the certificate of the one who signed it")
    if not is_sha256:
        raise ValueError("it is not of a SHA-256")
    with _in_a_sentence("the certificate of the one who signed it cannot be read"):
        return Reply(
            digest=info.message_imprint.message.hex(),
            nonce=info.nonce,
            time=info.gen_time.astimezone(UTC),
            authority=printable(own[0].subject.rfc4514_string())[:_LONGEST_NAME] or _UNNAMED,
            valid=(own[0].not_valid_before_utc, own[0].not_valid_after_utc),
            is_for_time=_is_for_time(own[0].extensions, x509),
            _parsed=parsed,
        )


def _is_for_time(extensions: Any, x509: Any) -> bool:  # noqa: ANN401 - of a library that comes late
    try:
        usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return False
    return bool(usage.critical and [*usage.value] == [x509.ExtendedKeyUsageOID.TIME_STAMPING])


def read_authorities(path: Path) -> "list[Certificate]":
    """Read the certificates of authorities (PEM). Raises EvidenceError where there is none, and without the library."""
    x509 = _x509()
    try:
        content = read_plain(path, _LARGEST_CERTIFICATES)
        with _in_a_sentence("no certificate in it can be read"):
            return list(x509.load_pem_x509_certificates(content))
    except OSError as error:
        raise EvidenceError(f"The certificates {path} cannot be read ({error.strerror or error}).") from error
    except ValueError as error:
        raise EvidenceError(f"{path} holds no certificates in PEM: {error}.") from error


def unproven(reply: Reply, authorities: "Sequence[Certificate]") -> str:
    """Say why a reply is not proven to be that of one of these authorities at its time; nothing where it is.

    Checked are purpose and validity of its certificate at the time it names, the certificates up to an authority, and
    the signature. Whether one of them was revoked is not.
    """
    library = _library()
    if not reply.is_for_time:
        return f"The certificate of {reply.authority} is not one for timestamps (extended key usage, critical, alone)."
    first, last = reply.valid
    if not first <= reply.time <= last:
        return (
            f"The certificate of {reply.authority} was not valid at {reply.time.isoformat()}: it is from "
            f"{first.isoformat()} to {last.isoformat()}."
        )
    try:
        with _in_a_sentence("it is not proven"):
            verifier = library.VerifierBuilder(roots=[*authorities], nonce=reply.nonce).build()
            verifier.verify(reply._parsed, bytes.fromhex(reply.digest))  # noqa: SLF001 - of this module
    except ValueError as error:
        if "certificate verify error" in str(error):
            return f"The certificate of {reply.authority} does not lead to one of the authorities that were given."
        return f"It is not signed by {reply.authority}, whom it names."
    return ""


@contextmanager
def _in_a_sentence(what: str) -> Iterator[None]:
    """Make a ValueError of whatever libraries raise of bytes that anybody may have written, and let none of them warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except Exception as error:
            raise ValueError(f"{what} ({type(error).__name__}: {error})") from error


class _Element(NamedTuple):
    """One element of DER: its tag, where it begins, and where its content begins and ends."""

    tag: int
    at: int
    start: int
    end: int


def _inside(content: bytes, of: _Element, *places: int) -> tuple[int, int]:
    """Give where the content of an element inside another one begins and ends, by its place at each level."""
    for place in places:
        inner = _elements(content, of.start, of.end)
        if place >= len(inner):
            raise ValueError("it has another shape")
        of = inner[place]
    return of.start, of.end


def _elements(content: bytes, at: int, end: int) -> list[_Element]:
    """Give the elements that stand side by side. Raises ValueError where they do not fill their place exactly."""
    found = []
    while at < end:
        head = content[at : at + 6]
        if len(head) < 2 or head[0] & _LONG_TAG == _LONG_TAG:  # noqa: PLR2004 - tag and length
            raise ValueError("it is cut off, or no DER")
        size, start = head[1], at + 2
        if size & _LONG_LENGTH:
            more = size & ~_LONG_LENGTH
            if not 1 <= more <= 4 or len(head) < 2 + more:  # noqa: PLR2004 - bytes of a length
                raise ValueError("it is cut off, or no DER")
            size, start = int.from_bytes(head[2 : 2 + more]), start + more
        if start + size > end:
            raise ValueError("it is cut off")
        found.append(_Element(head[0], at, start, start + size))
        at = start + size
    return found


def _with_certificates_in_order(content: bytes) -> bytes:
    """Give a reply with its certificates in the order that DER has for sets.

    OpenSSL, which many authorities run, writes them in the order they were given to it, and the library refuses that.
    Their order is not signed. Raises ValueError where the content has not the shape of a reply.
    """
    whole = _elements(content, 0, len(content))
    if len(whole) != 1:
        raise ValueError("there are bytes after it" if whole else "it is empty")
    if len(_elements(content, whole[0].start, whole[0].end)) == 1:
        return content  # not granted: it holds a status, and no token
    parts = _elements(content, *_inside(content, whole[0], 1, 1, 0))
    for part in parts:
        if part.tag == _FIRST:
            each = sorted(content[one.at : one.end] for one in _elements(content, part.start, part.end))
            return content[: part.start] + b"".join(each) + content[part.end :]
    return content


def _library() -> Any:  # noqa: ANN401 - a module
    try:
        import rfc3161_client  # noqa: PLC0415 - only for timestamps
    except ImportError as error:
        raise EvidenceError(
            "Timestamps need the library rfc3161-client. Install it with: pip install 'cpg1-assets[timestamps]'"
        ) from error
    return rfc3161_client


def _x509() -> Any:  # noqa: ANN401 - a module
    try:
        from cryptography import x509  # noqa: PLC0415 - comes with the library
    except ImportError as error:
        raise EvidenceError(
            "Timestamps need the library cryptography. Install it with: pip install 'cpg1-assets[timestamps]'"
        ) from error
    return x509
