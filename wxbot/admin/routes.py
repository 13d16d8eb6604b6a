"""Who answers what, and what would answer a scene, as `wxbot routes` and `wxbot explain` say it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from wxbot.admin.area import Area, Page, Visit
from wxbot.admin.asked import asked_text
from wxbot.admin.reasons import reason_in
from wxbot.admin.routes_words import WORDS
from wxbot.channels.channel import Channel
from wxbot.channels.explaining import all_routes, try_scene
from wxbot.scenes.registry import Registry

# Of channels there may be thousands, which have pages of their own.
_MOST_CHANNELS = 50


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the page asks: the handlers, an account's channels, and the one behind a scene."""

    registry: Registry
    channels: Callable[[str], Sequence[Channel]]
    channel_of: Callable[[str, str], Channel | None]


def views(parts: Parts) -> Area:
    """Return `/admin/routes`."""
    area = Area("routes", words=WORDS)
    area.entry("index", group="work", word="routes", icon="routes", order=50)

    @area.get("/routes")
    def index(visit: Visit) -> Page:
        account, scene = visit.account, asked_text("scene")
        when: Literal["follow", "scan"] = "follow" if asked_text("when") == "follow" else "scan"
        channels = parts.channels(account)
        tried = None
        if scene:
            channel = parts.channel_of(account, scene)
            tried = try_scene(parts.registry, account, scene, when=when, channel=channel)
        return Page(
            "admin/routes.html",
            title=visit.t.routes,
            routes=all_routes(parts.registry, account, channels[:_MOST_CHANNELS]),
            more_channels=max(0, len(channels) - _MOST_CHANNELS),
            skipped=[" ".join(fault.split()) for fault in parts.registry.skipped],
            scene=scene,
            when=when,
            tried=tried,
            reason=partial(reason_in, visit.language),
        )

    return area
