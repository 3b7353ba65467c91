"""How the page answers: read-only, to this machine only, and so that nothing it shows can act.

What is shown is decided in `shelf`. A served file may hold anything that came out of data, so the browser is told to
run nothing of it, to guess no type and to let no other page see it. A name that another site gives this address (DNS
rebinding) is refused by the Host header.
"""

import html
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import PurePosixPath
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import iterate_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cpg1_assets.home import Home
from cpg1_assets.served.shelf import EVIDENCE, REPORTS, Entry, NotShownError, Shelf
from cpg1_assets.settings import Settings

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_TEXT = "text/plain; charset=utf-8"
_CHUNK = 1 << 16
_GUARDS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; sandbox"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_STYLE = (
    ":root{color-scheme:light dark;background:Canvas}"  # of the root: the ground behind all follows it
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;overflow-wrap:anywhere}"
    "li.not{opacity:.8}"
)


def page_of(settings: Settings) -> Starlette:
    """Make the page of the home that `settings` name."""
    shelf = Shelf(Home(settings))

    def front(_request: Request) -> Response:
        listed = "".join(f"<li>{_link([month], month)}</li>" for month in shelf.months())
        return _html(
            "Reports and evidence", settings, f"<ul>{listed or '<li>No month is closed yet.</li>'}</ul>"
        )

    def of_month(request: Request) -> Response:
        month = str(request.path_params["month"])
        if month not in shelf.months():
            raise NotShownError("There is nothing of this month.")
        parts = [_section(shelf, [root, month]) for root in (REPORTS, EVIDENCE)]
        return _html(month, settings, "".join(parts))

    def of_file(request: Request) -> Response:
        parts = [str(request.path_params["root"]), *str(request.path_params["path"]).split("/")]
        if parts[-1] == "":
            return _html(parts[-2], settings, _section(shelf, parts[:-1]))
        return _file(shelf, parts)

    return Starlette(
        routes=[
            Route("/", front),
            Route("/{month}/", of_month),
            Route("/{root}/{path:path}", of_file),
        ],
        middleware=[Middleware(_Guarded, hosts=_hosts(settings))],
        exception_handlers={NotShownError: _not_shown},
    )


class _Guarded:
    """Answers only who asks this machine by its own name, only to look, and guards every answer."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        hosts = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = {name.encode(): value.encode() for name, value in _GUARDS.items()}
                kept = [pair for pair in message.get("headers", []) if pair[0].lower() not in said]
                message = {**message, "headers": [*kept, *said.items()]}
            await send(message)

        refusal = None
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            refusal = PlainTextResponse("Ask for 127.0.0.1.", 421)
        elif scope["method"] not in ("GET", "HEAD"):
            refusal = PlainTextResponse("This page is for looking only.", 405, {"allow": "GET, HEAD"})
        await (refusal or self._app)(scope, receive, guarded)


def _hosts(settings: Settings) -> frozenset[str]:
    return frozenset(f"{name}:{settings.page_port}" for name in ("127.0.0.1", "localhost"))


def _not_shown(_request: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error), 404)


def _file(shelf: Shelf, parts: Sequence[str]) -> Response:
    stack = ExitStack()
    file, size = stack.enter_context(shelf.opened(parts))

    def content() -> Iterator[bytes]:
        with stack:
            while chunk := file.read(_CHUNK):
                yield chunk

    kind = _TYPES.get(PurePosixPath(parts[-1]).suffix, _TEXT)
    how = "attachment" if kind not in (_TEXT, _TYPES[".html"]) else "inline"
    return StreamingResponse(
        iterate_in_threadpool(content()),
        headers={
            "content-type": kind,
            "content-length": str(size),
            "content-disposition": f"{how}; filename*=UTF-8''{quote(parts[-1], safe='')}",
        },
    )


def _section(shelf: Shelf, parts: Sequence[str]) -> str:
    try:
        entries = shelf.listed(parts)
    except NotShownError:
        if len(parts) > 2:  # noqa: PLR2004 - a root and a month: the one may have what the other lacks
            raise
        entries = []
    listed = "".join(_entry(parts, entry) for entry in entries)
    return f"<h2>{html.escape(' / '.join(parts))}</h2><ul>{listed or '<li>Nothing here.</li>'}</ul>"


def _entry(parts: Sequence[str], entry: Entry) -> str:
    if not entry.is_shown:
        return f'<li class="not">{html.escape(entry.name)} (rows: open it in the folder itself)</li>'
    name = f"{entry.name}/" if entry.is_folder else entry.name
    return f"<li>{_link([*parts, entry.name], name)}</li>"


def _link(parts: Sequence[str], name: str) -> str:
    address = "/".join(quote(part, safe="") for part in parts)
    folder = "/" if name.endswith("/") or len(parts) == 1 else ""
    return f'<a href="/{address}{folder}">{html.escape(name)}</a>'


def _html(title: str, settings: Settings, body: str) -> Response:
    shown = html.escape(f"{title} – {settings.books}" + (f" – {settings.scope}" if settings.scope else ""))
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{shown}</title>'
        # The empty icon keeps a browser from asking for one, which there is not.
        f'<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><style>{_STYLE}</style>'
        f'<main><h1>{shown}</h1><p><a href="/">All months</a></p>{body}</main></html>'
    )
