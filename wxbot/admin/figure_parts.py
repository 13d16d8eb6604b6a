"""What the pages of figures and channels are made of, and what they share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import request

from wxbot.admin.periods import LONGEST_DAYS, Asked, asked_for
from wxbot.admin.visit import Visit
from wxbot.analytics.figures import Figures
from wxbot.analytics.shapes import EARLIEST, LATEST
from wxbot.channels.parts import ChannelParts
from wxbot.qrcodes.living import LivingCodes
from wxbot.qrcodes.mint import Minter

# Names that a field of a form offers; more would make the page heavy, and any name can be typed.
MOST_OFFERED = 200


@dataclass(frozen=True, kw_only=True)
class FigureParts:
    """The books of a bot, and its figures. `public_url` may be empty."""

    figures: Figures
    channels: ChannelParts
    minter: Minter
    living: LivingCodes
    public_url: str
    now: Callable[[], datetime]

    @property
    def seconds(self) -> int:
        """Return the time, in seconds since 1970."""
        return int(self.now().timestamp())

    def asked(self, visit: Visit) -> Asked:
        """Return the period of the request; dates that cannot be are said above the page."""
        asked = asked_for(request.args, self.figures.today())
        if asked.is_wrong:
            visit.tell("wrong_period", LONGEST_DAYS, EARLIEST, LATEST, tone="warn")
        return asked
