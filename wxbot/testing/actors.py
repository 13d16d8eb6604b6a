"""The people of a test: they scan, write, tap and leave, and read what the account replies."""

from dataclasses import dataclass, replace

from wxbot.emulator import wire
from wxbot.emulator.codes import Code
from wxbot.emulator.hand import Hand
from wxbot.emulator.judge import Article, Bubble
from wxbot.emulator.push import Delivery, Exchange
from wxbot.emulator.wire import Element


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a person reads: the answer to one delivery, or a service message.

    `kind` is the reply's kind (text, image, voice, video, music, news, transfer), `fault` for WeChat's
    notice that the account is out of order, or `nothing`. `is_repeat` marks the answer to a delivery of
    an event that had been delivered before. `status` is the HTTP status, None when nothing came back and
    for a service message.
    """

    kind: str
    text: str = ""
    media_id: str = ""
    title: str = ""
    description: str = ""
    url: str = ""
    articles: tuple[Article, ...] = ()
    is_repeat: bool = False
    status: int | None = None
    xml: str = ""
    reason: str = ""


class User:
    """A person with a phone. Each gesture returns what the person reads next, also as `last_reply`."""

    def __init__(self, hand: Hand, *, openid: str, name: str) -> None:
        self.name = name
        self.openid = openid
        self.replies: list[Said] = []
        self._hand = hand
        self._world = hand.world
        self._pushed: list[int] = []

    @property
    def last_reply(self) -> Said:
        """What this person read last; AssertionError when nothing was pushed for them yet."""
        assert self.replies, f"{self.name} has done nothing yet that the account could answer"
        return self.replies[-1]

    @property
    def messages(self) -> list[Said]:
        """The service messages that reached this person: late results and the rest of lists, oldest first."""
        with self._world.lock:
            entries = list(self._world.conversations[self.openid].entries)
        return [_read(entry.bubble) for entry in entries if entry.action == "message" and entry.bubble]

    @property
    def follows(self) -> bool:
        """Whether this person follows the account now."""
        return self._world.person(self.openid).state == "following"

    def scan(self, code: Code | str | int) -> Said:
        """Scan a code, or a code made for this scene; who does not follow does so on the way.

        A number makes a number code. An expired code shows nothing and pushes nothing.
        """
        self._pass_a_second()
        minted = code if isinstance(code, Code) else self._world.mint(code)
        scanned = self._hand.scan(self.openid, minted.ticket)
        if scanned.delivery is None:
            return self._read(Said(kind="nothing", reason=scanned.page))
        return self._took(scanned.delivery)

    def follow(self) -> Said:
        """Follow the account without a code."""
        self._pass_a_second()
        return self._took(self._hand.follow(self.openid))

    def unfollow(self) -> Said:
        """Stop following; nothing can be read afterwards."""
        self._pass_a_second()
        return self._took(self._hand.unfollow(self.openid))

    def say(self, text: str) -> Said:
        """Write a text to the account."""
        self._pass_a_second()
        return self._took(self._hand.say(self.openid, text))

    def tap(self, key: str) -> Said:
        """Tap the menu button with this key."""
        return self.push("CLICK", key)

    def send(self, kind: str, **fields: str | int) -> Said:
        """Send an ordinary message of any kind, with its own elements as WeChat names them."""
        self._pass_a_second()
        elements = tuple(Element(name, value) for name, value in fields.items())
        push = wire.message(
            self.openid, self._now(), msg_type=kind, msg_id=self._world.new_msg_id(), more=elements
        )
        return self._took(self._hand.push(push))

    def push(self, event: str, key: str = "", **fields: str | int) -> Said:
        """Let WeChat push any event in this person's name, with its own elements as WeChat names them."""
        self._pass_a_second()
        elements = tuple(Element(name, value) for name, value in fields.items())
        push = wire.event(self.openid, self._now(), name=event, key=key, more=elements)
        return self._took(self._hand.push(push))

    def redeliver(self) -> Said:
        """Let WeChat deliver the person's last event once more, as it does when an answer was lost."""
        assert self._pushed, f"{self.name} has done nothing yet that could be delivered again"
        delivery = self._hand.redeliver(self._pushed[-1])
        return self._read(_said(delivery.exchanges[-1]))

    def _took(self, delivery: Delivery) -> Said:
        self._pushed.append(max(self._world.deliveries))
        return self._read(_said(delivery.exchanges[-1]))

    def _read(self, said: Said) -> Said:
        self.replies.append(said)
        return said

    def _now(self) -> int:
        return self._world.clock.seconds()

    def _pass_a_second(self) -> None:
        # WeChat knows an event by its second: two gestures within one would be the same event twice.
        self._world.clock.offset_seconds += 1


def _said(exchange: Exchange) -> Said:
    verdict, bubble = exchange.verdict, exchange.verdict.bubble
    common = {"is_repeat": exchange.is_repeat, "status": exchange.status, "reason": verdict.reason}
    if bubble is None:
        kind = "fault" if verdict.outcome in ("fault", "failed") else "nothing"
        return Said(kind=kind, xml=verdict.reply_xml, **common)  # type: ignore[arg-type]
    return replace(_read(bubble), xml=verdict.reply_xml, **common)  # type: ignore[arg-type]


def _read(bubble: Bubble) -> Said:
    return Said(
        kind=bubble.kind,
        text=bubble.text,
        media_id=bubble.media_id,
        title=bubble.title,
        description=bubble.description,
        url=bubble.url,
        articles=bubble.articles,
    )
