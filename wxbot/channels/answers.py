"""What a channel says when its code is scanned and no handler's rule takes the scene."""

from dataclasses import replace

from wxbot.channels.channel import Channel, State
from wxbot.channels.view import ChannelView
from wxbot.scenes.explain import Candidate, Explanation
from wxbot.scenes.handler import Handler
from wxbot.scenes.inject import Supplies
from wxbot.scenes.registry import Route
from wxbot.wechat.events import Event, Scan
from wxbot.wechat.replies import Reply

PLUGIN = "channels"
_SUPPLIES = Supplies()
_RULE = "(channel)"
_STATES = {State.ARCHIVED: "is archived", State.NOT_BEGUN: "has not begun", State.OVER: "is over"}


class ChannelAnswers:
    """Finds the channel behind a scan; reads memory only."""

    def __init__(self, view: ChannelView) -> None:
        self._view = view

    def channel_of(self, event: Event | None) -> Channel | None:
        """Return the channel that was live when this scan happened, None for any other event."""
        if not isinstance(event, Scan):
            return None
        return self._view.find(event.account, event.scene, int(event.created_at.timestamp()))

    def handler_for(self, scan: Scan) -> Handler | None:
        """Return what gives the reply of the scan's channel; None without a live one that has a reply."""
        channel = self.channel_of(scan)
        reply = None if channel is None else channel.reply_to(scan)
        return None if channel is None or reply is None else _handler(channel, reply)


def routes_of(channels: list[Channel]) -> list[Route]:
    """Return the lines of `wxbot routes` for these channels."""
    return [Route("channel", each.scene, None, _named(each), PLUGIN, _place(each)) for each in channels]


def with_channel(explanation: Explanation, channel: Channel | None, *, at: int) -> Explanation:
    """Add to what handlers say about a scene what its channel says, which stands before the fallbacks."""
    if channel is None:
        return explanation
    rules = [each for each in explanation.candidates if each.rule != "(fallback)"]
    fallbacks = list(explanation.candidates[len(rules) :])
    is_free = not any(each.matches for each in rules)
    obstacle = _obstacle(channel, explanation, at=at)
    answers = is_free and not obstacle
    reason = "answers: no handler's rule takes the scene" if is_free else "counts; a handler's rule answers"
    own = Candidate(_RULE, _named(channel), _place(channel), not obstacle, obstacle or reason)
    if answers:
        fallbacks = [replace(each, reason="would answer without the channel") for each in fallbacks]
    winner = own.handler if answers else explanation.winner
    return replace(explanation, winner=winner, candidates=(*rules, own, *fallbacks))


def _obstacle(channel: Channel, explanation: Explanation, *, at: int) -> str:
    state = channel.state(at)
    if state is not State.LIVE:
        return _STATES[state]
    is_said = channel.reply is not None or (explanation.when == "follow" and channel.reply_new is not None)
    return "" if is_said else "only counts and tags: it has no reply for these people"


def _handler(channel: Channel, reply: Reply) -> Handler:
    return Handler(
        name=_named(channel),
        plugin=PLUGIN,
        function=lambda _scan: reply,
        location=_place(channel),
        needs=(),
        captured=frozenset(),
        is_claimed=False,
        supplies=_SUPPLIES,
    )


def _named(channel: Channel) -> str:
    return f"{PLUGIN}.{channel.name}"


def _place(channel: Channel) -> str:
    return f"wxbot channels show {channel.name}"
