"""Web OAuth as the sheet has it: the page, its numbers, codes for five minutes and one call, two scopes."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask.testing import FlaskClient

from wxbot.emulator.rules import Rules, Trouble
from wxbot.emulator.server import create_emulator
from wxbot.emulator.world import World

APPID, SECRET = "wx0000000000000001", "secret"
RIGHT = {
    "appid": APPID,
    "redirect_uri": "http://bot.example/link/back?a=1",
    "response_type": "code",
    "scope": "snsapi_base",
    "state": "abc123",
}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
Open = Callable[..., Any]
Call = Callable[..., Any]


@pytest.fixture
def client(world: World) -> FlaskClient:
    return create_emulator(world).test_client()


@pytest.fixture
def open_page(client: FlaskClient, who: Callable[[str], str]) -> Open:
    """Open the page on somebody's phone with some parameters changed; empty ones are left out."""

    def open_it(name: str = "Ailin", *, headers: Any = None, **changes: str) -> Any:
        client.set_cookie("wx_person", who(name), path="/connect")
        query = {name: value for name, value in {**RIGHT, **changes}.items() if value}
        return client.get(f"/connect/oauth2/authorize?{urlencode(query)}", headers=headers or {})

    return open_it


@pytest.fixture
def call(client: FlaskClient) -> Call:
    """Call one of the paths under /sns/."""

    def run(path: str, **query: str) -> Any:
        answer = client.get(f"/sns/{path}", query_string={k: v for k, v in query.items() if v})
        assert answer.status_code == 200
        return json.loads(answer.data)

    return run


@pytest.fixture
def exchange(call: Call) -> Call:
    """Exchange a code with some parameters changed."""
    right = {"appid": APPID, "secret": SECRET, "grant_type": "authorization_code"}
    return lambda used, **changes: call("oauth2/access_token", **{**right, "code": used, **changes})


def brought(answer: Any) -> dict[str, str]:
    """Return what a redirection brings to the site."""
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def code_of(answer: Any) -> str:
    return brought(answer)["code"]


def test_silent_scope_brings_code_and_state(open_page: Open, exchange: Call, who: Any) -> None:
    answer = open_page("Bo")

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("http://bot.example/link/back?a=1&code=")
    assert brought(answer)["state"] == "abc123"
    told = exchange(code_of(answer))
    assert (told["openid"], told["scope"], told["expires_in"]) == (who("Bo"), "snsapi_base", 7200)
    assert "unionid" not in told and "is_snapshotuser" not in told


def test_browser_gets_a_page_that_looks_at_the_fragment(open_page: Open) -> None:
    answer = open_page(headers=BROWSER)

    assert answer.status_code == 200
    page = answer.get_data(as_text=True)
    assert "data-checks-fragment" in page and "link/back?a=1&amp;code=" in page
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_code_works_once_and_for_five_minutes(open_page: Open, exchange: Call, time: Any) -> None:
    used, old = code_of(open_page()), code_of(open_page())
    exchange(used)

    assert exchange(used)["errcode"] == 40163
    time.seconds += 299
    assert "openid" in exchange(code_of(open_page()))
    time.seconds += 1
    assert exchange(old)["errcode"] == 40029
    assert exchange(used)["errcode"] == 40029
    assert exchange("071nonsense")["errcode"] == 40029


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"appid": ""}, 41002),
        ({"appid": "wx9"}, 40013),
        ({"secret": ""}, 41004),
        ({"secret": "wrong"}, 40125),
        ({"code": ""}, 41008),
        ({"grant_type": "client_credential"}, 40002),
    ],
)
def test_exchange_with_a_wrong_parameter_is_refused(
    open_page: Open, exchange: Call, changes: dict[str, str], errcode: int
) -> None:
    code = code_of(open_page())

    assert exchange(code, **changes)["errcode"] == errcode
    assert "openid" in exchange(code), "a refused call does not use the code up"


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"scope": ""}, "10010"),
        ({"redirect_uri": ""}, "10011"),
        ({"appid": ""}, "10012"),
        ({"state": ""}, "10013"),
        ({"appid": "wx9"}, "appid"),
        ({"scope": "snsapi_login"}, "10005"),
        ({"state": "a-b"}, "state"),
        ({"state": "a" * 129}, "state"),
        ({"state": "微信"}, "state"),
        ({"redirect_uri": "http://elsewhere.example/"}, "10003"),
        ({"redirect_uri": "http://sub.bot.example/"}, "10003"),
        ({"redirect_uri": "http://example/"}, "10003"),
        ({"redirect_uri": "http://bot.example:8000/"}, "10003"),
        ({"redirect_uri": "http://bot.example@elsewhere.example/"}, "10003"),
        ({"redirect_uri": "//bot.example/"}, "10003"),
        ({"redirect_uri": "http://[bad/"}, "10003"),
    ],
)
def test_page_with_a_wrong_parameter_shows_its_number(
    open_page: Open, changes: dict[str, str], shown: str
) -> None:
    answer = open_page(**changes)

    assert answer.status_code == 200
    assert f'data-code="{shown}"' in answer.get_data(as_text=True)


def test_order_of_the_parameters_is_checked(client: FlaskClient, open_page: Open) -> None:
    open_page()
    swapped = urlencode(dict(reversed(RIGHT.items())))
    more = f"{urlencode(RIGHT)}&uin=MTM%3D&key=1"

    answers = [client.get(f"/connect/oauth2/authorize?{query}") for query in (swapped, more)]

    assert [answer.status_code for answer in answers] == [200, 302]
    assert 'data-code="order"' in answers[0].get_data(as_text=True)


def test_domain_can_be_named_and_its_port_switched(
    client: FlaskClient, world: World, open_page: Open
) -> None:
    client.post("/control/account", json={"oauth_domain": "pages.example"})
    named = [
        open_page(redirect_uri=f"https://{host}/").status_code for host in ("pages.example", "bot.example")
    ]
    with_port = open_page(redirect_uri="https://pages.example:8443/").status_code
    world.rules = Rules(checks_redirect_port=False)

    assert (named, with_port) == ([302, 200], 200)
    assert open_page(redirect_uri="https://pages.example:8443/").status_code == 302


def test_account_that_may_not_and_person_who_does_not_follow(open_page: Open, world: World) -> None:
    world.rules = Rules(oauth_only_for_followers=True)
    follower, stranger = open_page("Ailin"), open_page("Bo")
    world.rules = Rules(is_verified_service=False)
    forbidden = open_page("Ailin")

    assert follower.status_code == 302
    assert 'data-code="10006"' in stranger.get_data(as_text=True)
    assert 'data-code="10005"' in forbidden.get_data(as_text=True)


def test_unknown_phone_is_asked_whose_it_is(client: FlaskClient, open_page: Open) -> None:
    open_page()
    client.delete_cookie("wx_person", path="/connect")

    page = client.get(f"/connect/oauth2/authorize?{urlencode(RIGHT)}").get_data(as_text=True)

    assert 'data-testid="oauth-who"' in page and "oauth-as-Ailin" in page


def test_larger_scope_asks_and_tells_more(
    open_page: Open, exchange: Call, call: Call, world: World, who: Any
) -> None:
    world.rules = Rules(tells_unionids=True)

    page = open_page("Bo", scope="snsapi_userinfo")

    html = page.get_data(as_text=True)
    assert page.status_code == 200 and "oauth-allow" in html
    assert 'href="http://bot.example/link/back?a=1&amp;state=abc123"' in html, "refusing brings no code"
    told = exchange(html.partition("amp;code=")[2].partition("&")[0])
    assert told["scope"] == "snsapi_userinfo" and len(told["unionid"]) == 28
    person = call("userinfo", access_token=told["access_token"], openid=who("Bo"), lang="zh_CN")
    assert (person["openid"], person["nickname"], person["privilege"]) == (who("Bo"), "Bo 小博", [])
    assert person["unionid"] == told["unionid"]


def test_snapshot_page_gives_a_made_up_person(
    open_page: Open, exchange: Call, call: Call, world: World
) -> None:
    world.trouble = Trouble(snapshot_page=True)

    answers = [open_page("Ailin"), open_page("Ailin", scope="snsapi_userinfo")]

    told = [exchange(code_of(answer)) for answer in answers]
    assert [each["is_snapshotuser"] for each in told] == [1, 1]
    assert not {each["openid"] for each in told} & set(world.people)
    seen = call("userinfo", access_token=told[1]["access_token"], openid=told[1]["openid"])
    assert seen["nickname"] == "微信用户"


def test_tokens_are_checked_refreshed_and_expire(
    open_page: Open, exchange: Call, call: Call, who: Any, time: Any
) -> None:
    told = exchange(code_of(open_page()))
    token, ailin = told["access_token"], who("Ailin")
    renew = {"appid": APPID, "grant_type": "refresh_token"}

    def auth(token: str = token, openid: str = ailin) -> int:
        return int(call("auth", access_token=token, openid=openid)["errcode"])

    assert (auth(), auth(openid=who("Bo")), auth(token="x"), auth(token="")) == (0, 40003, 40001, 41001)
    assert call("userinfo", access_token=token, openid=ailin)["errcode"] == 48001
    time.seconds += 7200
    assert auth() == 42001
    renewed = call("oauth2/refresh_token", **renew, refresh_token=told["refresh_token"])
    assert (auth(token=renewed["access_token"]), renewed["openid"]) == (0, ailin)
    assert call("oauth2/refresh_token", **renew, refresh_token="x")["errcode"] == 40030
    assert call("oauth2/refresh_token", **renew)["errcode"] == 41003
    assert call("oauth2/refresh_token", appid=APPID)["errcode"] == 40002
    time.seconds += 30 * 86400
    assert call("oauth2/refresh_token", **renew, refresh_token=told["refresh_token"])["errcode"] == 42002


def test_token_of_the_api_is_another_thing(exchange: Call, call: Call, world: World, who: Any) -> None:
    of_the_api, _ = world.tokens.issue_stable(world.clock.now())

    assert call("auth", access_token=of_the_api, openid=who("Ailin"))["errcode"] == 40001


def test_trouble_befalls_these_calls_and_the_ledger_keeps_no_code(
    open_page: Open, exchange: Call, world: World
) -> None:
    code = code_of(open_page())
    world.trouble = Trouble(api_faults=("sns/oauth2/access_token=40163",))
    refused = exchange(code)
    world.trouble = Trouble()

    assert refused["errcode"] == 40163
    assert "openid" in exchange(code)
    calls = world.ledger.calls("sns/oauth2/access_token")
    assert [each.errcode for each in calls] == [40163, 0]
    assert not {"code", "secret"} & set(calls[0].query) and code not in str(calls)
