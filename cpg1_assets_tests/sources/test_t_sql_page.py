"""`docs/t-sql.md` says what the table of constructs says, question by question and answer by answer."""

import pytest

from cpg1_assets.sources.constructs import Construct, Refused, read_constructs
from cpg1_assets_tests.test_docs import page, section, table_rows

CONSTRUCTS = read_constructs()
_PAGE = page("t-sql.md")
_ALLOWED, _REFUSED = section(_PAGE, "## Allowed"), section(_PAGE, "## Refused")
_OTHER_BLANKS = str.maketrans("\u00a0\u3000", "⍽⍽")


def _code(text: str) -> str:
    written = text.translate(_OTHER_BLANKS).replace("|", "\\|")
    return f"`{written}`"


def _allowed(construct: Construct) -> list[str]:
    name = f"{construct.name} ({construct.note})" if construct.note else construct.name
    if construct.answer is None:
        answer = "NULL"
    else:
        answer = f"'{construct.answer}'" if construct.type == "nvarchar" else construct.answer
    # The books' answer is the server's: `test_constructs` asks them.
    both = f"{_code(answer)} {construct.type}"
    return [name, _code(construct.asked), both, both, construct.source]


def _refused(refused: Refused) -> list[str]:
    return [_code(refused.asked), refused.there, refused.instead]


@pytest.mark.parametrize("group", CONSTRUCTS.allowed)
def test_the_page_lists_what_is_allowed(group: str) -> None:
    rows = table_rows(section(_ALLOWED, f"### {group}"))
    assert rows[0] == ["construct", "question", "SQL Server", "the books", "source"]
    assert rows[2:] == [_allowed(construct) for construct in CONSTRUCTS.allowed[group]]


@pytest.mark.parametrize("group", CONSTRUCTS.refused)
def test_the_page_lists_what_is_refused(group: str) -> None:
    heading = f"### {group}, refused" if group in CONSTRUCTS.allowed else f"### {group}"
    rows = table_rows(section(_REFUSED, heading))
    assert rows[0] == ["T-SQL", "SQL Server", "what the refusal says to write"]
    assert rows[2:] == [_refused(refused) for refused in CONSTRUCTS.refused[group]]


def test_the_page_has_no_other_group() -> None:
    headings = [
        line for text in (_ALLOWED, _REFUSED) for line in text.splitlines() if line.startswith("### ")
    ]
    assert len(headings) == len(CONSTRUCTS.allowed) + len(CONSTRUCTS.refused)
