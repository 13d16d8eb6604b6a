"""The client of web OAuth against the emulator, and against answers that no WeChat should give."""

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from wxbot.emulator.grants import Grant
from wxbot.emulator.rules import Rules, Trouble
from wxbot.emulator.threaded import Running, run_emulator
from wxbot.emulator.world import APPID, SECRET, Account, World
from wxbot.errors import ConfigurationError
from wxbot.wechat.api import ApiAccount
from wxbot.wechat.errcodes import ApiError, CodeRefusedError, UnreachableError
from wxbot.wechat.http import Answer
from wxbot.wechat.oauth import OAuth

BACK = "https://bot.example/link/back?account=default&name=小店"


@pytest.fixture
def world() -> World:
    return World(account=Account(oauth_domain="bot.example"))


@pytest.fixture
def running(world: World) -> Iterator[Running]:
    with run_emulator(world) as running:
        yield running


def account_at(url: str, *, secret: str = SECRET) -> ApiAccount:
    return ApiAccount(name="default", appid=APPID, secret=secret, api_base=url, mp_base=url, open_base=url)


@pytest.fixture
def oauth(running: Running) -> OAuth:
    return OAuth(account_at(running.url))


@pytest.fixture
def new_code(world: World) -> Callable[..., str]:
    """Let Ailin grant something, as the page would."""
    ailin = next(iter(world.people.values()))

    def make(**more: Any) -> str:
        grant = Grant(**{"openid": ailin.openid, "name": ailin.name, "scope": "snsapi_base", **more})
        return world.grants.new_code(grant, world.clock.now())

    return make


def test_address_is_written_as_wechat_compares_it() -> None:
    oauth = OAuth(ApiAccount(name="default", appid="wx0000000000000001", secret="s"))

    assert oauth.authorize_url("https://bot.example/link/back?a=1&b=x y", "abc123") == (
        "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx0000000000000001"
        "&redirect_uri=https%3A%2F%2Fbot.example%2Flink%2Fback%3Fa%3D1%26b%3Dx%20y"
        "&response_type=code&scope=snsapi_base&state=abc123#wechat_redirect"
    )
    assert "&scope=snsapi_userinfo&" in oauth.authorize_url("https://a.example/", "1", "snsapi_userinfo")


@pytest.mark.parametrize("state", ["", "a-b", "a_b", "a" * 129, "é", "a\n"])
def test_state_that_wechat_would_not_carry_is_refused(oauth: OAuth, state: str) -> None:
    with pytest.raises(ValueError, match="state must be"):
        oauth.authorize_url(BACK, state)


@pytest.mark.parametrize("address", ["", "/link", "ftp://a.example/", "https:///x", "https://a.example/#x"])
def test_address_that_is_none_is_refused(oauth: OAuth, address: str) -> None:
    with pytest.raises(ValueError, match="redirect_uri must be"):
        oauth.authorize_url(address, "abc")


def test_base_that_is_not_safe_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="open_base"):
        ApiAccount(name="default", appid="wx1", secret="s", open_base="http://open.example")


def test_person_comes_back_through_the_page(oauth: OAuth, world: World) -> None:
    ailin = next(iter(world.people))

    answer = requests.get(
        oauth.authorize_url(BACK, "abc123"), cookies={"wx_person": ailin}, allow_redirects=False, timeout=5
    )

    found = re.fullmatch(
        r"https://bot\.example/link/back\?account=default&name=.+&code=(\w+)&state=abc123",
        answer.headers["Location"],
    )
    assert found
    person = oauth.exchange(found[1])
    assert (person.openid, person.is_snapshot, person.scope, person.unionid) == (
        ailin,
        False,
        "snsapi_base",
        "",
    )
    assert ailin not in repr(person)


def test_snapshot_person_and_unionid_are_told(
    oauth: OAuth, world: World, new_code: Callable[..., str]
) -> None:
    world.rules = Rules(tells_unionids=True)

    person = oauth.exchange(new_code(scope="snsapi_userinfo", is_snapshot=True))

    assert person.is_snapshot and person.scope == "snsapi_userinfo" and len(person.unionid) == 28


def test_code_that_is_used_old_or_made_up_is_refused(
    oauth: OAuth, world: World, new_code: Callable[..., str]
) -> None:
    used, old = new_code(), new_code()
    oauth.exchange(used)
    errcodes = []

    def refuse(code: str) -> None:
        with pytest.raises(CodeRefusedError) as refused:
            oauth.exchange(code)
        errcodes.append(refused.value.errcode)
        assert refused.value.call == "sns/oauth2/access_token"
        assert len(code) < 9 or code not in str(refused.value)

    refuse(used)
    world.clock.offset_seconds += 300
    refuse(old)
    refuse("071nonsense")
    assert errcodes == [40163, 40029, 40029]


@pytest.mark.parametrize("code", ["", " ", "a b", "x" * 513, "微信", "a\nb"])
def test_what_was_never_a_code_is_not_sent(oauth: OAuth, world: World, code: str) -> None:
    with pytest.raises(CodeRefusedError):
        oauth.exchange(code)

    assert world.asked["sns/oauth2/access_token"] == 0


def test_wrong_secret_is_told_without_it(running: Running, new_code: Callable[..., str]) -> None:
    with pytest.raises(ApiError, match="check `secret`") as refused:
        OAuth(account_at(running.url, secret="canary-secret")).exchange(new_code())

    assert refused.value.errcode == 40125 and "canary" not in str(refused.value)


def test_neither_log_nor_error_has_code_secret_or_openid(
    running: Running, world: World, new_code: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    oauth, code = OAuth(account_at(running.url)), new_code()
    person = oauth.exchange(code)
    world.trouble = Trouble(api_faults=("sns/oauth2/access_token=reset",))

    with pytest.raises(UnreachableError) as broken:
        oauth.exchange(code)

    told = caplog.text + str(broken.value) + repr(broken.value)
    assert "sns/oauth2/access_token" in caplog.text, "the library's own lines are looked at as well"
    assert code not in told and person.openid not in told and f"secret={SECRET}" not in told


class Says:
    """Answers every call with the same bytes."""

    def __init__(self, content: bytes, status: int = 200) -> None:
        self._answer = Answer(status=status, content=content)

    def send(self, *_: Any, **__: Any) -> Answer:
        """Answer one call."""
        return self._answer


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"openid":""}',
        b'{"openid":7}',
        b'{"openid":"a b"}',
        b'{"errcode":"40029"}',
        b"<html>",
    ],
)
def test_answer_without_an_openid_is_not_wechats(content: bytes) -> None:
    oauth = OAuth(account_at("http://127.0.0.1:9"), Says(content))  # type: ignore[arg-type]

    with pytest.raises(UnreachableError):
        oauth.exchange("071abc")


@pytest.mark.parametrize(
    ("told", "is_snapshot"),
    [("1", True), ('"1"', True), ("true", True), ("2", True), ("0", False), ('"0"', False), ("false", False)],
)
def test_only_a_plain_no_is_no_snapshot(*, told: str, is_snapshot: bool) -> None:
    content = f'{{"openid":"oAilin","scope":7,"unionid":null,"is_snapshotuser":{told}}}'.encode()
    oauth = OAuth(account_at("http://127.0.0.1:9"), Says(content))  # type: ignore[arg-type]

    person = oauth.exchange("071abc")

    assert (person.is_snapshot, person.scope, person.unionid) == (is_snapshot, "", "")
