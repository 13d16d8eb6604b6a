"""The only place that imports wechatpy, and only when asked: the import takes a quarter of a second.

Its objects are built for handlers that want them, and its replies are read into ours; it never parses on the
path of an answer and never renders.
"""

import importlib
import sys
from collections.abc import Mapping
from typing import Any
from xml.parsers.expat import ExpatError

from wxbot.errors import WxbotError

# wechatpy's class -> our kind and, for each of our fields, the attribute to read.
_KINDS: dict[str, tuple[str, dict[str, str]]] = {
    "TextReply": ("text", {"content": "content"}),
    "ImageReply": ("image", {"media_id": "media_id"}),
    "VoiceReply": ("voice", {"media_id": "media_id"}),
    "VideoReply": ("video", {"media_id": "media_id", "title": "title", "description": "description"}),
    "MusicReply": (
        "music",
        {
            "thumb_media_id": "thumb_media_id",
            "title": "title",
            "description": "description",
            "url": "music_url",
            "hq_url": "hq_music_url",
        },
    ),
    "TransferCustomerServiceReply": ("transfer", {}),
}
_ARTICLE = {"title": "title", "description": "description", "image_url": "image", "url": "url"}


def message_from(body: bytes) -> Any:
    """Build wechatpy's message from a document.

    Raises WxbotError when wechatpy cannot; it accepts less than we do.
    """
    parse_message = importlib.import_module("wechatpy").parse_message
    try:
        return parse_message(body.decode("utf-8-sig"))
    except (ExpatError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise WxbotError(
            f"wechatpy cannot build a message from this event ({type(error).__name__}); "
            "read event.fields instead, which holds every element"
        ) from error


def is_reply(value: object) -> bool:
    """Tell whether a value is a reply of wechatpy's; without its import nothing can be."""
    replies = sys.modules.get("wechatpy.replies")
    return replies is not None and issubclass(type(value), replies.BaseReply)


def reply_data(value: Any) -> dict[str, object]:
    """Read a wechatpy reply into the data that `replies.from_data` takes.

    The reply itself stays as it is: wechatpy's attributes write defaults when read, so a copy is read.
    Raises ValueError for a kind that cannot be answered with, and for one whose attributes cannot be read.
    """
    name = next(cls.__name__ for cls in type(value).__mro__ if cls.__module__ == "wechatpy.replies")
    try:
        copied = object.__new__(type(value))
        copied.__dict__.update(vars(value), _data=dict(vars(value).get("_data", {})))
        if name == "ArticlesReply":
            return {"type": "news", "articles": [_read(article, _ARTICLE) for article in copied.articles]}
        if name in _KINDS:
            kind, attributes = _KINDS[name]
            return {"type": kind, **_read(copied, attributes)}
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"wechatpy's {name} cannot be read ({type(error).__name__})") from error
    raise ValueError(f"wechatpy's {name} cannot be sent as a reply")


def _read(source: Any, attributes: Mapping[str, str]) -> dict[str, object]:
    """Read attributes (or items, as wechatpy's articles may be dicts), leaving out what is not set."""
    if isinstance(source, Mapping):
        found = {ours: source.get(theirs) for ours, theirs in attributes.items()}
    else:
        found = {ours: getattr(source, theirs, None) for ours, theirs in attributes.items()}
    return {ours: value for ours, value in found.items() if value is not None}
