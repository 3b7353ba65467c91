"""How far one gets to a server without a driver: is its name known, does its port take connections.

A driver takes an unknown name, a closed port and a silent server for one and the same: a login that took too
long. The network itself tells them apart. Nothing is sent.
"""

import socket

from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.deadline import DeadlinePassedError, OneThread

_USUAL_PORT = 1433
_CONNECT_SECONDS = 5.0
_ALL_SECONDS = 20.0
_HERE = (".", "(local)")


def how_far(given: ConnectionString) -> str | None:
    """Say in half a sentence what the network says; None where no machine is named, or not one reached by TCP."""
    named = given.named_server
    if named is None:
        return None
    protocol, colon, rest = named.partition(":")
    if colon and protocol.strip().lower() in ("tcp", "admin", "np", "lpc"):
        named = rest
        if protocol.strip().lower() in ("np", "lpc"):
            return None
    machine, comma, port = named.rpartition(",")
    machine, _, instance = (machine if comma else port).strip().partition("\\")
    if machine.lower().startswith("(localdb)") or (comma and not port.strip().isdigit()):
        return None
    number = int(port) if comma else None if instance else _USUAL_PORT
    thread = OneThread("cpg1-assets doctor network")
    try:
        return thread.run(lambda: _tried("localhost" if machine in _HERE else machine, number), _ALL_SECONDS)
    except DeadlinePassedError as late:
        return f"the network does not answer ({late})"
    finally:
        thread.close()


def _tried(machine: str, port: int | None) -> str:
    """Look up `machine`, then connect to `port`; without one only the server's browser service knows the port."""
    try:
        socket.getaddrinfo(machine, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return f"this machine cannot find {machine} ({getattr(error, 'strerror', None) or 'no such name'})"
    if port is None:
        return f"this machine finds {machine}; which port the instance has, only SQL Server Browser there tells (UDP 1434)"
    try:
        socket.create_connection((machine, port), _CONNECT_SECONDS).close()
    except ConnectionRefusedError:
        return f"nothing listens on port {port} of {machine}"
    except TimeoutError:
        return f"nothing comes back from {machine}, port {port}: the machine is off, or a firewall drops what is sent"
    except OSError as error:
        return f"port {port} of {machine} cannot be reached ({error.strerror})"
    return f"port {port} of {machine} takes connections, so what listens there does not answer as a SQL Server does"
