"""Seals what is secret before it is stored: AES-256-GCM with keys made from `secret_key`."""

import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class Seal:
    """Seals and opens for one purpose; what was sealed for another one does not open."""

    def __init__(self, keys: Sequence[str], *, purpose: str) -> None:
        """Take the secret keys, newest first: the first one seals, all of them open."""
        self._ciphers = [AESGCM(_derived(key, purpose)) for key in keys]

    def close(self, plain: str, *, about: str) -> bytes:
        """Return the sealed text. `about` is not stored; opening needs the same one."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, plain.encode("utf-8"), about.encode("utf-8"))

    def open(self, sealed: bytes, *, about: str) -> str | None:
        """Return the text, or None when it cannot be opened: another key, another thing, or damage."""
        for cipher in self._ciphers:
            try:
                plain = cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], about.encode("utf-8"))
            except (InvalidTag, ValueError):
                continue
            return plain.decode("utf-8")
        return None


def _derived(key: str, purpose: str) -> bytes:
    made = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"wxbot {purpose}".encode())
    return made.derive(key.encode("utf-8"))
