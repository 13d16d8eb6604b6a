"""Scenes that cannot be guessed: the signature inside a `signed` capture."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence

MAC_LENGTH = 22


class SigningKeys:
    """The keys of one account, newest first; the older ones only recognise what was printed with them."""

    def __init__(self, account: str, keys: Sequence[bytes]) -> None:
        self._account = account
        self._keys = tuple(key for key in keys if key)

    def __repr__(self) -> str:
        """Say whose keys these are, and nothing of them."""
        return f"<SigningKeys of {self._account!r}>"

    def __bool__(self) -> bool:
        """Tell whether there is any key to sign with."""
        return bool(self._keys)

    def sign(self, rule: str, value: str) -> str:
        """Return the signature of a value under a rule: 22 characters of base64url."""
        return self._mac(self._keys[0], rule, value)

    def knows(self, mac: str, rule: str, value: str) -> bool:
        """Tell whether one of the keys made this signature, without telling by the time it takes which."""
        given = mac.encode("utf-8", "surrogatepass")
        found = [hmac.compare_digest(self._mac(key, rule, value).encode(), given) for key in self._keys]
        return any(found)

    def _mac(self, key: bytes, rule: str, value: str) -> str:
        # surrogatepass: what arrives may be any text, and two texts must never become the same bytes.
        signed = "\0".join((self._account, rule, value)).encode("utf-8", "surrogatepass")
        digest = hmac.new(key, signed, hashlib.sha256).digest()[:16]
        return urlsafe_b64encode(digest).decode().rstrip("=")
