"""What can be answered, as frozen values: a blank one cannot be made, and none knows whom it goes to.

Texts become printable when a reply is made: U+FFFD stands where XML or a database could not follow.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias, cast

from wxbot.blank import is_blank
from wxbot.errors import NotAReplyError
from wxbot.wechat import wechatpy_bridge
from wxbot.wechat.events import Event, lowered

MAX_ARTICLES = 8
MAX_REPLIES = 5  # of one handler: the answer, and what WeChat lets follow it even after a message
MAX_TEXT_BYTES = 2048
# Far beyond any id or address of WeChat's; what is longer would be cut there, so it is refused here.
MAX_REFERENCE = 2048

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Text:
    """A text; links (`<a href="…">`) work in it, and beyond 2048 bytes of UTF-8 it is clipped."""

    content: str

    def __post_init__(self) -> None:
        _check(self, visible="content")


@dataclass(frozen=True)
class Image:
    """A picture that was uploaded to WeChat."""

    media_id: str

    def __post_init__(self) -> None:
        _check(self, visible="media_id")


@dataclass(frozen=True)
class Voice:
    """A recording that was uploaded to WeChat."""

    media_id: str

    def __post_init__(self) -> None:
        _check(self, visible="media_id")


@dataclass(frozen=True)
class Video:
    """A video that was uploaded to WeChat."""

    media_id: str
    title: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        _check(self, visible="media_id")


@dataclass(frozen=True)
class Music:
    """A piece of music at `url`; the thumbnail was uploaded to WeChat, and WeChat requires it."""

    thumb_media_id: str
    title: str = ""
    description: str = ""
    url: str = ""
    hq_url: str = ""

    def __post_init__(self) -> None:
        _check(self, visible="thumb_media_id")


@dataclass(frozen=True)
class Article:
    """One entry of News."""

    title: str
    description: str = ""
    image_url: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        _check(self, visible="title")


@dataclass(frozen=True)
class News:
    """One to eight articles, given as any sequence; WeChat shows only the first in answer to a message."""

    articles: tuple[Article, ...]

    def __init__(self, articles: Sequence[Article]) -> None:
        if not isinstance(articles, Sequence) or not all(isinstance(item, Article) for item in articles):
            raise ValueError("News.articles must be a sequence of Article")
        if not 1 <= len(articles) <= MAX_ARTICLES:
            raise ValueError(f"News.articles must hold 1 to {MAX_ARTICLES} articles, not {len(articles)}")
        object.__setattr__(self, "articles", tuple(articles))


@dataclass(frozen=True)
class Transfer:
    """Hands the person over to customer service, to a certain agent if `kf_account` names one."""

    kf_account: str = ""

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True)
class Acknowledgement:
    """The literal `success`: received, and nothing is shown. Not for handlers."""


ACK = Acknowledgement()

Reply: TypeAlias = Text | Image | Voice | Video | Music | News | Transfer

_KINDS: dict[str, type[Any]] = {
    "text": Text,
    "image": Image,
    "voice": Voice,
    "video": Video,
    "music": Music,
    "news": News,
    "transfer": Transfer,
    "acknowledgement": Acknowledgement,
}
_REPLIES = (Text, Image, Voice, Video, Music, News, Transfer)
_TEXTS = frozenset({"content", "title", "description"})
_REFERENCES = frozenset({"media_id", "thumb_media_id", "url", "hq_url", "image_url", "kf_account"})
_ALLOWED = (
    "Return a non-blank str, Text, Image, Voice, Video, Music, News, Transfer, a wechatpy reply, "
    "or a list that begins with one."
)
_INTERIM = "Give a non-blank str, Text, Image, Voice, Video, Music, or News with one article."


@dataclass(frozen=True)
class Replies:
    """What a handler returned: the answer, the service messages behind it, and why others were left out."""

    first: Reply | Acknowledgement
    more: tuple[Reply, ...] = ()
    dropped: tuple[str, ...] = ()


def as_replies(value: object, event: Event) -> Replies:
    """Turn what a handler returned into a reply to this event and, from a list, the messages after it.

    Only the first decides whether there is a reply at all: NotAReplyError if not. Of the others, those that
    cannot be sent are left out.
    """
    if not issubclass(type(value), list):
        return Replies(as_reply(value, event))
    if not value:
        raise NotAReplyError(f"the list is empty. {_ALLOWED}")
    first, *others = cast(list[object], value)
    more, dropped = [], []
    for number, item in enumerate(others[: MAX_REPLIES - 1], 2):
        try:
            more.append(as_service_message(item, event))
        except NotAReplyError as error:
            dropped.append(f"item {number}: {error}")
    if len(others) >= MAX_REPLIES:
        dropped.append(f"{len(others) - MAX_REPLIES + 1} items at the end: at most {MAX_REPLIES} are sent")
    return Replies(as_reply(first, event), tuple(more), tuple(dropped))


def as_service_message(value: object, event: Event) -> Reply:
    """Turn a value into a reply that can be sent without being an answer; raises NotAReplyError.

    Of several articles the first stays, which is all that such a message takes.
    """
    reply = as_reply(value, event)
    if isinstance(reply, Transfer):
        raise NotAReplyError("a Transfer can only be the first reply, the answer itself")
    return News(reply.articles[:1]) if isinstance(reply, News) else reply


def as_reply(value: object, event: Event) -> Reply:
    """Turn what a handler returned into a reply to this event.

    News in answer to a message is cut to its first article, as WeChat shows no more. Raises NotAReplyError.
    """
    # type() and not isinstance(): an object may claim another class through __class__.
    kind = type(value)
    try:
        if issubclass(kind, str):
            return _fitting_text(Text(str.__str__(value)))
        if issubclass(kind, _REPLIES):
            return _fitting(to_data(cast(Reply, value)), event)
        if wechatpy_bridge.is_reply(value):
            return _fitting(wechatpy_bridge.reply_data(value), event)
    except (ValueError, AttributeError) as error:
        raise NotAReplyError(f"{error}. {_ALLOWED}") from error
    raise NotAReplyError(f"{kind.__qualname__} is not a reply. {_ALLOWED}")


def as_interim(value: object) -> Reply:
    """Turn what an author wants to be read first into a reply to any event; raises NotAReplyError."""
    try:
        reply = Text(value) if isinstance(value, str) else value
    except ValueError as error:
        raise NotAReplyError(f"{error}. {_INTERIM}") from error
    if not isinstance(reply, _REPLIES) or isinstance(reply, Transfer):
        raise NotAReplyError(f"{type(value).__name__} is none. {_INTERIM}")
    if isinstance(reply, News) and len(reply.articles) > 1:
        raise NotAReplyError(f"News with {len(reply.articles)} articles. {_INTERIM}")
    return reply


def to_data(reply: Reply | Acknowledgement) -> dict[str, object]:
    """Return what can be kept as JSON in any database, as no reply holds a NUL or a lone surrogate."""
    kind = next(name for name, cls in _KINDS.items() if isinstance(reply, cls))
    if isinstance(reply, News):
        return {"type": kind, "articles": [_values(article, Article) for article in reply.articles]}
    return {"type": kind, **_values(reply, _KINDS[kind])}


def from_data(data: Mapping[str, Any]) -> Reply | Acknowledgement:
    """Return the reply that `to_data` described; raises ValueError for data it did not make."""
    values = dict(data)
    kind = values.pop("type", None)
    if kind not in _KINDS:
        raise ValueError("the data describe no known kind of reply")
    try:
        if kind == "news":
            values["articles"] = [Article(**article) for article in values["articles"]]
        reply: Reply | Acknowledgement = _KINDS[kind](**values)
    except (TypeError, KeyError):
        raise ValueError(f"the data do not have the fields of a reply of the kind {kind}") from None
    return reply


def printable(text: str) -> str:
    """Return the text with what XML cannot carry replaced by U+FFFD, and lines ended by a bare newline."""
    return _UNPRINTABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def clipped(text: str) -> str:
    """Cut a text to what WeChat accepts, 2048 bytes of UTF-8, between two characters; `…` marks the cut."""
    encoded = text.encode("utf-8")
    if len(encoded) <= MAX_TEXT_BYTES:
        return text
    return encoded[: MAX_TEXT_BYTES - len("…".encode())].decode("utf-8", "ignore") + "…"


def _check(reply: object, *, visible: str = "") -> None:
    """Refuse a field that is no text, a reference that is too long, a blank where something must show.

    What remains is made printable here, after the blank was recognised and before anything keeps it.
    """
    name = type(reply).__name__
    for field in fields(cast(Any, reply)):
        value = getattr(reply, field.name)
        if not issubclass(type(value), str):
            raise ValueError(f"{name}.{field.name} must be text, not {type(value).__qualname__}")
        if field.name in _REFERENCES and len(value) > MAX_REFERENCE:
            raise ValueError(f"{name}.{field.name} must not be longer than {MAX_REFERENCE} characters")
        if field.name == visible and is_blank(value):
            raise ValueError(f"{name}.{field.name} must not be blank")
        object.__setattr__(reply, field.name, printable(str.__str__(value)))


def _fitting_text(text: Text) -> Text:
    """Clip a text of our own making, which needs no second look unless it is too long."""
    short = clipped(text.content)
    return text if short is text.content else Text(short)


def _fitting(data: dict[str, Any], event: Event) -> Reply:
    """Make the reply anew, as WeChat would show it in answer to this event.

    Anew, since a subclass or a careless copy may hold what the constructors refuse.
    """
    if data["type"] == "news":
        limit = MAX_ARTICLES if lowered(event.msg_type) == "event" else 1
        articles = [_short(article) for article in data["articles"][:limit]]
        return cast(Reply, from_data({**data, "articles": articles}))
    return cast(Reply, from_data(_short(data)))


def _short(data: Mapping[str, Any]) -> dict[str, Any]:
    """Clip what people read now rather than when it is sent: the record need not keep more than that."""
    return {
        name: clipped(printable(value)) if name in _TEXTS and isinstance(value, str) else value
        for name, value in data.items()
    }


def _values(value: object, kind: type[Any]) -> dict[str, object]:
    """Return the fields that this kind of reply or article has."""
    return {field.name: getattr(value, field.name) for field in fields(kind)}
