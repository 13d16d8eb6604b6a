"""Signatures as the Standard Webhooks specification has them, so that any of its libraries can verify."""

import base64
import hmac
import secrets
from collections.abc import Sequence

_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """Return a new secret as the site's libraries take it."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def message_id(delivery: bytes) -> str:
    """Return the id under which the site knows a delivery: the same at every attempt."""
    return f"msg_{delivery.hex()}"


def signature(body: bytes, *, id: str, at: int, keys: Sequence[str]) -> str:
    """Return the value of `webhook-signature`: one signature for each secret that is good now.

    Neither id nor time has a dot: what is signed could be taken apart in one way only.
    """
    signed = f"{id}.{at}.".encode() + body
    return " ".join(f"v1,{_mac(key, signed)}" for key in keys)


def _mac(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
