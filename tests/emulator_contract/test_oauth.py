"""A client of web OAuth that nobody here wrote is served; on WeChat itself it needs a person with a phone."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from requests.adapters import HTTPAdapter
from wechatpy.exceptions import WeChatOAuthException
from wechatpy.oauth import WeChatOAuth

from wxbot.emulator.world import World

BACK = "http://pages.example/back?a=1"
AILIN = "Ailin 爱琳"


@pytest.fixture
def world(api: Any) -> Iterator[World]:
    """Return the emulated platform with a domain for web OAuth."""
    world: World | None = api.world
    if world is None:
        pytest.skip("needs a person: the page of web OAuth opens on a phone only")
    before = world.account
    world.account = replace(before, oauth_domain="pages.example")
    yield world
    world.account = before


@pytest.fixture
def ailin(world: World) -> str:
    return next(person.openid for person in world.people.values() if person.name == AILIN)


@pytest.fixture
def log_in(api: Any, world: World, ailin: str, redirected: Callable[[], HTTPAdapter]) -> Callable[..., Any]:
    """Let Ailin open the page of a scope with wechatpy's own address; return the client and the code."""

    def go(scope: str) -> tuple[WeChatOAuth, str]:
        oauth = WeChatOAuth(api.appid, api.secret, BACK, scope=scope, state="abc")
        oauth._http.trust_env = False
        for base in ("https://api.weixin.qq.com", "https://open.weixin.qq.com"):
            oauth._http.mount(base, redirected())
        cookie = {"Cookie": f"wx_person={ailin}"}
        page = oauth._http.get(oauth.authorize_url, headers=cookie, allow_redirects=False, timeout=10)
        back = page.headers.get("Location") or page.text.partition('href="http://pages')[2].partition('"')[0]
        return oauth, parse_qs(urlsplit(back.replace("&amp;", "&")).query)["code"][0]

    return go


def test_wechatpy_learns_who_opened_the_page(log_in: Callable[..., Any], ailin: str) -> None:
    oauth, code = log_in("snsapi_base")

    told = oauth.fetch_access_token(code)

    assert (told["openid"], told["scope"]) == (ailin, "snsapi_base")
    assert oauth.check_access_token()
    with pytest.raises(WeChatOAuthException) as refused:
        oauth.fetch_access_token(code)
    assert refused.value.errcode == 40163


def test_wechatpy_reads_what_the_person_agreed_to(log_in: Callable[..., Any], ailin: str) -> None:
    oauth, code = log_in("snsapi_userinfo")
    first = oauth.fetch_access_token(code)["access_token"]

    person = oauth.get_user_info()
    renewed = oauth.refresh_access_token(oauth.refresh_token)

    assert (person["openid"], person["nickname"]) == (ailin, AILIN)
    assert renewed["openid"] == ailin and renewed["access_token"] != first
    assert oauth.check_access_token()
