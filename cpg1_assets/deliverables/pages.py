"""A page that needs nothing beside itself: no script, nothing from the network, and a policy that would refuse either.

Every text of the data is text: the templates, `*.html.j2`, are filled with autoescape. What stands on a page is decided by
whoever asks for it.
"""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

_HERE = Path(__file__).parent


def page(template: str, *, styles: Sequence[str] = (), **content: Any) -> str:  # noqa: ANN401 - what a template shows
    """Fill `template` in the style of the report, with `styles` after it: names of files here, or style sheets."""
    texts = [_style(name) if name.endswith(".css") else name for name in ("report.css", *styles)]
    style = "\n".join(texts)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    filled: str = (
        _templates()
        .get_template(template)
        .render(
            **content,
            style=Markup(style),  # noqa: S704 - files of ours
            policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        )
    )
    return filled


def _style(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
