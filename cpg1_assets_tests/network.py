"""A network between the product and the server, to be cut or silenced after so many bytes."""

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Network:
    """A port that passes everything on to another, until `limit` bytes have come back from there.

    Then it `cuts` both sides as a firewall does, or else goes silent and keeps them open. None means no limit.
    """

    target: int
    limit: int | None = None
    cuts: bool = True
    port: int = 0

    @contextlib.contextmanager
    def running(self) -> Iterator["Network"]:
        """Listen until the block is left."""
        over = threading.Event()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
            threading.Thread(target=self._serve, args=(listener, over), daemon=True).start()
            try:
                yield self
            finally:
                over.set()

    def _serve(self, listener: socket.socket, over: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                threading.Thread(target=self._pass_on, args=(near, over), daemon=True).start()

    def _pass_on(self, near: socket.socket, over: threading.Event) -> None:
        passed = 0
        with near, socket.create_connection(("127.0.0.1", self.target)) as far, contextlib.suppress(OSError):
            while not over.is_set():
                for ready in select.select([near, far], [], [], 0.1)[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    if ready is far:
                        left = len(data) if self.limit is None else self.limit - passed
                        passed += len(data)
                        near.sendall(data[:left])
                        if left < len(data):
                            self._end(near, over)
                            return
                    else:
                        far.sendall(data)

    def _end(self, near: socket.socket, over: threading.Event) -> None:
        if self.cuts:
            # A reset: what is on its way is not delivered.
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            over.wait(60)
