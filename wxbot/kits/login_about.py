"""Where and when a browser wants to log in, as the person reads it who confirms it."""

import logging
from collections.abc import Callable

from wxbot.clock import CHINA, there
from wxbot.kits.languages import CHINESE, ENGLISH
from wxbot.web.browser import shortened

_LONGEST_PLACE = 40
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
log = logging.getLogger(__name__)


def place_of(address: str, resolver: Callable[[str], object] | None) -> str:
    """Return the place in the resolver's words, or the shortened address where it has none."""
    if resolver is None or not address:
        return shortened(address)
    try:
        place = resolver(address)
    # Foreign code; what it raises may name the address, so only the kind is logged.
    except Exception as error:
        log.error("the resolver of places failed with %s; the address is shown", type(error).__name__)
        place = None
    shown = (
        "".join(char for char in place if char.isprintable())[:_LONGEST_PLACE]
        if isinstance(place, str)
        else ""
    )
    return shown.strip() or shortened(address)


def time_of(seconds: int, language: str = CHINESE) -> str:
    """Return a moment in China's time."""
    moment = there(seconds, CHINA)
    if language == ENGLISH:
        return f"{_MONTHS[moment.month - 1]} {moment.day}, {moment:%H:%M} (China)"
    return f"{moment.month}月{moment.day}日 {moment:%H:%M}"
