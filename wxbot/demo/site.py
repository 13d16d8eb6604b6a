"""The shop as a whole: its addresses, its stock, and its connection to the bot once there is one."""

from collections import deque
from dataclasses import dataclass, field

from wxbot.demo.book import Book
from wxbot.demo.bot_api import BotApi, BotError, Diary
from wxbot.demo.hooks import Hooks
from wxbot.demo.stock import Stock

NAME = "wxbot dev: demo shop"
KEPT_LOGINS = 1000
KINDS = (
    "follow",
    "unfollow",
    "scan",
    "claim.claimed",
    "claim.confirmed",
    "claim.cancelled",
    "claim.released",
    "claim.expired",
    "binding.made",
    "binding.ended",
)


@dataclass(kw_only=True)
class Site:
    """What the views share. `url` is where browsers find the shop, `phone_url` the emulated phone.

    `hooks` opens what the bot tells, `lookups` what it asks; each has a secret of its own. `ended_logins` are
    those that their people have taken back; like them, a session ends with the process at the latest.
    """

    url: str
    bot_url: str
    phone_url: str
    stock: Stock = field(default_factory=Stock)
    diary: Diary = field(default_factory=Diary)
    hooks: Hooks = field(default_factory=Hooks)
    lookups: Hooks = field(default_factory=Hooks)
    ended_logins: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LOGINS))
    _connection: tuple[BotApi, Book] | None = None

    def connect(self, key: str) -> None:
        """Use this API key from now on; before the first one, pages that need the bot say that it starts."""
        api = BotApi(self.bot_url, key, self.diary)
        self._connection = (api, Book(api, has_webhooks=lambda: bool(self.hooks.secret)))

    def subscribe(self) -> None:
        """Have the bot tell the shop what happens; without it, the shop asks more often."""
        try:
            self.hooks.secret = self.api.subscribe(f"{self.url}/hooks", KINDS, NAME)
        except BotError:
            # In the diary, where the page shows it.
            self.hooks.secret = ""

    @property
    def api(self) -> BotApi:
        """The bot's API; BotError before there is a key."""
        return self._connected()[0]

    @property
    def book(self) -> Book:
        """The shop's claims and links; BotError before there is a key."""
        return self._connected()[1]

    @property
    def is_connected(self) -> bool:
        """Tell whether there is a key."""
        return self._connection is not None

    def _connected(self) -> tuple[BotApi, Book]:
        if self._connection is None:
            raise BotError(0, "there is no key yet")
        return self._connection
