"""What a command says of the link that it has just added to the chain, and of what was made anew because of it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cpg1_assets.cli.terminal import say, say_json
from cpg1_assets.home import Home
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings

if TYPE_CHECKING:
    from cpg1_assets.deliverables.files import Deliverable, NotMade
    from cpg1_assets.evidence.chain.links import Link
    from cpg1_assets.evidence.chain.signing import Signer


def made_anew(settings: Settings, month: str) -> "list[Deliverable | NotMade]":
    """Make what people are given of a month anew, after a link of it was recorded. The link stands whatever comes of it."""
    from cpg1_assets.deliverables.files import make_all  # noqa: PLC0415 - draws and lays out

    home, of_month = Home(settings), CutoffMonth.parse(month)
    return make_all(
        home.evidence_folder, home.reports_folder, of_month, settings.locale, settings.calendar_file
    )


def tell_made(made: "Sequence[Deliverable | NotMade]", then: str = "") -> None:
    """Print where each deliverable is, or why it could not be made and `then` what to do."""
    from cpg1_assets.deliverables.files import NotMade  # noqa: PLC0415

    for each in made:
        if isinstance(each, NotMade):
            say(f"{each.title}: NOT made: {each.why}{then}")
        else:
            say(f"{each.title}: {each.path}")


def tell_head(link: "Link") -> None:
    """Print the head that the chain has since `link` was added."""
    from cpg1_assets.evidence.chain.links import anchor_of  # noqa: PLC0415 - imports pyarrow

    say(f"The head of the chain is now {anchor_of(link)}. Note it down elsewhere.")


def tell_link(
    said: Mapping[str, Any],
    link: "Link",
    signer: "Signer | None",
    *words: str,
    made: "Sequence[Deliverable | NotMade]",
    as_json: bool,
) -> None:
    """Print what was recorded, with the place of its link and the key: `said` as JSON, or `words` a line each."""
    from cpg1_assets.evidence.chain.links import anchor_of  # noqa: PLC0415 - imports pyarrow

    if as_json:
        key = None if signer is None else signer.key_id
        whole = {
            **said,
            "chain_index": link.index,
            "anchor": anchor_of(link),
            "signed_by_key": key,
            "deliverables": [each.as_dict() for each in made],
        }
        say_json(whole)
        return
    for line in words:
        say(line)
    if signer is None:
        say("Not signed with a key: this is an assertion of the operating-system account.")
    tell_head(link)
    tell_made(made, f" What was recorded stands. Make it with: cpg1 report {said['month']}")
