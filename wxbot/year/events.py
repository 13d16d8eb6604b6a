"""The rows of events: what WeChat told of people, and what the bot made of it."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from wxbot.channels.people import COUNTED
from wxbot.events.rows import State, dump
from wxbot.followers import person
from wxbot.jobs.outbox import derived_id
from wxbot.outcome import Status
from wxbot.wechat.parse import digest_of
from wxbot.wechat.replies import ACK, Acknowledgement, Reply, Text
from wxbot.year.codes import scene_of
from wxbot.year.lives import Kind, Moment
from wxbot.year.places import SCENE_PREFIX, Place
from wxbot.year.plan import Plan

EVENT = (
    *("key", "account", "person", "kind", "scene", "created_at", "recorded_at", "state", "run"),
    *("outcome", "handler", "detail", "seconds", "reply"),
)
JOB = (
    *("id", "account", "name", "arguments", "event_key", "person", "state", "attempts"),
    *("run_at", "dispatched_at", "created_at", "finished_at"),
)
# When it was recorded, which person, what, where or which code, how late it was, and how it went.
_RECORD = struct.Struct(">IIBHHB")
RECORD_BYTES = _RECORD.size
_NO_PLACE = 0xFFFF

# One in so many comes after its time: WeChat delivered it again, or the database was away.
_LATE = 0.002
_LATEST_SECONDS = 3 * 3600
# How things went wrong, in thousandths of the events that somebody answers.
_FAILED = 6
_SLOW = 5
_ENDINGS = (Status.HANDLED, Status.UNMATCHED, Status.FAILED, Status.LATE)

_FOLLOW_NAMES = {Kind.FOLLOW: "subscribe", Kind.FOLLOW_SCAN: "subscribe", Kind.UNFOLLOW: "unsubscribe"}
_SCAN_NAMES = {Kind.SCAN: "SCAN", Kind.ORDER: "SCAN", Kind.LINK: "SCAN"}
_NAMES = {**_FOLLOW_NAMES, **_SCAN_NAMES, Kind.CLICK: "CLICK", Kind.TEXT: ""}
_HANDLERS = {
    Kind.CLICK: "menu.help_text",
    Kind.TEXT: "chat.help_text",
    Kind.ORDER: "order.bind",
    Kind.LINK: "link.scanned",
}
_MENU_KEY = "HELP"
_WELCOME = Text("欢迎关注山间茶铺。")
_TEXTS: dict[Kind, Reply | Acknowledgement] = {
    Kind.FOLLOW: _WELCOME,
    Kind.UNFOLLOW: ACK,
    Kind.CLICK: Text("营业时间 10:00–21:00，回复“帮助”看更多。"),
    Kind.TEXT: Text("您好，店里的同事会尽快回复您。"),
    Kind.ORDER: Text("订单已绑定，发货后会在这里通知您。"),
    Kind.LINK: Text("请回复页面上的数字，完成绑定。"),
}
_FALLBACK = Text("收到，请稍后再试。")


def records(moments: Sequence[Moment], number: int, random: Random) -> Iterator[bytes]:
    """Yield what is kept of the events of a person until they are written; sorted, it is in their order."""
    for each in moments:
        if each.kind is Kind.UNCLAIMED:
            continue
        late = random.randrange(2)
        if random.random() < _LATE:
            late = random.randrange(5, _LATEST_SECONDS)
        where = each.place.number if each.place else each.code if each.kind in _HANDLERS else _NO_PLACE
        yield _RECORD.pack(each.at + late, number, each.kind, where, late, _ending(random, each.kind))


@dataclass
class Events:
    """Makes rows of records."""

    plan: Plan
    places: Sequence[Place]
    _replies: dict[object, str] = field(default_factory=dict)

    def row(self, record: bytes) -> tuple[object, ...]:
        """Return the row of a record, with the columns of EVENT."""
        recorded_at, number, kind_number, where, late, ending = _RECORD.unpack(record)
        kind, account = Kind(kind_number), self.plan.account
        openid, status = self.plan.openid(number), _ENDINGS[ending & 3]
        place = self.places[where] if kind in (Kind.FOLLOW_SCAN, Kind.SCAN) else None
        scene = place.scene if place else None
        if kind in (Kind.ORDER, Kind.LINK):
            scene = scene_of(self.plan, number, where, kind=kind)
        created_at = recorded_at - late
        key = self._key(openid, created_at, kind, scene)
        handler = f"channels.{place.name}" if place else _HANDLERS.get(kind, "")
        return (
            *(key, account, person(account, openid), _NAMES[kind].lower() or "text", scene),
            *(created_at, recorded_at, State.DONE.value, key, status.value),
            handler if status is not Status.UNMATCHED else "",
            f"{handler}: TimeoutError" if status is Status.FAILED else "",
            _seconds(ending >> 2, status),
            self._reply(kind, place, status),
        )

    def _key(self, openid: str, created_at: int, kind: Kind, scene: str | None) -> bytes:
        """Return the key under which WeChat's repeat of the event would be found."""
        name, key = _NAMES[kind], scene or ""
        if kind is Kind.FOLLOW_SCAN:
            key = f"qrscene_{scene}"
        elif kind is Kind.CLICK:
            key = _MENU_KEY
        msg_type, msg_id = ("event", "") if name else ("text", str(23_000_000_000_000_000 + created_at))
        return digest_of(self.plan.account, openid, str(created_at), msg_type, name.lower(), key, msg_id)

    def _reply(self, kind: Kind, place: Place | None, status: Status) -> str:
        about = (kind, place.number if place else None, status)
        if about not in self._replies:
            said = reply_of(place, is_new=kind is Kind.FOLLOW_SCAN) if place else _TEXTS[kind]
            self._replies[about] = dump(_FALLBACK if status is Status.FAILED else said)
        return self._replies[about]


def job_of(event: Sequence[object]) -> tuple[object, ...] | None:
    """Return the row of the note that an event's scan was counted, with the columns of JOB; None for others.

    Such notes are kept as long as any finished job.
    """
    key, account, who, _, scene, _, recorded_at = event[:7]
    assert isinstance(key, bytes)
    if not isinstance(scene, str) or not scene.startswith(SCENE_PREFIX):
        return None
    times = (recorded_at,) * 4
    return (derived_id(key, b"channel"), account, COUNTED, "{}", key, who, "done", 0, *times)


def reply_of(place: Place, *, is_new: bool) -> Text:
    """Return what a channel says."""
    return Text(f"欢迎来到山间茶铺 · {place.title}" if is_new else f"又见面了，{place.title}")


def _seconds(draw: int, status: Status) -> float:
    """Return how long a handler took, from half a millisecond to seconds; few digits, as MySQL keeps few."""
    return float(f"{0.0004 * 1.03**draw * (4000 if status is Status.LATE else 1):.4g}")


def _ending(random: Random, kind: Kind) -> int:
    """Return how an event went, in two bits, and how long it took, in six."""
    took = random.randrange(64) << 2
    if kind in (Kind.FOLLOW, Kind.UNFOLLOW):
        return took | _ENDINGS.index(Status.UNMATCHED)
    draw = random.randrange(1000)
    if draw < _FAILED + _SLOW:
        return took | _ENDINGS.index(Status.FAILED if draw < _FAILED else Status.LATE)
    return took
