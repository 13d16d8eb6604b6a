"""What WeChat makes of an answer: a bubble, nothing, the fault notice, or another try.

This reads XML on its own. It shares neither parser nor renderer with the bot, because the one who judges must
not have the accused's blind spots.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree

from wxbot.emulator.rules import Rules
from wxbot.emulator.wire import Push, Sender
from wxbot.errors import ForbiddenError
from wxbot.wechat.signature import sign

Outcome = Literal["shown", "nothing", "fault", "failed"]


@dataclass(frozen=True, kw_only=True)
class Article:
    """One article of a news bubble."""

    title: str
    description: str = ""
    image_url: str = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One item of a menu message, which the person can tap."""

    id: str
    content: str


@dataclass(frozen=True, kw_only=True)
class Bubble:
    """What appears in the conversation.

    `kind` is a kind of reply (text, image, voice, video, music, news, transfer), `fault` for the notice, or
    what only a service message can be (mpnewsarticle, msgmenu, miniprogrampage, wxcard).
    """

    kind: str
    text: str = ""
    media_id: str = ""
    title: str = ""
    description: str = ""
    url: str = ""
    articles: tuple[Article, ...] = ()
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How one answer ended.

    `outcome`: "shown" (a bubble), "nothing" (accepted, invisible), "fault" (the notice, at once) or "failed"
    (WeChat tries again). `reason` is a slug for developers, empty when all is well; `detail` goes with it.
    `reply_xml` is the answer in clear, as far as it could be read.
    """

    outcome: Outcome
    bubble: Bubble | None = None
    reason: str = ""
    detail: str = ""
    reply_xml: str = ""


class BadAnswer(Exception):
    """An answer that WeChat does not accept: a slug and the detail that goes with it."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason} {detail}".strip())


def judge(status: int, body: bytes, *, push: Push, sender: Sender, rules: Rules) -> Verdict:
    """Return what WeChat does with an answer that arrived in time."""
    shown = body.decode("utf-8", "replace")
    if status != 200:
        outcome: Outcome = "failed" if rules.bad_status_retries else "fault"
        return Verdict(outcome=outcome, reason="status", detail=str(status), reply_xml=shown)
    if body in (b"", b"success"):
        return Verdict(outcome="nothing", reply_xml=shown)
    try:
        root = _tree(_decoded(body))
        if _is_sealed(root, sender):
            shown = _opened(root, sender)
            root = _tree(shown)
        bubble = _bubble(root, push=push, sender=sender, rules=rules)
    except BadAnswer as bad:
        return Verdict(outcome="fault", reason=bad.reason, detail=bad.detail, reply_xml=shown)
    if push.event == "unsubscribe":
        return Verdict(outcome="nothing", reason="person_has_left", reply_xml=shown)
    return Verdict(outcome="shown", bubble=bubble, reply_xml=shown)


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadAnswer("not_utf8") from None


def _tree(text: str) -> ElementTree.Element:
    if "\0" in text:
        # No XML may hold one, but the parser would take the text for UTF-16.
        raise BadAnswer("not_xml", "a zero byte")
    try:
        # A text and not bytes: those would be read in the encoding that they declare.
        root = ElementTree.fromstring(text, ElementTree.XMLParser(target=_WithoutDoctype()))
    except ElementTree.ParseError as error:
        raise BadAnswer("not_xml", str(error)) from None
    if root.tag != "xml":
        raise BadAnswer("root", root.tag)
    return root


class _WithoutDoctype(ElementTree.TreeBuilder):
    def doctype(self, *_: object) -> None:
        """Refuse a declaration; the same characters in a text declare nothing."""
        raise BadAnswer("doctype")


def _is_sealed(root: ElementTree.Element, sender: Sender) -> bool:
    is_sealed = root.find("Encrypt") is not None
    if sender.mode == "safe" and not is_sealed:
        raise BadAnswer("not_encrypted")
    if sender.mode == "plain" and is_sealed:
        raise BadAnswer("encrypted")
    return is_sealed


def _opened(root: ElementTree.Element, sender: Sender) -> str:
    encrypted, signature = _leaf(root, "Encrypt"), _leaf(root, "MsgSignature")
    timestamp, nonce = _number(root, "TimeStamp"), _leaf(root, "Nonce")
    if sign(sender.token, timestamp, nonce, encrypted) != signature:
        raise BadAnswer("msg_signature")
    try:
        return sender.cipher.decrypt(encrypted).decode("utf-8")
    except (ForbiddenError, UnicodeDecodeError):
        raise BadAnswer("decrypt") from None


def _bubble(root: ElementTree.Element, *, push: Push, sender: Sender, rules: Rules) -> Bubble:
    to_user, from_user = _leaf(root, "ToUserName"), _leaf(root, "FromUserName")
    if (to_user, from_user) == (sender.gh_id, push.openid):
        raise BadAnswer("names_swapped")
    if to_user != push.openid:
        raise BadAnswer("to_user")
    if from_user != sender.gh_id:
        raise BadAnswer("from_user", from_user)
    _number(root, "CreateTime")
    msg_type = _leaf(root, "MsgType")
    if msg_type == "text":
        return _text(root, rules)
    if msg_type == "news":
        return _news(root, most=1 if push.is_ordinary_message else 8, rules=rules)
    reader = READERS.get(msg_type)
    if reader is None:
        raise BadAnswer("msg_type", msg_type)
    return reader(root)


def _text(root: ElementTree.Element, rules: Rules) -> Bubble:
    content = _leaf(root, "Content", may_be_blank=True)
    if not content.strip():
        raise BadAnswer("empty", "Content")
    size = len(content.encode())
    if size > rules.text_limit_bytes:
        raise BadAnswer("too_long", str(size))
    return Bubble(kind="text", text=content)


def _news(root: ElementTree.Element, *, most: int, rules: Rules) -> Bubble:
    items = _child(root, "Articles").findall("item")
    if _number(root, "ArticleCount") != str(len(items)):
        raise BadAnswer("article_count", str(len(items)))
    if not items or (len(items) > most and rules.too_many_articles == "fault"):
        raise BadAnswer("articles", str(len(items)))
    return Bubble(kind="news", articles=tuple(_article(item) for item in items[:most]))


def _article(item: ElementTree.Element) -> Article:
    return Article(
        title=_leaf(item, "Title"),
        description=_optional(item, "Description"),
        image_url=_optional(item, "PicUrl"),
        url=_optional(item, "Url"),
    )


def _image(root: ElementTree.Element) -> Bubble:
    return Bubble(kind="image", media_id=_leaf(_child(root, "Image"), "MediaId"))


def _voice(root: ElementTree.Element) -> Bubble:
    return Bubble(kind="voice", media_id=_leaf(_child(root, "Voice"), "MediaId"))


def _video(root: ElementTree.Element) -> Bubble:
    video = _child(root, "Video")
    title, description = _optional(video, "Title"), _optional(video, "Description")
    return Bubble(kind="video", media_id=_leaf(video, "MediaId"), title=title, description=description)


def _music(root: ElementTree.Element) -> Bubble:
    music = _child(root, "Music")
    return Bubble(
        kind="music",
        media_id=_leaf(music, "ThumbMediaId"),
        title=_optional(music, "Title"),
        description=_optional(music, "Description"),
        url=_optional(music, "MusicUrl") or _optional(music, "HQMusicUrl"),
    )


def _transfer(root: ElementTree.Element) -> Bubble:
    info = root.find("TransInfo")
    return Bubble(kind="transfer", text="" if info is None else _leaf(info, "KfAccount"))


READERS: dict[str, Callable[[ElementTree.Element], Bubble]] = {
    "image": _image,
    "voice": _voice,
    "video": _video,
    "music": _music,
    "transfer_customer_service": _transfer,
    "transfer_biz_ai_ivr": _transfer,
}


def _child(parent: ElementTree.Element, name: str) -> ElementTree.Element:
    found = parent.findall(name)
    if len(found) != 1:
        raise BadAnswer("doubled" if found else "missing", name)
    return found[0]


def _leaf(parent: ElementTree.Element, name: str, *, may_be_blank: bool = False) -> str:
    child = _child(parent, name)
    if len(child):
        raise BadAnswer("nested", name)
    value = child.text or ""
    if not may_be_blank and not value.strip():
        raise BadAnswer("empty", name)
    return value


def _optional(parent: ElementTree.Element, name: str) -> str:
    return _leaf(parent, name, may_be_blank=True) if parent.find(name) is not None else ""


def _number(parent: ElementTree.Element, name: str) -> str:
    value = _leaf(parent, name)
    if not re.fullmatch(r"[0-9]+", value):
        raise BadAnswer("not_a_number", name)
    return value
