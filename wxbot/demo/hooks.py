"""Webhooks as a site receives them: the signature of the Standard Webhooks specification, then the news."""

import base64
import hmac
import json
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

from werkzeug.datastructures import Headers

from wxbot import clock

WINDOW_SECONDS = 300
KEPT_IDS = 1000


class BadHookError(Exception):
    """A request that is not the bot's, or no longer."""


class Hooks:
    """Opens webhooks with the secret that the bot gave for them; until there is one, none is good."""

    def __init__(self, *, now: Callable[[], datetime] = clock.now) -> None:
        self.secret = ""
        self._now = now
        self._seen: deque[str] = deque(maxlen=KEPT_IDS)
        self._lock = threading.Lock()

    def open(self, headers: Headers, body: bytes) -> dict[str, Any] | None:
        """Return the news, None for one that came before; raises BadHookError."""
        id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not self.secret or not id or not at.isdecimal():
            raise BadHookError("what belongs to a webhook is missing")
        if abs(self._now().timestamp() - int(at)) > WINDOW_SECONDS:
            raise BadHookError("the webhook is too old")
        wanted = self._signature(id, at, body)
        given = headers.get("webhook-signature", "").split()
        # While a secret is exchanged for another one, there are two signatures.
        if not any(hmac.compare_digest(each.encode(), wanted) for each in given):
            raise BadHookError("the signature is wrong")
        with self._lock:
            if id in self._seen:
                return None
            self._seen.append(id)
        news: dict[str, Any] = json.loads(body)
        return news

    def _signature(self, id: str, at: str, body: bytes) -> bytes:
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        mac = hmac.digest(key, f"{id}.{at}.".encode() + body, "sha256")
        return b"v1," + base64.b64encode(mac)
