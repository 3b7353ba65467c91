"""A time-stamping authority for tests, as `openssl ts` runs one; and replies that none gives, made by hand."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING
CODE_SIGNING = ExtendedKeyUsageOID.CODE_SIGNING
_WHAT_IT_SAYS = "1.2.840.113549.1.9.16.1.4"
_CONFIGURATION = """
[tsa]
default_tsa = here
[here]
serial = {serial}
default_policy = 1.2.3.4.1
digests = {digests}
signer_digest = sha256
ess_cert_id_alg = sha256
tsa_name = yes
"""


@dataclass(frozen=True)
class Certified:
    """A certificate and its key, in files."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    path: Path

    @property
    def key_path(self) -> Path:
        """Where the key is."""
        return self.path.with_suffix(".key")


class Authority:
    """A root, and what it certifies, in a folder."""

    def __init__(self, folder: Path) -> None:
        """Make the root, `root.pem`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.root = self.certify("root", is_authority=True)
        self.signer = self.certify("signer", self.root)

    def certify(
        self,
        name: str,
        issuer: Certified | None = None,
        *,
        is_authority: bool = False,
        usages: Sequence[ObjectIdentifier] = (TIME_STAMPING,),
        critical: bool = True,
        valid: tuple[timedelta, timedelta] = (timedelta(hours=-1), timedelta(days=1)),
    ) -> Certified:
        """Make a certificate and its key; `valid` is from when to when, from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if issuer is None else issuer.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + valid[0])
            .not_valid_after(now + valid[1])
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if usages and not is_authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=critical)
        certificate = builder.sign(key if issuer is None else issuer.key, hashes.SHA256())
        path = self.folder / f"{name}.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        made = Certified(certificate, key, path)
        made.key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return made

    def reply(
        self,
        query: bytes,
        signer: Certified | None = None,
        *,
        chain: Sequence[Certified] = (),
        digests: str = "sha256, sha512",
    ) -> bytes:
        """Reply to a query, as `openssl ts -reply` does; `chain` are certificates that go with the reply."""
        by = signer or self.signer
        serial = self.folder / "serial"
        if not serial.exists():
            serial.write_text("01\n")
        (self.folder / "ts.cnf").write_text(_CONFIGURATION.format(serial=serial, digests=digests))
        (self.folder / "asked.tsq").write_bytes(query)
        more = []
        if chain:
            together = self.folder / "chain.pem"
            together.write_bytes(b"".join(each.path.read_bytes() for each in chain))
            more = ["-chain", str(together)]
        self._openssl(
            "ts", "-reply", "-config", "ts.cnf", "-section", "here", "-queryfile", "asked.tsq",
            "-signer", str(by.path), "-inkey", str(by.key_path), "-out", "made.tsr", *more,
        )  # fmt: skip
        return (self.folder / "made.tsr").read_bytes()

    def signed_by(self, reply: bytes, signer: Certified) -> bytes:
        """Sign what a reply says by another certificate: also one that `openssl ts` would not sign by."""
        (self.folder / "made.tsr").write_bytes(reply)
        self._openssl("ts", "-reply", "-in", "made.tsr", "-token_out", "-out", "token.der")
        self._openssl("cms", "-verify", "-noverify", "-inform", "DER", "-in", "token.der", "-out", "said.der")
        self._openssl(
            "cms", "-sign", "-cades", "-nodetach", "-binary", "-outform", "DER", "-md", "sha256",
            "-econtent_type", _WHAT_IT_SAYS, "-in", "said.der",
            "-signer", str(signer.path), "-inkey", str(signer.key_path), "-out", "token.der",
        )  # fmt: skip
        token = (self.folder / "token.der").read_bytes()
        granted = bytes.fromhex("3003020100")
        return b"\x30\x82" + len(granted + token).to_bytes(2) + granted + token

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, check=True)
