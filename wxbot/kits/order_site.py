"""The site's own data on an order, over HTTP: signed, in bounded time, and by few threads at once."""

import base64
import binascii
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import datetime

from wxbot import clock
from wxbot.errors import WxbotError
from wxbot.kits.order_lookup import AskedOrder
from wxbot.webhooks.signing import signature
from wxbot.wechat.http import Http

SECRET_PREFIX = "whsec_"
SHORTEST_SECRET_BYTES = 24
LONGEST_ANSWER = 64 * 1024
MOST_AT_ONCE = 8
_CALL = "lookup of an order"
_GONE = (404, 410)


class NoAnswerError(WxbotError):
    """The site said nothing that can be used."""


class SiteLookup:
    """Asks `url`, which answers with a JSON object of what is known, or 404 for an order that is gone.

    A POST of `{"type": "order.lookup", "timestamp", "data": {"account", "order", "data"}}` with the headers
    and signature of Standard Webhooks. Nobody is named. When the site is slow, few handlers wait for it and
    the others go on at once: it must not take the threads from all other scans.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        seconds: float,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._url = url
        self._secret = secret
        self._http = Http(connect_seconds=seconds / 2, total_seconds=seconds)
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._now = now

    def __call__(self, asked: AskedOrder) -> Mapping[str, object] | None:
        """Return what the site knows, None for an order that is gone; raises NoAnswerError, ApiError."""
        if not self._places.acquire(blocking=False):
            raise NoAnswerError(f"{MOST_AT_ONCE} handlers wait for the site already")
        try:
            return self._asked(asked)
        finally:
            self._places.release()

    def _asked(self, asked: AskedOrder) -> Mapping[str, object] | None:
        at = int(self._now().timestamp())
        about = {"account": asked.account, "order": asked.number, "data": asked.data}
        body = json.dumps({"type": "order.lookup", "timestamp": clock.moment(at), "data": about}).encode()
        id = f"msg_{secrets.token_hex(16)}"
        headers = {
            "Content-Type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(body, id=id, at=at, keys=[self._secret]),
        }
        answer = self._http.send("POST", self._url, call=_CALL, body=body, headers=headers)
        if answer.status in _GONE:
            return None
        if answer.status != 200 or len(answer.content) > LONGEST_ANSWER:
            raise NoAnswerError(f"the site answered {answer.status}")
        return _object(answer.content)


def check_secret(secret: str) -> None:
    """Raise ValueError in the operator's words for what cannot sign."""
    try:
        size = len(base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if not secret.startswith(SECRET_PREFIX) or size < SHORTEST_SECRET_BYTES:
        raise ValueError(
            f"lookup_secret must be {SECRET_PREFIX} and at least {SHORTEST_SECRET_BYTES} bytes in base64; "
            "make one with: python3 -c 'import base64, secrets; "
            'print("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())\''
        )


def _object(content: bytes) -> Mapping[str, object]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise NoAnswerError("the site answered with something other than a JSON object")
    return found
