"""A bot that has been at work: events, jobs, claims, webhooks and numbers, with the texts of a test's own."""

import json
import secrets
from collections.abc import Iterator
from html.parser import HTMLParser

from sqlalchemy import Engine, insert

from wxbot.bindings.claim import Offer
from wxbot.db.business import webhook_attempts, webhook_deliveries
from wxbot.db.models import events, jobs
from wxbot.testing import Wx
from wxbot.webhooks.webhook import Draft

PERSON = b"ailin's digest.."
OPENID = "oAilinsOpenId0000000000000001"
AT = 1_790_000_000


class Work:
    """Writes what a bot would have written."""

    def __init__(self, wx: Wx) -> None:
        self.wx = wx
        self.engine: Engine = wx.bot.engine
        self._number = 0

    def event(self, **values: object) -> str:
        """Record an event, each a second after the one before; return its id."""
        self._number += 1
        row = {
            "key": secrets.token_bytes(16),
            "account": "default",
            "person": PERSON,
            "kind": "scan",
            "scene": "vip",
            "created_at": AT + self._number,
            "recorded_at": AT + self._number,
            "state": "done",
            "run": b"r" * 16,
            "outcome": "handled",
            "handler": "shop.vip",
            "detail": "",
            "seconds": 0.012,
            "reply": json.dumps({"type": "text", "content": "欢迎"}),
            **values,
        }
        with self.engine.begin() as connection:
            connection.execute(insert(events).values(row))
        return str(row["key"].hex()[:16])  # type: ignore[attr-defined]

    def job(self, **values: object) -> str:
        """Write a dead job; return its id."""
        self._number += 1
        row = {
            "id": secrets.token_bytes(16),
            "account": "default",
            "name": "shop.notify",
            "arguments": json.dumps({"openid": OPENID}),
            "state": "dead",
            "attempts": 5,
            "run_at": AT + self._number,
            "created_at": AT,
            "finished_at": AT + self._number,
            "detail": "ValueError",
            **values,
        }
        with self.engine.begin() as connection:
            connection.execute(insert(jobs).values(row))
        return str(row["id"].hex())  # type: ignore[attr-defined]

    def claim(self, subject: str, *, purpose: str = "order", is_claimed: bool = True) -> str:
        """Make a claim, and let Ailin take it; return its id."""
        claims = self.wx.bot.claims
        made = claims.make(Offer(account="default", purpose=purpose, subject=subject, made_by="key"))
        if is_claimed:
            claims.claim("default", made.scene, OPENID)
        return made.id.hex()

    def webhook(self, description: str) -> str:
        """Make a webhook; return its id."""
        url = "https://shop.example.com/hooks/very-secret-path?token=hush"
        return self.wx.bot.hooks.webhooks.add(Draft(url=url, description=description)).webhook.id

    def delivery(self, webhook: str, detail: str, *, state: str = "dead") -> str:
        """Write a delivery with one attempt; return its id."""
        self._number += 1
        id = secrets.token_bytes(16)
        row = {"id": id, "webhook": webhook, "account": "default", "kind": "scan", "person": PERSON}
        times = {"created_at": AT + self._number, "finished_at": AT + self._number}
        tried = {"delivery": id, "number": 1, "at": AT, "seconds": 0.2, "status": 500, "detail": detail}
        with self.engine.begin() as connection:
            connection.execute(
                insert(webhook_deliveries).values(row | times | {"body": "{}", "state": state, "attempts": 1})
            )
            connection.execute(insert(webhook_attempts).values(tried))
        return id.hex()


class _Elements(HTMLParser):
    """Collects the elements of a page: their names and those of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.found.append((tag, tuple(name for name, _ in attrs)))


def elements(html: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the elements of a page with the names of their attributes, in order."""
    parser = _Elements()
    parser.feed(html)
    return parser.found


def fill(work: Work, texts: list[str]) -> Iterator[str]:
    """Put each text wherever somebody else's may stand; yield the pages that show it."""
    hook = ""
    for text in texts:
        line = "".join(char for char in text if char.isprintable()).strip() or "x"
        reply = {"type": "news", "articles": [{"title": text, "description": text}]}
        id = work.event(
            scene=text, handler=line[:128], detail=line, outcome="failed", reply=json.dumps(reply)
        )
        yield f"/admin/events/{id}"
        yield f"/admin/jobs/{work.job(name=line[:128], detail=line)}"
        yield f"/admin/claims/{work.claim(line[:128])}"
        hook = work.webhook(line[:64])
        yield f"/admin/webhooks/{hook}/{work.delivery(hook, line)}"
        yield f"/admin/webhooks/{hook}"
        number = work.wx.bot.numbers.take("default", line[:64], line).number
        yield f"/admin/numbers/{number}"
    yield from ("/admin/events", "/admin/jobs", "/admin/claims", "/admin/webhooks", "/admin/numbers")
