"""Service messages: what the account may send to a person on its own, and what the person then sees."""

from collections.abc import Callable, Mapping
from typing import Any

from wxbot.emulator.calling import OK, Answer, check_token, check_verified, count_call, json_body
from wxbot.emulator.judge import Article, Bubble, Choice
from wxbot.emulator.refusals import Refusal
from wxbot.emulator.rules import Rules
from wxbot.emulator.world import World

Content = Mapping[str, Any]
EXCHANGE_SECONDS = 30
TYPING_SECONDS = 15


class MessageCalls:
    """The calls that reach a person's phone. Each raises Refusal where WeChat gives an error code."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send(self) -> Answer:
        """POST message/custom/send: one message, within the windows that the person has opened."""
        world = self._world
        asked, openid = self._asked_about_somebody("message/custom/send")
        conversation = world.conversations[openid]
        now = world.clock.now()
        try:
            bubble = read_message(asked, world.rules)
            self._check_following(openid)
            conversation.windows.take(now=now, rules=world.rules)
        except Refusal as refusal:
            detail = f"{refusal.errcode} {refusal.errmsg}"
            world.note(openid, side="system", action="refused", scene=detail)
            raise
        conversation.typing_until = 0.0
        conversation.exchanged_at = now
        world.note(openid, side="account", action="message", bubble=bubble)
        return OK

    def show_typing(self) -> Answer:
        """POST message/custom/typing: show, or stop showing, that somebody is writing to the person."""
        world = self._world
        asked, openid = self._asked_about_somebody()
        conversation = world.conversations[openid]
        now = world.clock.now()
        if asked.get("command") not in ("Typing", "CancelTyping"):
            raise Refusal(45072)
        self._check_following(openid)
        if now - conversation.exchanged_at > EXCHANGE_SECONDS:
            raise Refusal(45080)
        is_typing = asked["command"] == "Typing"
        if is_typing and now < conversation.typing_until:
            raise Refusal(45081)
        with world.changing():
            conversation.typing_until = now + TYPING_SECONDS if is_typing else 0.0
        return OK

    def _asked_about_somebody(self, counted: str = "") -> tuple[Answer, str]:
        """Return the body and its `touser`, which is somebody of this account's."""
        check_token(self._world)
        asked = json_body(keeps_escapes=True)
        check_verified(self._world)
        if counted:
            count_call(self._world, counted)
        openid = asked.get("touser")
        if not isinstance(openid, str) or openid not in self._world.people:
            raise Refusal(40003)
        return asked, openid

    def _check_following(self, openid: str) -> None:
        if self._world.person(openid).state != "following":
            raise Refusal(self._world.rules.not_following_errcode)


def read_message(asked: Content, rules: Rules) -> Bubble:
    """Return what a message looks like on the phone; Refusal for one that WeChat would not take."""
    kind = asked.get("msgtype")
    reader = READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise Refusal(40008)
    content = asked.get(str(kind))
    if not isinstance(content, dict):
        raise Refusal(44004)
    return reader(content, rules)


def _text(content: Content, rules: Rules) -> Bubble:
    text = _needed(content, "content", 44004)
    if len(text.encode("utf-8", "replace")) > rules.text_limit_bytes:
        raise Refusal(45002)
    return Bubble(kind="text", text=text)


def _image(content: Content, _rules: Rules) -> Bubble:
    return Bubble(kind="image", media_id=_needed(content, "media_id", 40007))


def _voice(content: Content, _rules: Rules) -> Bubble:
    return Bubble(kind="voice", media_id=_needed(content, "media_id", 40007))


def _video(content: Content, rules: Rules) -> Bubble:
    if rules.videos_need_thumbnails:
        _needed(content, "thumb_media_id", 40007)
    return Bubble(
        kind="video",
        media_id=_needed(content, "media_id", 40007),
        title=_optional(content, "title"),
        description=_optional(content, "description"),
    )


def _music(content: Content, _rules: Rules) -> Bubble:
    return Bubble(
        kind="music",
        media_id=_needed(content, "thumb_media_id", 40007),
        title=_optional(content, "title"),
        description=_optional(content, "description"),
        url=_optional(content, "musicurl") or _optional(content, "hqmusicurl"),
    )


def _news(content: Content, _rules: Rules) -> Bubble:
    articles = content.get("articles")
    if not isinstance(articles, list) or not articles or not isinstance(articles[0], dict):
        raise Refusal(44003)
    if len(articles) > 1:
        raise Refusal(45008)
    article = Article(
        title=_needed(articles[0], "title", 44003),
        description=_optional(articles[0], "description"),
        image_url=_optional(articles[0], "picurl"),
        url=_optional(articles[0], "url"),
    )
    return Bubble(kind="news", articles=(article,))


def _article(content: Content, _rules: Rules) -> Bubble:
    return Bubble(kind="mpnewsarticle", media_id=_needed(content, "article_id", 40007))


def _menu(content: Content, _rules: Rules) -> Bubble:
    items = content.get("list")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Refusal(44004)
    choices = tuple(
        Choice(id=str(item.get("id", "")), content=_needed(item, "content", 44004)) for item in items
    )
    head, tail = _optional(content, "head_content"), _optional(content, "tail_content")
    if not choices:
        raise Refusal(44004)
    return Bubble(kind="msgmenu", text=head, description=tail, choices=choices)


def _mini_program_page(content: Content, _rules: Rules) -> Bubble:
    _needed(content, "appid", 40013)
    return Bubble(
        kind="miniprogrampage",
        media_id=_needed(content, "thumb_media_id", 40007),
        title=_optional(content, "title"),
        url=_optional(content, "pagepath"),
    )


def _card(content: Content, _rules: Rules) -> Bubble:
    return Bubble(kind="wxcard", media_id=_needed(content, "card_id", 44004))


READERS: dict[str, Callable[[Content, Rules], Bubble]] = {
    "text": _text,
    "image": _image,
    "voice": _voice,
    "video": _video,
    "music": _music,
    "news": _news,
    "mpnewsarticle": _article,
    "msgmenu": _menu,
    "miniprogrampage": _mini_program_page,
    "wxcard": _card,
}


def _needed(content: Content, name: str, errcode: int) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Refusal(errcode)
    return value


def _optional(content: Content, name: str) -> str:
    value = content.get(name)
    return value if isinstance(value, str) else ""
