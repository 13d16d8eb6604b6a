"""A channel as a value, what one may be made of, and how it is kept."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping

from wxbot.clock import LAST_MOMENT
from wxbot.errors import WxbotError
from wxbot.wechat.events import Scan
from wxbot.wechat.replies import (
    MAX_TEXT_BYTES,
    Acknowledgement,
    Article,
    Image,
    News,
    Reply,
    Text,
    from_data,
    printable,
    to_data,
)

LONGEST_WORD = 64
LONGEST_TAG = 30
_ADDRESS = re.compile("https?://[!-~]+")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ChannelError(WxbotError):
    """Something about channels or promoters that cannot be; the text says what, and what to do."""


class ChannelUnknownError(ChannelError):
    """There is no channel or promoter of this name."""


class ChannelTakenError(ChannelError):
    """A name or a scene belongs to another channel already."""


class ChannelRefusedError(ChannelError):
    """Values that a channel or promoter cannot have; `faults` says of each field what is wrong."""

    faults: Mapping[str, str]

    def __init__(self, faults: Mapping[str, str]) -> None:
        self.faults = dict(faults)
        super().__init__("; ".join(f"{name}: {text}" for name, text in faults.items()))


class State(StrEnum):
    """Where a channel stands; only a live one answers and tags. Each is counted."""

    LIVE = "live"
    NOT_BEGUN = "not_begun"
    OVER = "over"
    ARCHIVED = "archived"


@dataclass(frozen=True, kw_only=True)
class Details:
    """What can be said about a channel, and changed at any time.

    `reply` is for everybody who scans, unless they are new followers and `reply_new` is there. A channel
    without a reply leaves the answer to others, and counts and tags all the same. `starts_at` and `ends_at`
    are seconds since 1970 in UTC; at `ends_at` it is over.
    """

    title: str = ""
    owner: str | None = None
    promoter: str | None = None
    group: str | None = None
    reply: Reply | None = None
    reply_new: Reply | None = None
    tag: str | None = None
    starts_at: int | None = None
    ends_at: int | None = None


@dataclass(frozen=True, kw_only=True)
class Channel(Details):
    """A named place where a code hangs (a shop window, table 12). Times are seconds since 1970 in UTC."""

    account: str
    name: str
    scene: str
    created_at: int
    changed_at: int
    archived_at: int | None = None

    def state(self, at: int) -> State:
        """Return where it stands at this time."""
        if self.archived_at is not None and self.archived_at <= at:
            return State.ARCHIVED
        if self.starts_at is not None and at < self.starts_at:
            return State.NOT_BEGUN
        return State.OVER if self.ends_at is not None and self.ends_at <= at else State.LIVE

    def is_live(self, at: int) -> bool:
        """Say whether it answers, and tags for, what happens at this time."""
        return self.state(at) is State.LIVE

    def reply_to(self, scan: Scan) -> Reply | None:
        """Return what is said to whoever scans: people who follow for the first time may read another one."""
        return (self.reply_new if scan.is_new_follower else None) or self.reply


DETAILS = frozenset(each.name for each in fields(Details))


def check_name(name: str) -> dict[str, str]:
    """Return what is wrong with the name of a channel or promoter, under `name`."""
    if _NAME.fullmatch(name):
        return {}
    return {
        "name": f"{name[:70]!r} cannot be a name: use 1 to 64 letters, digits, _ or - (it goes into URLs)"
    }


def check(details: Details) -> dict[str, str]:
    """Return what is wrong with the details of a channel, by field."""
    faults = {
        "title": check_word(details.title),
        "owner": check_word(details.owner),
        "promoter": check_word(details.promoter),
        "group": check_word(details.group),
        "reply": _check_reply(details.reply),
        "reply_new": _check_reply(details.reply_new),
        "tag": check_word(details.tag, LONGEST_TAG),
        "starts_at": _check_moment(details.starts_at),
        "ends_at": _check_moment(details.ends_at) or _check_order(details),
    }
    return {name: text for name, text in faults.items() if text}


def check_word(word: str | None, longest: int = LONGEST_WORD) -> str:
    """Return what is wrong with a short text; empty when nothing is, as with None."""
    if word is None:
        return ""
    if not word.strip():
        return "is blank: leave it out"
    if word != word.strip():
        return "begins or ends with a space: take it away"
    if "\n" in word or "\t" in word or printable(word) != word:
        return "holds a character that cannot be printed"
    if len(word) > longest:
        return f"has {len(word)} characters, and at most {longest} are kept"
    return ""


def row_of(details: Details) -> dict[str, object]:
    """Return the columns of the details."""
    replies = {"new": _data(details.reply_new), "others": _data(details.reply)}
    row = {each: getattr(details, each) for each in DETAILS - {"group", "reply", "reply_new"}}
    return row | {"group_name": details.group, "replies": json.dumps(replies, ensure_ascii=False)}


def from_row(row: RowMapping) -> Channel:
    """Return the channel of a row; raises ValueError for replies that we did not write."""
    values: dict[str, Any] = dict(row)
    replies = json.loads(values.pop("replies"))
    return Channel(
        group=values.pop("group_name"),
        reply=_reply(replies["others"]),
        reply_new=_reply(replies["new"]),
        **values,
    )


def read_reply(data: Mapping[str, Any]) -> Reply:
    """Return a reply that somebody described as text, image or news; ValueError says what is wrong."""
    if data.get("type") not in ("text", "image", "news"):
        raise ValueError("a channel replies with a text, an image or news: say which with `type`")
    reply = from_data(data)
    assert not isinstance(reply, Acknowledgement)
    return reply


def _check_reply(reply: Reply | None) -> str:
    if reply is None:
        return ""
    texts = {
        Text: lambda: [reply.content],  # type: ignore[union-attr]
        Image: lambda: [],
        News: lambda: _texts_of(reply.articles),  # type: ignore[union-attr]
    }
    told: Callable[[], list[str]] | None = texts.get(type(reply))
    if told is None:
        return f"{type(reply).__name__} is not for channels: use a text, an image or news"
    longest = max((len(text.encode()) for text in told()), default=0)
    if longest > MAX_TEXT_BYTES:
        return f"a text in it has {longest} bytes of UTF-8, and WeChat shows {MAX_TEXT_BYTES}: shorten it"
    wrong = [each for each in _addresses_of(reply) if not _ADDRESS.fullmatch(each)]
    return f"{wrong[0][:70]!r} is no address: it begins with https:// or http://" if wrong else ""


def _addresses_of(reply: Reply) -> list[str]:
    """Return the addresses that are given in news."""
    articles = reply.articles if isinstance(reply, News) else ()
    return [each for article in articles for each in (article.url, article.image_url) if each]


def _texts_of(articles: tuple[Article, ...]) -> list[str]:
    return [text for each in articles for text in (each.title, each.description)]


def _check_moment(seconds: int | None) -> str:
    is_fine = seconds is None or 0 <= seconds <= LAST_MOMENT
    return "" if is_fine else "is not a time between 1970 and 30 December 9999"


def _check_order(details: Details) -> str:
    if details.starts_at is None or details.ends_at is None or details.starts_at < details.ends_at:
        return ""
    return "is not after the start: choose a later end"


def _data(reply: Reply | None) -> dict[str, object] | None:
    return None if reply is None else to_data(reply)


def _reply(data: Mapping[str, Any] | None) -> Reply | None:
    return None if data is None else read_reply(data)
