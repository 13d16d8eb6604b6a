"""The form of a channel: what was typed, as the values that wxbot/channels/ checks, and shown again."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from wxbot.admin import seen
from wxbot.channels.channel import Channel, Details
from wxbot.channels.store import Wanted
from wxbot.clock import there
from wxbot.wechat.replies import MAX_ARTICLES, Article, Image, News, Reply, Text

REPLIES = ("reply", "reply_new")
REPLY_KINDS = ("", "text", "image", "news")
ARTICLE_FIELDS = ("title", "description", "image_url", "url")
_WORDS = ("title", "group", "owner", "promoter", "tag")
_MOMENTS = ("starts_at", "ends_at")
FIELDS = (*_WORDS, *_MOMENTS, *REPLIES)
_MINUTE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A form that was sent: each field as it was typed, the values read from it, and what is wrong with them.

    `faults` are by the channel's field, in the words of wxbot/channels/channel.py.
    """

    typed: Mapping[str, str]
    values: Mapping[str, Any]
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def wanted(self) -> Wanted:
        """Return the channel that is to be made."""
        return Wanted(
            name=self.typed.get("name", ""),
            scene="" if self.typed.get("number") else self.typed.get("scene", ""),
            takes_number=bool(self.typed.get("number")),
            details=Details(**{**self.values, "title": self.values["title"] or ""}),
        )

    def changes(self, known: Channel, zone: tzinfo) -> dict[str, Any]:
        """Return what is to be changed of a channel.

        What somebody has not touched stays, also what the form shows less exactly than it is kept, and what
        others have changed since it was shown.
        """
        touched = self._compared(known, zone).touched
        return {name: value for name, value in self.values.items() if name in touched}

    def contested(self, known: Channel, zone: tzinfo) -> dict[str, str]:
        """Return, as faults, what was changed here and by somebody else, too, since the form was shown."""
        return seen.faults(self._compared(known, zone).contested, _parts(_texts(known, zone)))

    def shown_again(self, known: Channel, zone: tzinfo) -> dict[str, str]:
        """Return the form with what was typed, and with what others have changed where nothing was."""
        stale = self._compared(known, zone).stale
        typed = {name: text for name, text in self.typed.items() if _field_of(name) not in stale}
        fresh = {name: text for name, text in _texts(known, zone).items() if _field_of(name) in stale}
        return typed | fresh | _marks(known, zone)

    def _compared(self, known: Channel, zone: tzinfo) -> seen.Compared:
        return seen.compared(self.typed, _parts(self.typed), _parts(_texts(known, zone)))


def read(form: Mapping[str, str], zone: tzinfo) -> Filled:
    """Read a form that was sent; moments in it are those of `zone`."""
    typed = {name: text.strip() for name, text in form.items()}
    faults: dict[str, str] = {}
    values: dict[str, Any] = {name: typed.get(name) or None for name in _WORDS}
    for name in (*_MOMENTS, *REPLIES):
        try:
            values[name] = _moment(typed.get(name, ""), zone) if name in _MOMENTS else _reply(name, typed)
        except ValueError as error:
            values[name], faults[name] = None, str(error)
    return Filled(typed=typed, values=values, faults=faults)


def shown(known: Channel | None, zone: tzinfo) -> dict[str, str]:
    """Return the fields of the form for a channel as it is, or for one that is to be made."""
    return _texts(known, zone) | _marks(known, zone) if known is not None else {}


def articles_to_show(typed: Mapping[str, str], name: str) -> int:
    """Return for how many articles a form has room: those that are there, and one more."""
    numbers = [each for each in range(MAX_ARTICLES) if any(_article_texts(name, each, typed))]
    return min(MAX_ARTICLES, max(numbers, default=-1) + 2)


def _texts(known: Channel, zone: tzinfo) -> dict[str, str]:
    texts = {name: getattr(known, name) or "" for name in _WORDS}
    for name in _MOMENTS:
        seconds = getattr(known, name)
        texts[name] = "" if seconds is None else f"{there(seconds, zone):%Y-%m-%dT%H:%M}"
    for name in REPLIES:
        texts |= _texts_of(name, getattr(known, name))
    # As `read` returns them.
    return {"name": known.name, "scene": known.scene} | {name: text.strip() for name, text in texts.items()}


def _texts_of(name: str, reply: Reply | None) -> dict[str, str]:
    match reply:
        case Text():
            return {f"{name}_kind": "text", f"{name}_text": reply.content}
        case Image():
            return {f"{name}_kind": "image", f"{name}_media": reply.media_id}
        case News():
            return {f"{name}_kind": "news"} | {
                f"{name}_{number}_{each}": getattr(article, each)
                for number, article in enumerate(reply.articles)
                for each in ARTICLE_FIELDS
            }
    return {f"{name}_kind": ""}


def _marks(known: Channel, zone: tzinfo) -> dict[str, str]:
    return seen.marks(_parts(_texts(known, zone)))


def _parts(texts: Mapping[str, str]) -> dict[str, object]:
    return {name: _part(name, texts) for name in FIELDS}


def _field_of(name: str) -> str:
    """Return the field of a channel that a field of the form belongs to."""
    return next((each for each in ("reply_new", "reply") if name.startswith(f"{each}_")), name)


def _part(name: str, texts: Mapping[str, str]) -> object:
    """Return what the form holds of one field of a channel; of a reply only what belongs to its kind."""
    if name not in REPLIES:
        return texts.get(name, "")
    kind = texts.get(f"{name}_kind", "")
    bodies = {
        "text": [_lines(texts.get(f"{name}_text", ""))],
        "image": [texts.get(f"{name}_media", "")],
        "news": [_article_texts(name, number, texts) for number in range(MAX_ARTICLES)],
    }
    return kind, bodies.get(kind)


def _moment(text: str, zone: tzinfo) -> int | None:
    if not text:
        return None
    if not _MINUTE.fullmatch(text):
        raise ValueError("is not a time as in 2026-05-01T12:00")
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())
    except (ValueError, OverflowError):
        raise ValueError("is not a time as in 2026-05-01T12:00") from None


def _reply(name: str, typed: Mapping[str, str]) -> Reply | None:
    kind = typed.get(f"{name}_kind", "")
    if kind == "text":
        return Text(_lines(typed.get(f"{name}_text", "")))
    if kind == "image":
        return Image(typed.get(f"{name}_media", ""))
    if kind == "news":
        texts = (_article_texts(name, number, typed) for number in range(MAX_ARTICLES))
        return News([Article(**dict(zip(ARTICLE_FIELDS, each, strict=True))) for each in texts if any(each)])
    return None


def _article_texts(name: str, number: int, typed: Mapping[str, str]) -> list[str]:
    return [_lines(typed.get(f"{name}_{number}_{each}", "")) for each in ARTICLE_FIELDS]


def _lines(text: str) -> str:
    """Return a text with the line ends of a reply: a form sends those of letters."""
    return text.replace("\r\n", "\n")
