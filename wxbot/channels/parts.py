"""The parts of channels, put together for a bot."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from wxbot.channels.answers import ChannelAnswers
from wxbot.channels.people import ChannelListener
from wxbot.channels.promoters import Promoters
from wxbot.channels.store import Channels, NumberBook
from wxbot.channels.view import ChannelView


@dataclass(frozen=True, kw_only=True)
class ChannelParts:
    """The book of channels and that of promoters, what answers in memory, and who counts.

    The view is up to date from the first `view.refresh`, and stays so after `view.start`.
    """

    book: Channels
    promoters: Promoters
    view: ChannelView
    answers: ChannelAnswers
    listener: ChannelListener


def channel_parts(
    engine: Engine, *, check_scene: Callable[[str], object], numbers: NumberBook
) -> ChannelParts:
    """Return the parts on one database; a change made through `book` is in the view at once."""
    view = ChannelView(engine)
    answers = ChannelAnswers(view)
    book = Channels(engine, check_scene=check_scene, numbers=numbers, changed=view.refresh_if_possible)
    return ChannelParts(
        book=book,
        promoters=Promoters(engine),
        view=view,
        answers=answers,
        listener=ChannelListener(answers),
    )
