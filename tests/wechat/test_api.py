"""The API client against the emulator on a port: codes, images, tokens that are refused, answers in words."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from wxbot.emulator.threaded import Running, run_emulator
from wxbot.emulator.world import APPID, SECRET, World
from wxbot.errors import ConfigurationError
from wxbot.wechat.api import ApiAccount, ApiClient
from wxbot.wechat.errcodes import (
    ApiError,
    BusyError,
    NotAllowedError,
    QuotaError,
    TicketUnknownError,
    TokenRefusedError,
)

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


class Issued:
    """Takes its tokens from the world itself and counts the refused ones."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.refusals: list[str] = []
        self._token = self._new()

    def current(self) -> str:
        """Return the token as it is."""
        return self._token

    def refused(self, token: str) -> str:
        """Issue another one."""
        self.refusals.append(token)
        self._token = self._new()
        return self._token

    def _new(self) -> str:
        return self._world.tokens.issue_classic(self._world.clock.now())[0]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def running(world: World) -> Iterator[Running]:
    with run_emulator(world) as running:
        yield running


@pytest.fixture
def issued(world: World) -> Issued:
    return Issued(world)


@pytest.fixture
def client(running: Running, issued: Issued) -> ApiClient:
    account = ApiAccount(
        name="default", appid=APPID, secret=SECRET, api_base=running.url, mp_base=running.url
    )
    # Its time stands still: however long the machine takes, a busy WeChat is asked again.
    return ApiClient(account, token=issued, now=lambda: NOW, sleep=lambda _: None)


@pytest.mark.parametrize(
    ("scene", "is_permanent", "expires_in", "kind"),
    [
        (4294967295, False, 60, "QR_SCENE"),
        ("shop:7", False, 2592000, "QR_STR_SCENE"),
        (100000, True, None, "QR_LIMIT_SCENE"),
        ("door", True, None, "QR_LIMIT_STR_SCENE"),
    ],
)
def test_all_four_kinds_are_minted(
    client: ApiClient, world: World, *, scene: int | str, is_permanent: bool, expires_in: int, kind: str
) -> None:
    ticket = client.create_qrcode(scene=scene, is_permanent=is_permanent, expires_in=expires_in)

    minted = world.codes.minted[ticket.ticket]
    assert (minted.kind, minted.scene, minted.url) == (kind, str(scene), ticket.url)
    assert ticket.expires_in == expires_in


def test_image_of_a_ticket_is_fetched(client: ApiClient) -> None:
    ticket = client.create_qrcode(scene="door", is_permanent=False, expires_in=60)

    assert client.show_qrcode(ticket.ticket)[:2] == b"\xff\xd8"


def test_unknown_ticket_has_no_image(client: ApiClient) -> None:
    with pytest.raises(TicketUnknownError, match="expired"):
        client.show_qrcode("gQ/+a==")
    assert client.show_qrcode_url("gQ/+a==").endswith("?ticket=gQ%2F%2Ba%3D%3D")


def test_stale_token_is_renewed_once_and_the_call_repeated_once(
    client: ApiClient, world: World, issued: Issued
) -> None:
    world.tokens.expire_all(world.clock.now())

    client.create_qrcode(scene="door", is_permanent=False, expires_in=60)

    assert len(issued.refusals) == 1


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
def test_token_that_is_refused_twice_is_an_error(
    client: ApiClient, world: World, issued: Issued, errcode: int
) -> None:
    world.trouble = type(world.trouble)(api_errors=(errcode,) * 3)

    with pytest.raises(TokenRefusedError, match=str(errcode)):
        client.create_qrcode(scene="door", is_permanent=False, expires_in=60)

    assert len(issued.refusals) == 1
    assert world.trouble.api_errors == (errcode,)


def test_busy_platform_is_asked_twice_more(client: ApiClient, world: World) -> None:
    world.trouble = type(world.trouble)(api_errors=(-1, -1))

    assert client.create_qrcode(scene="door", is_permanent=False, expires_in=60).ticket

    world.trouble = type(world.trouble)(api_errors=(-1,) * 3)
    with pytest.raises(BusyError):
        client.create_qrcode(scene="door", is_permanent=False, expires_in=60)


@pytest.mark.parametrize(
    ("errcode", "kind", "words"),
    [
        (48001, NotAllowedError, "verified service account"),
        (45009, QuotaError, "begin anew at"),
        (45029, ApiError, "used up"),
        (12345, ApiError, "12345"),
    ],
)
def test_error_codes_become_exceptions_that_say_what_to_do(
    client: ApiClient, world: World, *, errcode: int, kind: type[ApiError], words: str
) -> None:
    world.trouble = type(world.trouble)(api_errors=(errcode,))

    with pytest.raises(kind, match=words) as refused:
        client.create_qrcode(scene="door", is_permanent=False, expires_in=60)

    assert refused.value.errcode == errcode
    assert len(refused.value.rid) == 26


@pytest.mark.parametrize("base", ["http://api.weixin.qq.com", "ftp://127.0.0.1", "api.weixin.qq.com"])
def test_secrets_are_not_sent_in_clear(base: str) -> None:
    with pytest.raises(ConfigurationError, match="https") as refused:
        ApiAccount(name="default", appid=APPID, secret="canary-secret", api_base=base)

    assert "canary" not in str(refused.value)
