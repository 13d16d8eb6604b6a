"""The client of a site that links accounts: a claim that is not exclusive, and the token from WeChat."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import fresh_database_url
from wxbot.api.keys import Keys
from wxbot.bindings.linking import Linking
from wxbot.client import Client, ConflictError, NotFoundError
from wxbot.emulator.threaded import Running
from wxbot.kits import link
from wxbot.testing import Wx


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Wx]:
    """Return a bot with the kit that links."""
    bot = Wx(tmp_path, plugins=[link.plugin], database_url=fresh_database_url(tmp_path))
    yield bot
    bot.close()


@pytest.fixture
def client(bot: Wx) -> Iterator[Client]:
    """Return a client of it."""
    with Running(bot.app) as running, Client(running.url, Keys(bot.bot.engine).create("site").text) as client:
        yield client


def token_of(bot: Wx, name: str) -> str:
    """Return the token that a browser of this person brings from WeChat."""
    parts = bot.bot
    return Linking(parts.engine, parts.claims, parts.bindings).offer("default", bot.user(name).openid)


def test_a_token_binds_the_user_who_is_logged_in(bot: Wx, client: Client) -> None:
    token, of_bo = token_of(bot, "ailin"), token_of(bot, "bo")

    binding = client.bindings.bind(token, "user-1")

    assert [each.id for each in client.bindings.all()] == [binding.id]
    with pytest.raises(NotFoundError):
        client.bindings.bind(token, "user-1")
    with pytest.raises(ConflictError):
        client.bindings.bind(of_bo, "user-1")
    assert client.bindings.bind(of_bo, "user-1", is_replacing=True).person != binding.person


def test_a_claim_to_link_has_a_page_and_is_not_exclusive(client: Client) -> None:
    made = client.claims.make("link", "user-1", data={"name": "李伟"})

    assert (made.is_exclusive, client.claims.make("order", "42").is_exclusive) == (False, True)
    assert made.page is not None and made.page.startswith("/link/")
