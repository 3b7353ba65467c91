"""Ports of this machine that answer as a test wants, and a network to be cut or silenced after so many bytes."""

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@contextlib.contextmanager
def answering(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Give a port of which every connection is given to `talk`, in a thread of its own, until the block is left.

    Then every connection is ended and every thread waited for, so that nothing of one test is left for another.
    """
    begun: list[tuple[threading.Thread, socket.socket]] = []
    over = threading.Event()

    def answer(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            talk(client)

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while not over.is_set():
                client, _ = listener.accept()
                thread = threading.Thread(target=answer, args=(client,), daemon=True)
                begun.append((thread, client))
                thread.start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=serve, args=(listener,), daemon=True)
        serving.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            serving.join()
            for thread, client in begun:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
                thread.join()


def closes(client: socket.socket) -> None:
    """End the connection as a server does that ends."""
    client.close()


def resets(client: socket.socket) -> None:
    """End the connection as a firewall does: what is on its way is not delivered."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def falls_silent(client: socket.socket) -> None:
    """Say nothing more, and keep the connection until the other side or the test ends it."""
    while client.recv(65536):
        pass


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
        with answering(self._pass_on) as self.port:
            yield self

    def _pass_on(self, near: socket.socket) -> None:
        passed = 0
        with socket.create_connection(("127.0.0.1", self.target)) as far:
            while True:
                for ready in select.select([near, far], [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    if ready is far:
                        left = len(data) if self.limit is None else self.limit - passed
                        passed += len(data)
                        near.sendall(data[:left])
                        if left < len(data):
                            (resets if self.cuts else falls_silent)(near)
                            return
                    else:
                        far.sendall(data)
