"""Pictures as SVG text: drawn by matplotlib, then made fit for a page. What is drawn is not known here.

matplotlib writes colours and fonts into each shape. Here they become classes that one style, `CHART_STYLE`, gives a
light and a dark meaning, so that a page can forbid every other style; ids go, but for those of title and description,
so that several pictures live in one page. The same figures give the same bytes: no date, no random name, no font file.
"""

import hashlib
import io
import re
import warnings
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
INKS = {
    "paper": "#010000",
    "ink": "#020000",
    "muted": "#030000",
    "grid": "#040000",
    "level": "#050000",
    "bridge": "#060000",
    "cause": "#070000",
    "rest": "#080000",
}
"""What a shape is drawn in, by name: the colours that stand for the names while matplotlib draws."""
_NAMES = {colour: name for name, colour in INKS.items()}
_LIGHT = {
    "paper": "#ffffff", "ink": "#1f2328", "muted": "#59636e", "grid": "#d1d9e0", "level": "#59636e",
    "bridge": "#0a5cc2", "cause": "#b35900", "rest": "#a40e26",
}  # fmt: skip
_DARK = {
    "paper": "#161b22", "ink": "#e6edf3", "muted": "#9198a1", "grid": "#3d444d", "level": "#9198a1",
    "bridge": "#58a6ff", "cause": "#f0a24b", "rest": "#ff7b72",
}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_LONGEST = 34


def _style() -> str:
    def of(inks: dict[str, str]) -> str:
        fills = "".join(f".cpg1-chart .f-{name}{{fill:{colour}}}" for name, colour in inks.items())
        return fills + "".join(f".cpg1-chart .s-{name}{{stroke:{colour}}}" for name, colour in inks.items())

    fonts = ".cpg1-chart text{font-family:system-ui,'Segoe UI',Roboto,'Noto Sans',Arial,sans-serif}"
    nothing = ".cpg1-chart .f-none{fill:none}.cpg1-chart .s-none{stroke:none}"
    dark = f"@media screen and (prefers-color-scheme:dark){{{of(_DARK)}}}"
    return f"{fonts}{nothing}{of(_LIGHT)}{dark}"


CHART_STYLE = _style()
"""The style that every picture carries: what its inks are on light and on dark paper, light where it is printed."""


def scale(amounts: Iterable[Decimal], start: float, end: float) -> Callable[[Decimal], float]:
    """Give where an amount lies, in pixels, so that zero and all of `amounts` lie between `start` and `end`."""
    found = [Decimal(0), *amounts]
    low, high = min(found), max(found)
    span = high - low

    def place(amount: Decimal) -> float:
        # A picture has no more digits than a float; no amount comes out of it.
        return start + (end - start) * (float((amount - low) / span) if span else 0.5)

    return place


def bar(figure: "Figure", left: float, right: float, bottom: float, top: float, ink: str) -> None:
    """Draw a filled bar between two places each way, in pixels from the lower left."""
    from matplotlib.patches import Rectangle  # noqa: PLC0415

    figure.add_artist(
        Rectangle(
            (left, bottom), right - left, top - bottom, transform=_pixels(), linewidth=0, facecolor=INKS[ink]
        )
    )


def rule(
    figure: "Figure", start: tuple[float, float], end: tuple[float, float], *, ink: str = "muted"
) -> None:
    """Draw a thin line between two points, in pixels."""
    from matplotlib.lines import Line2D  # noqa: PLC0415

    (x, y), (to_x, to_y) = start, end
    figure.add_artist(
        Line2D([x, to_x], [y, to_y], transform=_pixels(), linewidth=1, color=INKS[ink], solid_capstyle="butt")
    )


def words(
    figure: "Figure",
    x: float,
    y: float,
    text: str,
    *,
    side: Literal["left", "center", "right"] = "left",
    size: int = 13,
    bold: bool = False,
    ink: str = "ink",
) -> None:
    """Write a text whose `side` is at `x` and whose middle is at `y`, in pixels. It is only text: no formula is read."""
    figure.text(
        x, y, legible(text), transform=_pixels(), ha=side, va="center", fontsize=size,
        fontweight="bold" if bold else "normal", color=INKS[ink], parse_math=False,
    )  # fmt: skip


def _pixels() -> "Transform":
    from matplotlib.transforms import IdentityTransform  # noqa: PLC0415

    return IdentityTransform()


def shortened(text: str) -> str:
    """Give a label as it fits beside a bar; the description of the picture has it whole."""
    told = legible(text)
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"


def legible(text: str) -> str:
    """Give a text without what no XML can hold, each such character as a replacement character."""
    return _CONTROL.sub("\ufffd", text)


def picture(
    width: int, height: int, draw: Callable[["Figure"], None], *, title: str, description: str
) -> str:
    """Give what `draw` draws on an empty figure of so many pixels as one `svg` element.

    `title` and `description` are for who does not see it: the description says all that the picture shows.
    """
    # matplotlib comes late: what draws nothing must not wait for it.
    from matplotlib import rc_context, rcdefaults  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    drawn = io.BytesIO()
    with rc_context(), warnings.catch_warnings():
        # Its font only measures a text; whoever looks at the page has fonts of his own.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        rcdefaults()  # nobody's matplotlibrc decides how a control looks
        with rc_context({"svg.fonttype": "none", "svg.hashsalt": "cpg1"}):
            figure = Figure(figsize=(width / 72, height / 72), dpi=72, facecolor=INKS["paper"])
            draw(figure)
            nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
            figure.savefig(drawn, format="svg", metadata=nothing)
    name = hashlib.sha256(f"{title}\n{description}".encode() + drawn.getvalue()).hexdigest()[:12]
    root = ET.fromstring(drawn.getvalue())  # noqa: S314 - written by matplotlib just now
    parents = {child: parent for parent in root.iter() for child in parent}
    for element in list(root.iter()):
        if element.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"):
            parents[element].remove(element)
    _name_anew(root, name)
    for element in root.iter():
        _ink(element)
    for gone in ("width", "height", "version"):
        root.attrib.pop(gone, None)
    root.attrib |= {"class": "cpg1-chart", "role": "img", "aria-labelledby": f"t{name} d{name}"}
    style = ET.Element(f"{{{_SVG}}}style")
    style.text = CHART_STYLE
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(f"{{{_SVG}}}{tag}", {"id": f"{tag[0]}{name}"})
        element.text = legible(text)
        root.insert(place, element)
    root.insert(2, style)
    for prefix, uri in (("", _SVG), ("xlink", _XLINK)):
        ET.register_namespace(prefix, uri)
    return ET.tostring(root, encoding="unicode")


def _name_anew(root: ET.Element, name: str) -> None:
    """Keep the ids that something refers to, each with the picture's own name in it, and no others."""
    text = ET.tostring(root, encoding="unicode")
    referred = set(re.findall(r"url\(#([^)]+)\)", text)) | set(re.findall(r'href="#([^"]+)"', text))
    for element in root.iter():
        identity = element.attrib.pop("id", None)
        if identity in referred:
            element.set("id", f"{identity}-{name}")
        for attribute, value in list(element.attrib.items()):
            if attribute in (f"{{{_XLINK}}}href", "clip-path"):
                element.set(attribute, re.sub(r"#([^)]+)", rf"#\1-{name}", value))


def _ink(element: ET.Element) -> None:
    """Make classes and attributes of what matplotlib wrote as a style: a strict page applies no other."""
    said = dict(
        part.strip().split(": ", 1) for part in element.attrib.pop("style", "").split(";") if part.strip()
    )
    classes = []
    for name, value in said.items():
        if name in ("fill", "stroke"):
            classes.append(f"{name[0]}-{'none' if value == 'none' else _NAMES[value]}")
        elif name != "font-family":  # the style's
            element.set(name, value)
    if classes:
        element.set("class", " ".join(classes))
