"""The commands `cpg1 evidence timestamp-request` and `timestamp-add`: a time that somebody else vouches for.

Neither asks the network: a person carries the query to an authority, and its reply back.
"""

from pathlib import Path

import click

from cpg1_assets.cli.answering import PlaceType, json_option, told
from cpg1_assets.cli.evidence_place import evidence_folder
from cpg1_assets.cli.new_link import tell_head
from cpg1_assets.cli.terminal import say, say_json
from cpg1_assets.home import Home
from cpg1_assets.settings import Settings

_QUERY, _TYPE = ".tsq", "application/timestamp-query"


@click.command("timestamp-request")
@click.option(
    "--out",
    metavar="FILE",
    type=PlaceType(path_type=Path),
    required=True,
    help="New file for the query, such as head.tsq. Keep it until the reply is added.",
)
@json_option
@told
def timestamp_request(out: Path, *, as_json: bool) -> None:
    """Write a query for a timestamp of the chain's head (RFC 3161). It holds the digest of the head, and nothing else."""
    from cpg1_assets.disk import write_whole  # noqa: PLC0415 - beside what it is for
    from cpg1_assets.evidence.audit.export import require_new  # noqa: PLC0415 - imports pyarrow
    from cpg1_assets.evidence.chain.links import anchor_of  # noqa: PLC0415
    from cpg1_assets.evidence.chain.timestamp import timestamp_query  # noqa: PLC0415

    evidence = evidence_folder()
    require_new(out, evidence)
    query, link = timestamp_query(evidence)
    write_whole(out, query)
    if as_json:
        say_json(
            {"query": str(out), "chain_index": link.index, "digest": link.digest, "anchor": anchor_of(link)}
        )
        return
    say(f"{out}: a query for a timestamp of the head {anchor_of(link)}.")
    say(
        f"Send it to a time-stamping authority by HTTP POST, as {_TYPE}, and keep what it replies, for example:"
    )
    reply = out.with_suffix(".tsr")
    say(f"  curl --data-binary @{out} -H 'Content-Type: {_TYPE}' ADDRESS > {reply}")
    say(f"Then add the reply: cpg1 evidence timestamp-add {reply}")


@click.command("timestamp-add")
@click.argument("file", type=PlaceType(path_type=Path))
@click.option(
    "--request",
    "request_file",
    metavar="FILE",
    type=PlaceType(path_type=Path),
    help="The query that was sent. Default: beside FILE, with the suffix .tsq.",
)
@click.option(
    "--tsa-ca",
    "authority_file",
    metavar="FILE",
    type=PlaceType(path_type=Path),
    help="Certificates (PEM) of the authority: the reply is added only if it is proven to be of one of them.",
)
@json_option
@told
def timestamp_add(
    file: Path, request_file: Path | None, authority_file: Path | None, *, as_json: bool
) -> None:
    """Add the reply FILE of a time-stamping authority to the chain, if it is granted and is the reply to the query."""
    from cpg1_assets.evidence.chain.links import anchor_of  # noqa: PLC0415
    from cpg1_assets.evidence.chain.signing import open_signer  # noqa: PLC0415
    from cpg1_assets.evidence.chain.timestamp import add_timestamp, read_sent  # noqa: PLC0415
    from cpg1_assets.evidence.chain.timestamp_token import (  # noqa: PLC0415
        LARGEST_QUERY,
        LARGEST_REPLY,
        read_authorities,
    )

    settings = Settings.from_environment()
    signer = open_signer(settings.signing_key_file, settings.signing_key)
    authorities = None if authority_file is None else read_authorities(authority_file)
    reply = read_sent(file, LARGEST_REPLY)
    query = read_sent(file.with_suffix(_QUERY) if request_file is None else request_file, LARGEST_QUERY)
    link = add_timestamp(Home(settings).evidence_folder, reply, query, authorities, signer=signer)
    said = {name: link.body[name] for name in ("link", "link_digest", "time", "authority")}
    if as_json:
        key = None if signer is None else signer.key_id
        checked = authorities is not None
        more = {"authority_checked": checked, "chain_index": link.index, "anchor": anchor_of(link)}
        say_json({**said, **more, "signed_by_key": key})
        return
    say(f"Link {said['link']} existed at {said['time']}, says {said['authority']}.")
    if authorities is None:
        say("Whether the reply is that authority's was not checked: give its certificates with --tsa-ca.")
    tell_head(link)
