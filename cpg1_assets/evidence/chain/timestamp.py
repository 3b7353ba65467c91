"""Timestamps in the chain: a link that holds what an authority said of a link before it, byte for byte.

The authority (RFC 3161) sees the digest of a link, and nothing else. Since each later link covers this one, nobody can
exchange the reply; and since the digest covers every link before it, all of that existed at the time the reply names.
What a reply says, and whether it proves it, is read in `timestamp_token`.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.links import (
    TIMESTAMP,
    Link,
    append_link,
    canonical,
    is_digest,
    read_chain,
    time_now,
    time_of,
)
from cpg1_assets.evidence.chain.signing import Signer
from cpg1_assets.evidence.chain.timestamp_token import (
    LARGEST_QUERY,
    LARGEST_REPLY,
    Query,
    Reply,
    make_query,
    read_query,
    read_reply,
    unproven,
)
from cpg1_assets.plain_file import read_plain

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

CLOCKS_DIFFER = timedelta(minutes=5)
"""How far the clock of the machine that made a link may stand from the authority's."""
_FIELDS = {"link", "link_digest", "time", "authority", "query", "reply"}


class Stamp(NamedTuple):
    """A timestamp: the link it is of, when that was there, who says so, and the link that holds the reply."""

    link: int
    time: str
    authority: str
    held_by: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"link {self.link} existed at {self.time}, says {self.authority} ({self.held_by})"


@dataclass(frozen=True)
class _Bytes:
    """Query and reply of a timestamp, as they were sent and received."""

    query: bytes
    reply: bytes


def timestamp_query(evidence: Path) -> tuple[bytes, Link]:
    """Make a query for a timestamp of the chain's head, and give it with that link.

    Raises EvidenceError on a damaged chain, where nothing is sealed, and without the library.
    """
    links = read_chain(evidence)
    if not links:
        raise EvidenceError(f"Nothing is sealed in {evidence}: there is no head to ask a timestamp of.")
    return make_query(canonical(links[-1].signed_part())), links[-1]


def add_timestamp(
    evidence: Path,
    reply: bytes,
    query: bytes,
    authorities: "Sequence[Certificate] | None" = None,
    *,
    signer: Signer | None = None,
) -> Link:
    """Add what an authority replied to a query as a link of the chain.

    With `authorities` it must be proven to be of one of them. Raises EvidenceError for a reply that was not granted, is
    of another digest or query, has a time that does not fit between the links, or is in the chain already.
    """
    given = _Bytes(query, reply)
    links = read_chain(evidence)
    try:
        asked, replied = _read(given)
    except ValueError as error:
        raise EvidenceError(f"The reply cannot be added: {error}.") from None
    of = next((link for link in links if link.digest == asked.digest), None)
    if of is None:
        raise EvidenceError(
            f"The query is of the digest {asked.digest[:20]}…, which no link of the chain has: it was made of other "
            "evidence. Make one of this: cpg1 evidence timestamp-request"
        )
    body = {
        "link": of.index,
        "link_digest": of.digest,
        "time": replied.time.isoformat(timespec="seconds"),
        "authority": replied.authority,
        "query": base64.b64encode(query).decode(),
        "reply": base64.b64encode(reply).decode(),
    }
    if any(link.kind == TIMESTAMP and link.body.get("reply") == body["reply"] for link in links):
        raise EvidenceError("This very reply is in the chain already.")
    why = _wrong_time(replied.time, of, time_now(links[-1].made_at))
    if not why and authorities is not None:
        why = unproven(replied, authorities)
    if why:
        raise EvidenceError(f"The reply cannot be added. {why}")
    return append_link(evidence, TIMESTAMP, body, signer=signer)


def read_sent(path: Path, most: int) -> bytes:
    """Read the file of a query or a reply. Raises EvidenceError where it cannot be one."""
    try:
        return read_plain(path, most)
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read ({error.strerror or error}).") from error


def wrong_timestamps(links: Iterable[Link]) -> dict[str, str]:
    """Say of each link of a timestamp that this software would not have made what is wrong; by its name.

    Only what the links say is looked at, for which no library is needed.
    """
    wrong: dict[str, str] = {}
    before: dict[int, str] = {}
    replies: set[str] = set()
    for link in links:
        if link.kind == TIMESTAMP:
            why = _wrong_body(link.body)
            if not why and before.get(link.body["link"]) != link.body["link_digest"]:
                why = "It is a timestamp of a link that the chain does not have before it."
            elif not why and link.body["reply"] in replies:
                why = "It holds a reply that a link before it holds."
            if why:
                wrong[link.name] = why
            else:
                replies.add(link.body["reply"])
        before[link.index] = link.digest
    return wrong


def look_at(link: Link, of: Link, authorities: "Sequence[Certificate] | None") -> tuple[Stamp, str]:
    """Give what the timestamp in a link says of the link `of`, and what is wrong with it; nothing where it holds.

    Without `authorities` it is not looked at whose it is. The link must be one that `wrong_timestamps` does not name.
    Raises EvidenceError without the library.
    """
    body = link.body
    stamp = Stamp(of.index, body["time"], body["authority"], link.name)
    try:
        asked, replied = _read(_bytes_of(body))
    except ValueError as error:
        return stamp, f"What it holds proves nothing: {error}."
    if asked.digest != of.digest:
        return stamp, "Its reply is of another digest than that of the link it names."
    if (body["time"], body["authority"]) != (replied.time.isoformat(timespec="seconds"), replied.authority):
        return stamp, "It names another time or authority than its reply."
    why = _wrong_time(replied.time, of, link.made_at)
    return stamp, why or ("" if authorities is None else unproven(replied, authorities))


def _read(given: _Bytes) -> tuple[Query, Reply]:
    """Read query and reply, which must be of one another. Raises ValueError."""
    if len(given.reply) > LARGEST_REPLY or len(given.query) > LARGEST_QUERY:
        raise ValueError("it is larger than any query or reply")
    try:
        asked = read_query(given.query)
    except ValueError as error:
        raise ValueError(f"the query is none that was made of a link: {error}") from None
    replied = read_reply(given.reply)
    if replied.digest != asked.digest:
        raise ValueError("it is of another digest than the query asked for")
    if replied.nonce != asked.nonce:
        raise ValueError("it has not the nonce of the query, so it is the reply to another one")
    return asked, replied


def _wrong_time(time: datetime, of: Link, held_at: str) -> str:
    """Say why a time cannot be that of a timestamp of the link `of`, held by a link of the time `held_at`."""
    earliest, latest = time_of(of.made_at), time_of(held_at)
    if earliest is None or latest is None:
        return ""  # said of the link itself
    if time < earliest - CLOCKS_DIFFER:
        return f"It names the time {time.isoformat()}, before link {of.index} was made ({of.made_at})."
    if time > latest + CLOCKS_DIFFER:
        return f"It names the time {time.isoformat()}, after it was taken into the chain ({held_at})."
    return ""


def _wrong_body(body: Mapping[str, Any]) -> str:
    fits = (
        body.keys() == _FIELDS
        and type(body["link"]) is int
        and is_digest(body["link_digest"])
        and time_of(body["time"]) is not None
        and all(isinstance(body[name], str) and body[name] for name in ("authority", "query", "reply"))
    )
    try:
        if fits:
            _bytes_of(body)
    except ValueError:
        fits = False
    return "" if fits else "It does not say what a timestamp says: link, time, authority, query and reply."


def _bytes_of(body: Mapping[str, Any]) -> _Bytes:
    """Give query and reply. Raises ValueError unless they are in base64 as it is written here."""
    read = []
    for text in (body["query"], body["reply"]):
        try:
            content = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise ValueError(str(error)) from None
        if base64.b64encode(content).decode() != text:
            raise ValueError("it ends in bits that mean nothing")
        read.append(content)
    return _Bytes(*read)
