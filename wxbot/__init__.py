"""wxbot answers the scanned codes of a WeChat Official Account.

What is listed here, and `wxbot.testing`, is the public interface; everything else may change. Names are
imported when they are first used: a command line that only prints its help should not load a web server.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wxbot.app import create_app, scene_for
    from wxbot.channels.channel import Channel
    from wxbot.errors import WxbotError
    from wxbot.followers import Follower
    from wxbot.scenes.handler import PASS
    from wxbot.scenes.inject import Defer
    from wxbot.scenes.plugin import Plugin
    from wxbot.wechat.api import ApiClient
    from wxbot.wechat.events import (
        Click,
        Event,
        Follow,
        ImageMessage,
        LinkMessage,
        LocationMessage,
        Scan,
        TextMessage,
        Unfollow,
        Unknown,
        VideoMessage,
        View,
        VoiceMessage,
    )
    from wxbot.wechat.replies import Article, Image, Music, News, Text, Transfer, Video, Voice

__all__ = [
    "PASS",
    "ApiClient",
    "Article",
    "Channel",
    "Click",
    "Defer",
    "Event",
    "Follow",
    "Follower",
    "Image",
    "ImageMessage",
    "LinkMessage",
    "LocationMessage",
    "Music",
    "News",
    "Plugin",
    "Scan",
    "Text",
    "TextMessage",
    "Transfer",
    "Unfollow",
    "Unknown",
    "Video",
    "VideoMessage",
    "View",
    "Voice",
    "VoiceMessage",
    "WxbotError",
    "create_app",
    "scene_for",
]

_ELSEWHERE = {
    "ApiClient": "wxbot.wechat.api",
    "Channel": "wxbot.channels.channel",
    "Defer": "wxbot.scenes.inject",
    "Follower": "wxbot.followers",
    "PASS": "wxbot.scenes.handler",
    "Plugin": "wxbot.scenes.plugin",
    "WxbotError": "wxbot.errors",
    "create_app": "wxbot.app",
    "scene_for": "wxbot.app",
}
_REPLIES = {"Article", "Image", "Music", "News", "Text", "Transfer", "Video", "Voice"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'wxbot' has no attribute {name!r}")
    place = "wxbot.wechat.replies" if name in _REPLIES else _ELSEWHERE.get(name, "wxbot.wechat.events")
    return getattr(import_module(place), name)


def __dir__() -> list[str]:
    return __all__
