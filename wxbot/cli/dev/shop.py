"""The demo shop of a session: on a port of its own, with a key for the bot's API made for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from wxbot import settings
from wxbot.api.keys import Keys
from wxbot.cli.dev.setup import Setup, ShopPlace
from wxbot.db.engine import open_engine
from wxbot.demo.bot_api import ACCOUNT
from wxbot.demo.shop import create_shop
from wxbot.demo.site import NAME, Site
from wxbot.emulator.threaded import Running
from wxbot.webhooks.addresses import Rules
from wxbot.webhooks.signing import new_secret
from wxbot.webhooks.store import Webhooks

# What a site of this kind needs, and nothing more.
SCOPES = (
    *("claims:read", "claims:write", "bindings:read", "bindings:write"),
    *("messages:write", "webhooks:read", "webhooks:write"),
)


class DemoShop:
    """The shop while it runs; use it as a context."""

    def __init__(self, *, host: str, port: int, bot_url: str, phone_url: str) -> None:
        self._site = Site(url="", bot_url=bot_url, phone_url=phone_url)
        self._running = Running(create_shop(self._site), host=host, port=port)
        self._site.url = f"http://127.0.0.1:{self._running.port}"
        self._site.lookups.secret = new_secret()

    @property
    def url(self) -> str:
        """Where it is."""
        return self._site.url

    @property
    def place(self) -> ShopPlace:
        """What the bot is told of it."""
        return ShopPlace(url=self._site.url, lookup_secret=self._site.lookups.secret)

    def connect(self, setup: Setup) -> None:
        """Give the shop its key, once; the bot must have made its database."""
        if not self._site.is_connected:
            self._site.connect(_new_key(setup))
            self._site.subscribe()

    def __enter__(self) -> "DemoShop":
        return self

    def __exit__(self, *_: object) -> None:
        self._running.stop()


def forget_shop(setup: Setup) -> None:
    """Take back what the shop of a session before had: its key, and the webhook that nobody would answer."""
    with _database(setup) as engine:
        _revoke(Keys(engine))
        webhooks = Webhooks(engine, keys=(), rules=Rules())
        for before in webhooks.all():
            if before.description == NAME:
                webhooks.remove(before.id)


def _new_key(setup: Setup) -> str:
    """Make a key; the one of the session before is refused from now on."""
    with _database(setup) as engine:
        keys = Keys(engine)
        _revoke(keys)
        return keys.create(NAME, scopes=SCOPES, accounts=[ACCOUNT]).text


def _revoke(keys: Keys) -> None:
    for before in keys.all():
        if before.name == NAME and before.revoked_at is None:
            keys.revoke(before.id)


@contextmanager
def _database(setup: Setup) -> Iterator[Engine]:
    configured = settings.load(str(setup.config), env=setup.environment)
    engine = open_engine(configured.database.url.get_secret_value(), connections=1)
    try:
        yield engine
    finally:
        engine.dispose()
