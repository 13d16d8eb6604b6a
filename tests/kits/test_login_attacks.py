"""Twelve ways to get into somebody else's account with a code, each with two cookie jars: none succeeds."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.kits.conftest import Site
from tests.kits.logging_in import RETURN_TO, SETTINGS, Browser, exchange
from wxbot import Plugin, TextMessage
from wxbot.bindings.claim import Offer, new_scene
from wxbot.kits import login

NO_GOOD = "这个登录二维码无效，或者已经失效。请刷新网页，重新扫码。"
chat = Plugin("chat")


@chat.message("text")
def anything(message: TextMessage) -> str:
    """Answer what no kit takes."""
    return "聊天"


@pytest.fixture
def site(start: Callable[..., Site]) -> Site:
    """Return a site with a login page and a bot that also chats, on two accounts."""
    account = {
        "appid": "wx00000000000000aa",
        "secret": "another",
        "token": "4fb7c2e91ad0586f",
        "mode": "plain",
    }
    return start([login.plugin, chat], plugins={"login": SETTINGS}, accounts={"second": account})


@pytest.fixture
def victim(site: Site) -> Browser:
    """Return the browser of somebody who wants to log in."""
    return Browser(site, "victim")


@pytest.fixture
def attacker(site: Site) -> Browser:
    """Return another browser."""
    return Browser(site, "attacker", address="198.51.100.9")


def test_the_right_way_leads_in(site: Site, victim: Browser) -> None:
    (ailin,) = site.people("Ailin")
    claim = victim.show()
    ailin.scan(claim.scene)
    ailin.say(victim.number())
    brought = victim.finish()

    told = exchange(site, brought["code"], victim.state)

    assert told.status_code == 200 and told.json["account"] == "default"
    assert brought["state"] == victim.state


def test_1_a_scan_alone_logs_nobody_in(site: Site, attacker: Browser) -> None:
    (ailin,) = site.people("Ailin")
    ailin.scan(attacker.show().scene)
    ailin.scan(attacker.site.claims.of_person("default", ailin.openid)[0].scene)
    ailin.say("好的")

    assert attacker.sees()["state"] == "scanned"
    assert attacker.finish() == {}
    assert "203.0" not in ailin.replies[0].text and "198.51.100.*" in ailin.replies[0].text


def test_2_numbers_are_not_guessed(site: Site, attacker: Browser) -> None:
    (ailin,) = site.people("Ailin")
    ailin.scan(attacker.show().scene)
    right = attacker.number()
    wrong = [f"{(int(right) - 1000 + step) % 9000 + 1000}" for step in (1, 2, 3)]

    said = [ailin.say(each).text for each in wrong]
    after = ailin.say(right)

    assert "还可以试 2 次" in said[0] and "还可以试 1 次" in said[1] and "已取消" in said[2]
    assert after.text == "聊天"
    assert attacker.sees() == {"state": "cancelled"} and attacker.finish() == {}


def test_3_one_confirmation_logs_one_browser_in(site: Site, victim: Browser, attacker: Browser) -> None:
    (ailin,) = site.people("Ailin")
    attacker.show()
    claim = victim.show()
    ailin.scan(claim.scene)
    ailin.say(victim.number())
    brought = victim.finish()

    doubled = [attacker.ask("finish", victim.token), attacker.ask("state", victim.token)]
    first = exchange(site, brought["code"], victim.state)
    again = [
        exchange(site, brought["code"], victim.state),
        exchange(site, victim.finish()["code"], victim.state),
    ]

    assert [each.status_code for each in doubled] == [403, 403] and attacker.finish() == {}
    assert first.status_code == 200 and [each.status_code for each in again] == [404, 404]


def test_4_swapped_cookies_are_worth_nothing(site: Site, victim: Browser, attacker: Browser) -> None:
    (ailin,) = site.people("Ailin")
    ailin.scan(victim.show().scene)
    attacker.show()
    mine, theirs = attacker.cookies(), victim.cookies()

    victim.plant(mine)
    attacker.plant(theirs)

    answers = [each.ask(what) for each in (victim, attacker) for what in ("state", "stream", "finish")]
    answers += [each.ask("code", each.page_token) for each in (victim, attacker)]
    assert {each.status_code for each in answers} == {403}
    assert len({each.text for each in answers}) == 1


def test_5_a_planted_session_ends_when_the_page_opens(site: Site, victim: Browser, attacker: Browser) -> None:
    (ailin,) = site.people("Ailin")
    planted = attacker.show()
    victim.plant(attacker.cookies())

    claim = victim.show()
    ailin.scan(claim.scene)
    ailin.say(victim.number())

    assert victim.cookies()["session"] != attacker.cookies()["session"]
    assert site.state(planted) == "cancelled"
    assert attacker.ask("state", victim.token).status_code == 403
    assert attacker.finish() == {} and attacker.ask("finish", victim.token).status_code == 403


def test_6_who_knows_the_id_learns_nothing(site: Site, victim: Browser, attacker: Browser) -> None:
    (ailin,) = site.people("Ailin")
    claim = victim.show()
    ailin.scan(claim.scene)
    attacker.show()

    known = [claim.id.hex(), claim.scene, claim.subject, victim.token, victim.page_token, "", 7, None, {}]
    answers = [attacker.ask(what, each or "") for each in known for what in ("state", "stream", "finish")]

    assert {each.status_code for each in answers} == {403}
    assert len({each.text for each in answers}) == 1


def test_7_nobody_confirms_for_another(site: Site, victim: Browser) -> None:
    ailin, bo = site.people("Ailin", "Bo")
    ailin.scan(victim.show().scene)

    bos = bo.say(victim.number())

    assert bos.text == "聊天"
    assert victim.sees()["state"] == "scanned" and victim.finish() == {}


def test_8_an_id_is_good_for_one_person_and_once(site: Site, victim: Browser, attacker: Browser) -> None:
    ailin, bo = site.people("Ailin", "Bo")
    old = victim.show()
    new = victim.show()
    ailin.scan(new.scene)

    answers = [bo.scan(old.scene), bo.scan(new.scene)]
    ailin.say(victim.number())
    answers += [bo.scan(new.scene), bo.scan(new_scene("login"))]

    assert {each.text for each in answers} == {NO_GOOD}
    assert site.holder(new) == ailin.openid
    assert exchange(site, victim.finish()["code"], victim.state).status_code == 200
    ailin.scan(new.scene)
    assert (
        site.state(new) == "confirmed"
        and exchange(site, victim.finish()["code"], victim.state).status_code == 404
    )


def test_9_another_account_knows_nothing_of_it(site: Site, victim: Browser) -> None:
    (ailin,) = site.people("Ailin")
    claim = victim.show()
    assert site.claims.claim("second", claim.scene, ailin.openid).claim is None

    ailin.scan(claim.scene)
    assert site.claims.waiting("second", "login", ailin.openid) == []
    ailin.say(victim.number())
    brought = victim.finish()

    refused = exchange(site, brought["code"], victim.state, accounts=["second"])
    unknown = exchange(site, "0" * 32 + "A" * 22, victim.state, accounts=["second"])
    assert refused.status_code == 404 and refused.text == unknown.text
    assert exchange(site, brought["code"], victim.state, accounts=["default"]).status_code == 200


def test_10_what_is_late_is_late(site: Site, victim: Browser, attacker: Browser) -> None:
    ailin, bo = site.people("Ailin", "Bo")
    claim, other = victim.show(), attacker.show()
    ailin.scan(claim.scene)
    number = victim.number()
    site.expire(claim)
    site.expire(other)

    late = ailin.say(number)

    assert late.text == "聊天" and victim.sees() == {"state": "expired"} and victim.finish() == {}
    assert ailin.scan(claim.scene).text == bo.scan(other.scene).text == NO_GOOD
    assert attacker.sees() == {"state": "expired"}


def test_11_ids_cannot_be_guessed(site: Site, victim: Browser, attacker: Browser) -> None:
    (bo,) = site.people("Bo")
    scenes = {victim.show().scene for _ in range(10)} | {attacker.show().scene}
    guesses = [new_scene("login") for _ in range(10)] + ["login:1", "login:" + "A" * 22, "login:"]

    read = {bo.scan(each).text for each in guesses}

    assert len({scene[:10] for scene in scenes}) == len(scenes)  # nothing in common behind the purpose
    assert read == {NO_GOOD}


@pytest.mark.parametrize("made_by", ["0123456789ab", "login"])
def test_12_ids_of_somebodys_choosing_log_nobody_in(
    made_by: str, site: Site, victim: Browser, attacker: Browser
) -> None:
    (ailin,) = site.people("Ailin")
    victim.open()
    ours = {"number": "1234", "state": attacker.state, "return_to": RETURN_TO, "device": "", "about": {}}
    data = ours if made_by == "login" else {}
    offer = Offer(account="default", purpose="login", subject="chosen", made_by=made_by, data=data)
    chosen = site.claims.make(offer)

    told = ailin.scan(chosen.scene).text
    ailin.say("1234")

    if made_by != "login":
        assert told == NO_GOOD and site.state(chosen) == "open"
    tokens = [victim.page_token, chosen.id.hex(), attacker.token]
    assert {attacker.ask(what, each).status_code for each in tokens for what in ("state", "finish")} == {403}
    assert victim.ask("finish", victim.page_token).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_other_sites_cannot_ask_for_a_browser(headers: dict[str, str], victim: Browser) -> None:
    victim.show()

    for what in ("code", "state", "stream", "finish"):
        token = victim.page_token if what == "code" else victim.token
        assert victim.ask(what, token, **headers).status_code == 403
        assert victim.client.get(f"/login/{what}").status_code == 405


def test_a_form_of_another_site_is_no_question(victim: Browser) -> None:
    victim.show()

    sent = victim.client.post("/login/state", data={"token": victim.token}, headers=victim.headers)

    assert sent.status_code == 403


def test_a_stolen_code_is_worth_nothing_in_another_browser(
    site: Site, victim: Browser, attacker: Browser
) -> None:
    (ailin,) = site.people("Ailin")
    ailin.scan(victim.show().scene)
    ailin.say(victim.number())
    stolen = victim.finish()["code"]

    injected = exchange(site, stolen, attacker.state)

    assert injected.status_code == 404
    assert exchange(site, stolen, victim.state).status_code == 200


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "return_to",
    [
        "//evil.test",
        "/\\evil.test",
        "https:evil.test",
        "https://evil.test/",
        "https://shop.test.evil.test/login/done",
        "https://shop.test@evil.test/login/done",
        "https://shop.test/login/done/../../evil",
        "https://shop.test/login/done?next=https://evil.test",
        "https://shop.test/login/done#x",
        "https://shop.test/login/done/",
        "https://shop.test/login/donee",
        "https://shop.test/login/don",
        "HTTPS://shop.test/login/done",
        "http://shop.test/login/done",
        "https://shop.test:444/login/done",
        " https://shop.test/login/done",
        "https://shop.test/login/done ",
        "https://shop.test/login%2fdone",
        "https://shop.test\\@evil.test/login/done",
        "https://shop.test/login/done\r\nSet-Cookie:a=b",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://shop。test/login/done",
        "",
    ],
)
def test_nobody_is_sent_elsewhere(return_to: str, victim: Browser) -> None:
    page = victim.open(return_to=return_to)

    assert page.status_code == 400 and "Location" not in page.headers
    assert victim.page_token == "" and not victim.cookies()
    assert "evil" not in page.text


def test_no_answer_tells_who_somebody_is(site: Site, victim: Browser) -> None:
    (ailin,) = site.people("Ailin")
    answers: list[Any] = [victim.open()]
    claim = victim.show()
    answers.append(victim.ask("state"))
    ailin.scan(claim.scene)
    answers.append(victim.ask("state"))
    ailin.say(victim.number())
    answers += [victim.ask("state"), victim.ask("stream"), victim.ask("finish")]
    code = answers[-1].json["location"].split("code=")[1].split("&")[0]
    answers.append(exchange(site, code, victim.state))

    told = "".join(f"{answer.headers} {answer.get_data(True)}" for answer in answers)
    assert ailin.openid not in told and "Ailin" not in told
    assert claim.subject not in told and claim.scene not in told
