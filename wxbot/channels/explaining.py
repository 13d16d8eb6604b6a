"""Who answers what, handlers and channels together, in the order in which they are asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from wxbot import clock
from wxbot.channels.answers import routes_of, with_channel
from wxbot.channels.channel import Channel
from wxbot.scenes.explain import Explanation
from wxbot.scenes.registry import Registry, Route
from wxbot.scenes.rules import When
from wxbot.wechat.events import Scan

_SCENE_KINDS = ("exact", "pattern", "block")


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What a scene would be answered by; `suggestion` is a handler to write where no rule takes it."""

    explanation: Explanation
    is_matched: bool
    suggestion: str


def all_routes(registry: Registry, account: str, channels: Sequence[Channel]) -> list[Route]:
    """Return what is answered for an account, the most specific first; then observers and jobs."""
    answered = registry.routes(account)
    is_scene = [each.kind in _SCENE_KINDS for each in answered]
    # In the order in which they are asked: rules, channels, fallbacks.
    answered[sum(is_scene) : sum(is_scene)] = routes_of(list(channels))
    return [*answered, *registry.background(account)]


def try_scene(registry: Registry, account: str, scene: str, *, when: When, channel: Channel | None) -> Tried:
    """Say which handler answers a scene, and why the others do not; `channel` is the one behind it."""
    explanation = registry.explain(scene, account=account, when=when)
    explanation = with_channel(explanation, channel, at=int(clock.now().timestamp()))
    is_matched = any(each.matches for each in explanation.candidates if each.rule != "(fallback)")
    suggestion = "" if is_matched else _suggestion(registry, account, scene, when=when)
    return Tried(explanation=explanation, is_matched=is_matched, suggestion=suggestion)


def _suggestion(registry: Registry, account: str, scene: str, *, when: When) -> str:
    """Return what the log would say about such a scan, without the advice to ask for an explanation."""
    scan = Scan(
        account=account,
        to_user="",
        openid="",
        created_at=clock.now(),
        msg_type="event",
        digest=b"",
        body=b"",
        scene=scene,
        when=when,
    )
    lines = registry.suggestion(scan).splitlines()
    return "\n".join(line for line in lines if not line.startswith("(wxbot explain")).rstrip()
