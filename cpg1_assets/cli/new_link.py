"""What a command says of the link that it has just added to the chain: of a sign-off, of a reopening."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cpg1_assets.evidence.chain.links import Link
    from cpg1_assets.evidence.chain.signing import Signer


def tell_link(
    said: Mapping[str, Any], link: "Link", signer: "Signer | None", *words: str, as_json: bool
) -> None:
    """Print what was recorded, with the place of its link and the key: `said` as JSON, or `words` a line each."""
    from cpg1_assets.evidence.chain.links import anchor_of  # noqa: PLC0415 - imports pyarrow

    if as_json:
        key = None if signer is None else signer.key_id
        whole = {**said, "chain_index": link.index, "anchor": anchor_of(link), "signed_by_key": key}
        click.echo(json.dumps(whole, indent=2, ensure_ascii=False))
        return
    for line in words:
        click.echo(line)
    if signer is None:
        click.echo("Not signed with a key: this is an assertion of the operating-system account.")
    click.echo(f"The head of the chain is now {anchor_of(link)}. Note it down elsewhere.")
