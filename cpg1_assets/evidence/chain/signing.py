"""Ed25519 signatures over the digests of links. The library is imported only when a key is there to use.

A private key never appears in a repr, a log, an error or a file other than the one `keygen` makes.
"""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cpg1_assets.errors import EvidenceError, SettingsError, StorageError
from cpg1_assets.refusal import refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_RAW_BYTES = 32
_ID_DIGITS = 16
_FIELD = 2**255 - 19
_OF_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER = frozenset({0, 1, _FIELD - 1, _OF_ORDER_8, _FIELD - _OF_ORDER_8})
"""The y of the eight points of Ed25519 whose order divides 8: signatures that fit these can be made without any key."""


@dataclass(frozen=True)
class Signer:
    """A private key, known to others by its public key (base64) and that key's id."""

    key_id: str
    public_key: str
    _private: "Ed25519PrivateKey" = field(repr=False)

    def signature(self, digest: str) -> dict[str, str]:
        """Sign the 32 bytes of a digest given in hexadecimal."""
        signed = self._private.sign(bytes.fromhex(digest))
        return {
            "key_id": self.key_id,
            "public_key": self.public_key,
            "ed25519": base64.b64encode(signed).decode(),
        }


def open_signer(file: Path | None, text: str | None) -> Signer | None:
    """Read the key that is configured, from a file or as text; None where there is none.

    Raises SettingsError naming the setting, and EvidenceError when the signing library is not installed.
    """
    if file is not None and text is not None:
        raise SettingsError("CPG1_SIGNING_KEY_FILE and CPG1_SIGNING_KEY are both set: set one of them.")
    if file is not None:
        try:
            return _signer(file.read_bytes(), f"CPG1_SIGNING_KEY_FILE {file}")
        except OSError as error:
            raise SettingsError(
                f"CPG1_SIGNING_KEY_FILE {file} cannot be read ({error.strerror or error}). Make a key with: "
                "cpg1 evidence keygen --out FILE"
            ) from error
    return None if text is None else _signer(text.encode(), "CPG1_SIGNING_KEY")


def make_key(out: Path) -> Signer:
    """Make a key pair: the private key in the new file `out`, readable by its owner only, the public in `out`.pub.

    Raises StorageError when either is there already or cannot be written.
    """
    library = _library()
    private = library.ed25519.Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        library.serialization.Encoding.PEM,
        library.serialization.PrivateFormat.PKCS8,
        library.serialization.NoEncryption(),
    )
    public = private.public_key().public_bytes(
        library.serialization.Encoding.PEM, library.serialization.PublicFormat.SubjectPublicKeyInfo
    )
    beside = out.with_name(out.name + ".pub")
    if beside.exists() or beside.is_symlink():
        raise StorageError(f"{beside} is there already and is not overwritten: give another --out.")
    made: list[Path] = []
    for path, content, mode in ((out, pem, 0o600), (beside, public, 0o644)):
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            made.append(path)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError as error:
            raise StorageError(
                f"{path} is there already and is not overwritten: give another --out."
            ) from error
        except OSError as error:
            for half in made:
                half.unlink(missing_ok=True)
            raise refused(error, "The key", path) from error
    return _signer(pem, str(out))


def read_public_key(path: Path) -> str:
    """Read a public key (PEM, or one line of base64) and give it as base64. Raises EvidenceError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EvidenceError(f"The trusted key {path} cannot be read ({error.strerror or error}).") from error
    if b"PRIVATE KEY" in content:
        raise EvidenceError(
            f"{path} is a private key: keep it where only its owner can read it, and give its public key "
            "(the file .pub that keygen made beside it)."
        )
    raw = _raw(content)
    if raw is None:
        library = _library()
        try:
            key = library.serialization.load_pem_public_key(content)
            raw = key.public_bytes(library.serialization.Encoding.Raw, library.serialization.PublicFormat.Raw)
        except (ValueError, TypeError, library.unsupported) as error:
            raise EvidenceError(f"{path} is not an Ed25519 public key.") from error
        if len(raw) != _RAW_BYTES or not isinstance(key, library.ed25519.Ed25519PublicKey):
            raise EvidenceError(f"{path} is not an Ed25519 public key.")
    if not _is_held(raw):
        raise EvidenceError(
            f"{path} is no key of anybody's: signatures that fit it can be made without a key."
        )
    return base64.b64encode(raw).decode()


def key_id(public_key: str) -> str:
    """Give the short name of a public key (base64): the first 16 digits of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(base64.b64decode(public_key)).hexdigest()[:_ID_DIGITS]


def is_public_key(said: object) -> bool:
    """Whether a value is a public key as this software writes it, and one that somebody can hold the private key of."""
    raw = _raw(said.encode()) if isinstance(said, str) and said.isascii() else None
    return raw is not None and base64.b64encode(raw).decode() == said and _is_held(raw)


def is_signed(digest: str, signature: dict[str, str] | Any) -> bool:  # noqa: ANN401
    """Whether a link's signature is that of the public key it names. Raises EvidenceError without the library."""
    library = _library()
    try:
        public_key, signed = signature["public_key"], signature["ed25519"]
        raw, signed_bytes = (base64.b64decode(text, validate=True) for text in (public_key, signed))
        # Base64 may end in bits that mean nothing: only the one way we write it is a signature of ours.
        if [base64.b64encode(part).decode() for part in (raw, signed_bytes)] != [public_key, signed]:
            return False
        if signature.keys() != {"key_id", "public_key", "ed25519"} or signature["key_id"] != key_id(
            public_key
        ):
            return False
        if not _is_held(raw):
            return False
        library.ed25519.Ed25519PublicKey.from_public_bytes(raw).verify(signed_bytes, bytes.fromhex(digest))
    except (KeyError, ValueError, binascii.Error, library.invalid):
        return False
    return True


def _is_held(public_key: bytes) -> bool:
    """Whether the 32 bytes of a public key can be those of a private one, which signs what others cannot."""
    y = int.from_bytes(public_key, "little") & (2**255 - 1)
    return y < _FIELD and y not in _SMALL_ORDER


def _signer(content: bytes, where: str) -> Signer:
    library = _library()
    raw = _raw(content)
    try:
        if raw is not None:
            private = library.ed25519.Ed25519PrivateKey.from_private_bytes(raw)
        else:
            private = library.serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, library.unsupported):
        private = None
    if not isinstance(private, library.ed25519.Ed25519PrivateKey):
        # Without the cause: its text might quote the key.
        raise SettingsError(
            f"{where} is not an Ed25519 private key (PEM without a password, or 32 bytes in base64). "
            "Make one with: cpg1 evidence keygen --out FILE"
        ) from None
    public = base64.b64encode(
        private.public_key().public_bytes(
            library.serialization.Encoding.Raw, library.serialization.PublicFormat.Raw
        )
    ).decode()
    return Signer(key_id(public), public, private)


def _raw(content: bytes) -> bytes | None:
    """Give the 32 bytes that a single line of base64 stands for; None when it is not that."""
    try:
        raw = base64.b64decode(content.strip(), validate=True)
    except (ValueError, binascii.Error):
        return None
    return raw if len(raw) == _RAW_BYTES else None


def _library() -> "_Library":
    try:
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # noqa: PLC0415 - only with a key
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415
    except ImportError as error:
        raise EvidenceError(
            "Signatures need the library cryptography. Install it with: pip install 'cpg1-assets[signing]'"
        ) from error
    return _Library(ed25519, serialization, InvalidSignature, UnsupportedAlgorithm)


@dataclass(frozen=True)
class _Library:
    ed25519: Any
    serialization: Any
    invalid: Any
    unsupported: Any
