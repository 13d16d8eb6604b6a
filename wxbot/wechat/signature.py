"""WeChat's signature: SHA-1 over the sorted parts, without anything between them."""

import hashlib
import hmac


def sign(*parts: str) -> str:
    """Return the signature of the parts, in any order, as 40 hex digits.

    Since nothing separates the parts, one signature fits several ways to cut them: check their formats first.
    """
    joined = "".join(sorted(parts)).encode("utf-8")
    return hashlib.sha1(joined, usedforsecurity=False).hexdigest()


def matches(signature: str, *parts: str) -> bool:
    """Tell in constant time whether a signature is that of the parts; what cannot be encoded never is."""
    try:
        return hmac.compare_digest(signature.encode("utf-8"), sign(*parts).encode("ascii"))
    except UnicodeEncodeError:
        return False
