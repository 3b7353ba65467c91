"""Serves the page until the process that started it ends: `python -m cpg1_assets.served`, which `cpg1 ui` does."""

import os
import socket
import sys
import threading
import time

import uvicorn

from cpg1_assets.errors import Cpg1Error, SettingsError
from cpg1_assets.served.page import page_of
from cpg1_assets.settings import Settings

_LOOK_SECONDS = 1.0


def serve(settings: Settings, parent: int) -> None:
    """Serve the page on 127.0.0.1 as long as the process `parent` lives. Raises SettingsError where its port is taken."""
    if settings.page_port is None:
        return
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", settings.page_port))
        except OSError as error:
            raise SettingsError(
                f"The page with reports and evidence cannot be served on port {settings.page_port} "
                f"({error.strerror or error}): set CPG1_PAGE_PORT to another one for this home. The UI works without it."
            ) from error
        config = uvicorn.Config(
            page_of(settings), log_level="error", server_header=False, proxy_headers=False,
            timeout_graceful_shutdown=5,
        )  # fmt: skip
        server = uvicorn.Server(config)

        def watch() -> None:
            while os.getppid() == parent:
                time.sleep(_LOOK_SECONDS)
            server.should_exit = True

        threading.Thread(target=watch, name="parent", daemon=True).start()
        server.run(sockets=[listening])


if __name__ == "__main__":
    try:
        serve(Settings.from_environment(), os.getppid())
    except Cpg1Error as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        pass
