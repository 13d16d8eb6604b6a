"""The bytes of a push, as recorded from real traffic: the XML of an event, the envelope, the query.

Written without the bot's own parser and renderer, so that the two cannot share a mistake; only the signature
and the cipher are the same code, and those are held against recorded vectors.
"""

import re
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal
from urllib.parse import urlencode, urlsplit, urlunsplit

from wxbot.wechat.crypto import Cipher
from wxbot.wechat.signature import sign

Mode = Literal["safe", "compatible", "plain"]
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
ORDINARY_MESSAGES = frozenset({"text", "image", "voice", "video", "shortvideo", "location", "link"})


@dataclass(frozen=True, kw_only=True)
class Sender:
    """The account in whose name is pushed: what a callback needs in order to be believed."""

    appid: str
    token: str = field(repr=False)
    aes_key: str = field(repr=False)
    gh_id: str
    mode: Mode = "safe"

    @cached_property
    def cipher(self) -> Cipher:
        """The cipher of the account, made once."""
        return Cipher(self.aes_key, self.appid)


class Bare(str):
    """A text that goes into its CDATA as it is, whatever that makes of the document."""


@dataclass(frozen=True)
class Element:
    """One element below the common ones: a text in CDATA, a bare number, or further elements."""

    name: str
    value: "str | int | tuple[Element, ...]"


@dataclass(frozen=True, kw_only=True)
class Push:
    """One event or message of one person, before it is signed. Repeats and retries are the same `Push`.

    `created` is the event's time in whole seconds.
    """

    openid: str
    created: int
    msg_type: str
    elements: tuple[Element, ...]

    @property
    def event(self) -> str:
        """The event's name, empty for a message."""
        return next((str(item.value) for item in self.elements if item.name == "Event"), "")

    @property
    def is_ordinary_message(self) -> bool:
        """Whether a person wrote this, which limits a news reply to one article."""
        return self.msg_type in ORDINARY_MESSAGES


@dataclass(frozen=True, kw_only=True)
class Request:
    """One delivery on the wire: the query, the body as sent, and the XML inside it."""

    query: str
    body: bytes
    xml: str


def follow(openid: str, created: int, *, scene: str = "", ticket: str = "") -> Push:
    """Return the push of a new follower; with a ticket it came through the code of that scene."""
    key = f"qrscene_{scene}" if ticket else ""
    return event(openid, created, name="subscribe", key=key, more=_ticket(ticket))


def scan(openid: str, created: int, *, scene: str, ticket: str) -> Push:
    """Return the push of a follower who scanned a code."""
    return event(openid, created, name="SCAN", key=scene, more=_ticket(ticket))


def unfollow(openid: str, created: int) -> Push:
    """Return the push of somebody who stopped following."""
    return event(openid, created, name="unsubscribe")


def click(openid: str, created: int, *, key: str) -> Push:
    """Return the push of a tap on a menu button with a key."""
    return event(openid, created, name="CLICK", key=key)


def view(openid: str, created: int, *, url: str, menu_id: int) -> Push:
    """Return the push of a tap on a menu button that opens a page."""
    return event(openid, created, name="VIEW", key=url, more=(Element("MenuId", menu_id),))


def text(openid: str, created: int, *, content: str, msg_id: int) -> Push:
    """Return the push of a text that somebody wrote; WeChat was seen to clean none and to escape none."""
    return message(openid, created, msg_type="text", msg_id=msg_id, more=(Element("Content", Bare(content)),))


def image(openid: str, created: int, *, url: str, media_id: str, msg_id: int) -> Push:
    """Return the push of a picture that somebody sent."""
    more = (Element("PicUrl", url), Element("MediaId", media_id))
    return message(openid, created, msg_type="image", msg_id=msg_id, more=more)


def event(openid: str, created: int, *, name: str, key: str = "", more: tuple[Element, ...] = ()) -> Push:
    """Return the push of any event: its wire name, its EventKey and what follows that."""
    elements = (Element("Event", name), Element("EventKey", key), *more)
    return Push(openid=openid, created=created, msg_type="event", elements=elements)


def message(openid: str, created: int, *, msg_type: str, msg_id: int, more: tuple[Element, ...]) -> Push:
    """Return the push of any ordinary message; `more` are its own elements, before the MsgId."""
    return Push(openid=openid, created=created, msg_type=msg_type, elements=(*more, Element("MsgId", msg_id)))


def new_nonce() -> str:
    """Return a nonce like the recorded ones: nine or ten decimal digits."""
    return str(100_000_000 + secrets.randbelow(1_900_000_000))


def sealed(
    push: Push, sender: Sender, *, timestamp: int, nonce: str | None = None, sends_openid: bool = True
) -> Request:
    """Return the push as it leaves WeChat in the sender's mode, signed for this moment."""
    nonce = nonce or new_nonce()
    inner = document(push, sender.gh_id)
    query = {"signature": sign(sender.token, str(timestamp), nonce), "timestamp": timestamp, "nonce": nonce}
    if sends_openid:
        query["openid"] = push.openid
    body = inner
    if sender.mode != "plain":
        encrypted = sender.cipher.encrypt(inner.encode())
        query["encrypt_type"] = "aes"
        query["msg_signature"] = sign(sender.token, str(timestamp), nonce, encrypted)
        body = _compatible(inner, encrypted) if sender.mode == "compatible" else _safe(sender, encrypted)
    return Request(query=urlencode(query), body=body.encode(), xml=inner)


def verification(sender: Sender, *, timestamp: int, echostr: str) -> str:
    """Return the query of the GET that verifies a callback URL."""
    nonce = new_nonce()
    signature = sign(sender.token, str(timestamp), nonce)
    return urlencode({"signature": signature, "echostr": echostr, "timestamp": timestamp, "nonce": nonce})


def document(push: Push, gh_id: str) -> str:
    """Return the XML of a push: the first element right behind the root, one a line, no last newline."""
    common = (
        Element("ToUserName", gh_id),
        Element("FromUserName", push.openid),
        Element("CreateTime", push.created),
        Element("MsgType", push.msg_type),
    )
    lines = "\n".join(_written(element) for element in (*common, *push.elements))
    return f"<xml>{lines}\n</xml>"


def is_address(url: str) -> bool:
    """Say whether a URL could be one to push to: HTTP, and a host with a name that hosts may have."""
    try:
        parts = urlsplit(url)
        # Its labels have 1 to 63 characters; anything else is found out only when it is connected to.
        host = (parts.hostname or "").encode("idna")
        return parts.scheme in ("http", "https") and bool(host) and parts.port != 0
    except ValueError:
        return False


def address(url: str, query: str) -> tuple[str, str]:
    """Return the callback URL and the whole query: its own, which WeChat keeps, then WeChat's."""
    parts = urlsplit(url)
    whole = f"{parts.query}&{query}" if parts.query else query
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")), whole


def _ticket(ticket: str) -> tuple[Element, ...]:
    return (Element("Ticket", ticket),) if ticket else ()


def _written(element: Element) -> str:
    if isinstance(element.value, tuple):
        inside = "".join(_written(child) for child in element.value)
    elif isinstance(element.value, int):
        inside = str(element.value)
    else:
        inside = f"<![CDATA[{_clean(element.value)}]]>"
    return f"<{element.name}>{inside}</{element.name}>"


def _clean(text: str) -> str:
    if isinstance(text, Bare):
        return _SURROGATE.sub("\ufffd", text)
    return NOT_XML.sub("\ufffd", text).replace("]]>", "]]]]><![CDATA[>")


def _safe(sender: Sender, encrypted: str) -> str:
    to_user = _written(Element("ToUserName", sender.gh_id))
    return f"<xml>\n    {to_user}\n    {_written(Element('Encrypt', encrypted))}\n</xml>\n"


def _compatible(inner: str, encrypted: str) -> str:
    return f"{inner.removesuffix('</xml>')}{_written(Element('Encrypt', encrypted))}\n</xml>"
