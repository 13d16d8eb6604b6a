"""Replies as service messages: the JSON in which the API takes what a callback's answer says in XML."""

from typing import Any

from wxbot.wechat.replies import Image, Music, News, Reply, Text, Transfer, Video, Voice, clipped


def service_message(openid: str, reply: Reply) -> dict[str, Any]:
    """Return the body of `message/custom/send`; of several articles the first goes, which is all it takes.

    ValueError for a Transfer, which only a callback can be answered with.
    """
    kind, content = _content(reply)
    return {"touser": openid, "msgtype": kind, kind: content}


def _content(reply: Reply) -> tuple[str, dict[str, Any]]:
    if isinstance(reply, Text):
        return "text", {"content": clipped(reply.content)}
    if isinstance(reply, Image):
        return "image", {"media_id": reply.media_id}
    if isinstance(reply, Voice):
        return "voice", {"media_id": reply.media_id}
    if isinstance(reply, Video):
        return "video", {
            "media_id": reply.media_id,
            "title": clipped(reply.title),
            "description": clipped(reply.description),
        }
    if isinstance(reply, Music):
        return "music", _music(reply)
    if isinstance(reply, News):
        return "news", _news(reply)
    assert isinstance(reply, Transfer)
    raise ValueError("a Transfer cannot be sent as a service message; return it from a handler")


def _music(reply: Music) -> dict[str, Any]:
    return {
        "title": clipped(reply.title),
        "description": clipped(reply.description),
        "musicurl": reply.url,
        "hqmusicurl": reply.hq_url,
        "thumb_media_id": reply.thumb_media_id,
    }


def _news(reply: News) -> dict[str, Any]:
    article = reply.articles[0]
    fields = {
        "title": clipped(article.title),
        "description": clipped(article.description),
        "url": article.url,
        "picurl": article.image_url,
    }
    return {"articles": [fields]}
