"""The only renderer of reply documents; what is put into a field can never become an element."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from wxbot.wechat.events import Event
from wxbot.wechat.replies import (
    Article,
    Image,
    Music,
    News,
    Reply,
    Text,
    Transfer,
    Video,
    Voice,
    clipped,
    printable,
)

_FRAME = (
    "<xml><ToUserName>{to}</ToUserName>\n"
    "<FromUserName>{sender}</FromUserName>\n"
    "<CreateTime>{created}</CreateTime>\n"
    "<MsgType><![CDATA[{kind}]]></MsgType>\n"
    "{content}</xml>"
)


def render(reply: Reply, event: Event, *, now: datetime) -> str:
    """Return the document that answers the event with the reply, addressed to the event's person.

    Texts, titles and descriptions beyond 2048 bytes of UTF-8 are clipped and end with `…`.
    """
    kind, content = next(entry for cls, entry in _CONTENTS.items() if isinstance(reply, cls))
    return _FRAME.format(
        to=_cdata(event.openid),
        sender=_cdata(event.to_user),
        created=int(now.timestamp()),
        kind=kind,
        content=content(reply),
    )


def _text(reply: Text) -> str:
    return _element("Content", clipped(reply.content))


def _image(reply: Image) -> str:
    return f"<Image>{_element('MediaId', reply.media_id)}</Image>\n"


def _voice(reply: Voice) -> str:
    return f"<Voice>{_element('MediaId', reply.media_id)}</Voice>\n"


def _video(reply: Video) -> str:
    return f"<Video>{_element('MediaId', reply.media_id)}{_heading(reply)}</Video>\n"


def _music(reply: Music) -> str:
    addresses = _optional("MusicUrl", reply.url) + _optional("HQMusicUrl", reply.hq_url)
    thumb = _element("ThumbMediaId", reply.thumb_media_id)
    return f"<Music>{_heading(reply)}{addresses}{thumb}</Music>\n"


def _news(reply: News) -> str:
    items = "".join(_item(article) for article in reply.articles)
    return f"<ArticleCount>{len(reply.articles)}</ArticleCount>\n<Articles>{items}</Articles>\n"


def _item(article: Article) -> str:
    # Unlike those of a video, WeChat's own samples have all four elements, empty or not.
    texts = _element("Title", clipped(article.title)) + _element("Description", clipped(article.description))
    return f"<item>{texts}{_element('PicUrl', article.image_url)}{_element('Url', article.url)}</item>\n"


def _transfer(reply: Transfer) -> str:
    if not reply.kf_account:
        return ""
    return f"<TransInfo>{_element('KfAccount', reply.kf_account)}</TransInfo>\n"


def _heading(reply: Video | Music) -> str:
    """Render the optional title and description."""
    title = _optional("Title", clipped(reply.title))
    return title + _optional("Description", clipped(reply.description))


def _optional(name: str, text: str) -> str:
    """Render an element, or nothing for an empty text."""
    return _element(name, text) if text else ""


def _element(name: str, text: str) -> str:
    """Render one element with a text."""
    return f"<{name}>{_cdata(text)}</{name}>\n"


def _cdata(text: str) -> str:
    """Render text as character data; the end mark inside it is split over two sections."""
    return f"<![CDATA[{printable(text).replace(']]>', ']]]]><![CDATA[>')}]]>"


_CONTENTS: dict[type[Any], tuple[str, Callable[[Any], str]]] = {
    Text: ("text", _text),
    Image: ("image", _image),
    Voice: ("voice", _voice),
    Video: ("video", _video),
    Music: ("music", _music),
    News: ("news", _news),
    Transfer: ("transfer_customer_service", _transfer),
}
