"""What kind of year is made: how large, of which account, and until when."""

import base64
from dataclasses import dataclass
from hashlib import sha256
from random import Random

DAY_SECONDS = 86_400
# The people of the year live by China's clock, which is never put forward or back.
CHINA_SECONDS = 8 * 3600

# What a person causes on average, what fakes cause included; counted in years that were made.
_EVENTS_PER_PERSON = 2.4
_EVENTS_PER_CHANNEL = 2000
_FEWEST_CHANNELS = 24
_MOST_CHANNELS = 5000
_CHANNELS_PER_PROMOTER = 8
_FEWEST_PROMOTERS = 6


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A year that is to be made; the same plan makes the same year, row for row.

    `events`: about so many. `until`: when it ends, in seconds since 1970, not included.
    """

    events: int
    until: int
    account: str = "default"
    seed: int = 1
    days: int = 365

    @property
    def since(self) -> int:
        """When it begins, in seconds since 1970."""
        return self.until - self.days * DAY_SECONDS

    @property
    def people(self) -> int:
        """How many people come, without fakes."""
        return max(1, round(self.events / _EVENTS_PER_PERSON))

    @property
    def channels(self) -> int:
        """How many channels there are."""
        return min(_MOST_CHANNELS, max(_FEWEST_CHANNELS, self.events // _EVENTS_PER_CHANNEL))

    @property
    def promoters(self) -> int:
        """How many promoters there are."""
        return max(_FEWEST_PROMOTERS, self.channels // _CHANNELS_PER_PROMOTER)

    def random(self, *what: object) -> Random:
        """Return the source of chance of one part of the year: no part disturbs another."""
        return Random(repr((self.seed, self.account, *what)))

    def token(self, *what: object) -> str:
        """Return 43 letters, digits, _ or - that stand for one thing of the year."""
        text = repr((self.seed, self.account, *what))
        return base64.urlsafe_b64encode(sha256(text.encode()).digest()).decode().rstrip("=")

    def openid(self, number: int) -> str:
        """Return the openid of the person with this number, of the usual form."""
        return f"o{self.token('person', number)[:27]}"
