"""The bot's HTTP API as a site calls it: one function a call, JSON in and out."""

import re
import secrets
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests

from wxbot import clock

Data = dict[str, Any]
# The bot may have several; this is the one that `wxbot dev` emulates.
ACCOUNT = "default"
TIMEOUT_SECONDS = 8
KEPT_EXCHANGES = 30
# Ids, and the tokens in scenes: whoever reads one before it is scanned could claim.
_LONG = re.compile(r"([A-Za-z0-9_-]{6})[A-Za-z0-9_-]{14,}")


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One call, or one webhook that came; for the page's look behind the scenes."""

    at: datetime
    kind: str
    text: str
    is_good: bool


class BotError(Exception):
    """A call that was not answered as asked; `status` is HTTP's, 0 when there was no answer."""

    def __init__(self, status: int, title: str) -> None:
        self.status = status
        super().__init__(title)


class Diary:
    """What passed between the shop and the bot, the newest first; for any number of threads."""

    def __init__(self) -> None:
        self._kept: deque[Exchange] = deque(maxlen=KEPT_EXCHANGES)
        self._lock = threading.Lock()

    def note(self, kind: str, text: str, *, is_good: bool) -> None:
        """Write one line, ids and tokens shortened; what repeats the last one does not get another."""
        text = _LONG.sub(r"\1…", text)
        with self._lock:
            if not self._kept or (self._kept[0].kind, self._kept[0].text) != (kind, text):
                self._kept.appendleft(Exchange(at=clock.now(), kind=kind, text=text, is_good=is_good))

    def lines(self) -> list[Exchange]:
        """Return all lines."""
        with self._lock:
            return list(self._kept)


class BotApi:
    """The calls that the shop makes. Each may raise BotError."""

    def __init__(self, url: str, key: str, diary: Diary) -> None:
        self._base = f"{url}/api/v1"
        self._key = key
        self._diary = diary

    def make_claim(self, purpose: str, subject: str, *, data: Data, seconds: int) -> Data:
        """Make a claim with its code: whoever scans it first has the subject."""
        body: Data = {"account": ACCOUNT, "purpose": purpose, "subject": subject, "data": data}
        body["expires_in"] = seconds
        # Who is linked to whom is for the links to say: an old code must not be in the way of a new one.
        body["is_exclusive"] = purpose != "link"
        return self._call("POST", "claims", json=body)

    def claim(self, id: str) -> Data:
        """Return a claim as it stands."""
        return self._call("GET", f"claims/{id}")

    def end_claim(self, id: str, *, how: str) -> Data:
        """Cancel, confirm or release a claim."""
        return self._call("POST", f"claims/{id}/{how}")

    def bindings(self, site_user: str) -> list[Data]:
        """Return which people are linked to a customer."""
        return list(
            self._call("GET", "bindings", params={"account": ACCOUNT, "site_user": site_user})["items"]
        )

    def unlink(self, site_user: str, account: str, person: str) -> None:
        """End the link between a customer and a person."""
        query = {"site_user": site_user, "account": account, "person": person}
        self._call("DELETE", "bindings", params=query)

    def link(self, site_user: str, token: str) -> None:
        """Link a customer to the person for whom a browser brought this token from WeChat."""
        self._call("POST", "bindings", json={"token": token, "site_user": site_user})

    def send_text(self, account: str, person: str, text: str) -> None:
        """Send somebody a service message, as soon as WeChat takes one."""
        message = {"type": "text", "content": text}
        self._call(
            "POST", "messages", json={"account": account, "to": {"person": person}, "message": message}
        )

    def subscribe(self, url: str, kinds: Sequence[str], name: str) -> str:
        """Let webhooks be sent to an address, in place of those of this name; return their secret."""
        for before in self._call("GET", "webhooks")["items"]:
            if before["description"] == name:
                self._call("DELETE", f"webhooks/{before['id']}")
        body = {"url": url, "kinds": list(kinds), "description": name}
        return str(self._call("POST", "webhooks", json=body)["secret"])

    def exchange_login(self, code: str, state: str) -> Data:
        """Return who has confirmed a login, for the code that their browser brought; once."""
        return self._call("POST", "logins/exchange", json={"code": code, "state": state})

    def _call(self, method: str, path: str, **more: Any) -> Data:
        headers = {"Authorization": f"Bearer {self._key}"}
        if method == "POST":
            headers["Idempotency-Key"] = secrets.token_hex(16)
        try:
            with requests.Session() as session:
                # A proxy of the environment is for the outside.
                session.trust_env = False
                answer = session.request(
                    method, f"{self._base}/{path}", headers=headers, timeout=TIMEOUT_SECONDS, **more
                )
                said = answer.json() if answer.content else {}
        except (requests.RequestException, ValueError) as error:
            self._diary.note("API", f"{method} /{path} · {type(error).__name__}", is_good=False)
            raise BotError(0, type(error).__name__) from None
        self._diary.note("API", f"{method} /{path} · {answer.status_code}", is_good=answer.ok)
        if not answer.ok:
            raise BotError(answer.status_code, str(said.get("title", "")))
        return dict(said)
