"""Reading a page as a browser would: its elements, their attributes and their text."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"meta", "link", "br", "img", "input", "hr", "path", "use", "rect"})


@dataclass
class Element:
    """One element of a page."""

    tag: str
    attributes: dict[str, str]
    children: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, without the elements around it."""
        return "".join(each if isinstance(each, str) else each.text for each in self.children)

    def all(self, tag: str | None = None, **attributes: str) -> Iterator["Element"]:
        """Give every element below that has the tag and the attributes; `_` in their names stands for a dash."""
        for each in self.children:
            if isinstance(each, str):
                continue
            wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
            if tag in (None, each.tag) and all(each.attributes.get(n) == v for n, v in wanted.items()):
                yield each
            yield from each.all(tag, **attributes)

    def one(self, tag: str | None = None, **attributes: str) -> "Element":
        """Give the only element below that has the tag and the attributes."""
        (found,) = self.all(tag, **attributes)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        assert self.open[-1].tag == tag, f"</{tag}> ends <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parsed(page: str) -> Element:
    """Read a page. Fails where an element is ended that is not the innermost open one, or is never ended."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert len(reader.open) == 1, f"<{reader.open[-1].tag}> is never ended"
    return reader.open[0]
