"""What an address names: a channel or a promoter of the account, or nothing that is there."""

from flask import abort

from wxbot.admin.figure_parts import FigureParts
from wxbot.admin.visit import Visit
from wxbot.channels.channel import Channel, ChannelUnknownError
from wxbot.channels.promoter import Promoter


def channel_of(parts: FigureParts, visit: Visit, name: str) -> Channel:
    """Return a channel of the visited account; a page that says there is none otherwise."""
    try:
        return parts.channels.book.find(visit.account, _asked(name))
    except ChannelUnknownError:
        abort(404)


def promoter_of(parts: FigureParts, visit: Visit, name: str) -> Promoter:
    """Return a promoter of the visited account; a page that says there is none otherwise."""
    try:
        return parts.channels.promoters.find(visit.account, _asked(name))
    except ChannelUnknownError:
        abort(404)


def _asked(name: str) -> str:
    """Return a name that can be looked for: not every database takes a NUL."""
    if not name.isprintable():
        abort(404)
    return name
