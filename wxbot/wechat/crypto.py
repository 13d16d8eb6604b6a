"""WeChat's encryption: AES-256-CBC around random bytes, the length, the document and the appid."""

import base64
import binascii
import hmac
import re
import secrets

from cryptography.hazmat.primitives import ciphers
from cryptography.hazmat.primitives.ciphers import algorithms, modes

from wxbot.errors import ForbiddenError

# PKCS#7, but in blocks twice as long as those of AES.
_BLOCK = 32
_HEAD = 16 + 4
_AES_KEY = re.compile("[0-9A-Za-z]{43}")


class Cipher:
    """Encrypts and decrypts for one account; threads may share it."""

    def __init__(self, aes_key: str, appid: str) -> None:
        """Take the 43 characters of the EncodingAESKey; ValueError for another form or an empty appid."""
        if _AES_KEY.fullmatch(aes_key) is None:
            raise ValueError("the EncodingAESKey must have exactly 43 characters of A-Z, a-z and 0-9")
        if not appid:
            raise ValueError("the appid must not be empty")
        # 43 characters hold two bits more than the key has; the lenient decoder drops them as WeChat does.
        key = base64.b64decode(aes_key + "=")
        self._appid = appid.encode("utf-8")
        self._cipher = ciphers.Cipher(algorithms.AES(key), modes.CBC(key[:16]))

    def encrypt(self, plain: bytes, *, random: bytes | None = None) -> str:
        """Return the base64 text for an `<Encrypt>` element.

        `random` replaces the 16 random bytes, to reproduce known ciphertexts.
        """
        # WeChat's own 16 bytes are hex digits, so nobody can take them for text of another kind.
        head = secrets.token_hex(8).encode("ascii") if random is None else random
        if len(head) != 16:
            raise ValueError("random must have 16 bytes")
        filled = head + len(plain).to_bytes(4, "big") + plain + self._appid
        pad = _BLOCK - len(filled) % _BLOCK
        encryptor = self._cipher.encryptor()
        encrypted = encryptor.update(filled + bytes([pad]) * pad) + encryptor.finalize()
        return base64.b64encode(encrypted).decode("ascii")

    def decrypt(self, text: str) -> bytes:
        """Return the document inside the text of an `<Encrypt>` element.

        Raises ForbiddenError for whatever is wrong with it, the same for everything.
        """
        try:
            encrypted = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
        except (ValueError, binascii.Error):
            raise ForbiddenError("ciphertext") from None
        if not encrypted or len(encrypted) % _BLOCK:
            raise ForbiddenError("ciphertext")
        decryptor = self._cipher.decryptor()
        return self._unwrap(decryptor.update(encrypted) + decryptor.finalize())

    def _unwrap(self, filled: bytes) -> bytes:
        """Check every byte that is not the document's: padding, length and appid."""
        pad = filled[-1]
        if not 1 <= pad <= _BLOCK or not hmac.compare_digest(filled[-pad:], bytes([pad]) * pad):
            raise ForbiddenError("ciphertext")
        content = filled[:-pad]
        end = _HEAD + int.from_bytes(content[16:_HEAD], "big")
        if len(content) < _HEAD or end > len(content):
            raise ForbiddenError("ciphertext")
        if not hmac.compare_digest(content[end:], self._appid):
            raise ForbiddenError("ciphertext")
        return content[_HEAD:end]
