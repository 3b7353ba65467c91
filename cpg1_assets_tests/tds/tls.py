"""Encryption as TDS has it: certificates made for a test, and the handshake inside PRELOGIN messages."""

import datetime as dt
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from cpg1_assets_tests.tds import wire


@dataclass(frozen=True)
class Certificate:
    """A key and a certificate, in memory and in files."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    key_file: Path
    certificate_file: Path

    def context(self) -> ssl.SSLContext:
        """Give what a server with this certificate encrypts with; TDS before 8 has nothing newer than TLS 1.2."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate_file, self.key_file)
        context.set_alpn_protocols(["tds/8.0"])
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context


def certificate(
    folder: Path,
    *names: str,
    addresses: tuple[str, ...] = (),
    issuer: Certificate | None = None,
    days: tuple[int, int] = (-1, 1),
) -> Certificate:
    """Make a certificate for `names` and IP `addresses`, issued by `issuer` or else by nobody but itself.

    It is valid for `days`, from and to, counted from now.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0] if names else "nobody")])
    now = dt.datetime.now(dt.UTC)
    others = [*map(x509.DNSName, names), *(x509.IPAddress(ipaddress.ip_address(a)) for a in addresses)]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=days[0]))
        .not_valid_after(now + dt.timedelta(days=days[1]))
        .add_extension(x509.SubjectAlternativeName(others), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .sign(key if issuer is None else issuer.key, hashes.SHA256())
    )
    stem = f"{made.serial_number:x}"
    key_file, certificate_file = folder / f"{stem}.key", folder / f"{stem}.pem"
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    certificate_file.write_bytes(made.public_bytes(Encoding.PEM))
    return Certificate(key, made, key_file, certificate_file)


class Encrypted:
    """A connection that was encrypted after PRELOGIN: what of a socket a TDS server uses."""

    def __init__(self, plain: socket.socket, context: ssl.SSLContext) -> None:
        """Shake hands, each side's part in messages of the kind PRELOGIN. Raises OSError."""
        self._plain = plain
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_side=True)
        line = wire.Wire(plain)
        while True:
            try:
                self._tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            if part := self._leaving.read():
                plain.sendall(wire.packet(wire.PRELOGIN, part))
            if done:
                return
            self._arrived.write(line.receive()[1])

    def recv(self, most: int) -> bytes:
        """Give what has arrived, at most so many bytes; none at the end."""
        while True:
            try:
                return self._tls.read(most)
            except ssl.SSLWantReadError:
                data = self._plain.recv(65536)
                if not data:
                    return b""
                self._arrived.write(data)

    def sendall(self, data: bytes) -> None:
        """Send."""
        self._tls.write(data)
        self._plain.sendall(self._leaving.read())
