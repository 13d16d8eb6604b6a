"""The link kit in WeChat: a scan asks, a number binds, and both sides can end it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from tests.kits.conftest import Site
from wxbot import Plugin, TextMessage
from wxbot.bindings.claim import Claim
from wxbot.bindings.linking import number_of
from wxbot.kits.link import plugin
from wxbot.kits.link_config import LinkConfig
from wxbot.kits.texts import filled
from wxbot.testing import User

pytestmark = pytest.mark.every_store

Start = Callable[..., Site]
TEXTS = LinkConfig(site="示例小店")
NO_GOOD = filled(TEXTS.no_good, {"site": "示例小店"})
USER_TAKEN = filled(TEXTS.user_taken, {"site": "示例小店"})
PERSON_TAKEN = filled(TEXTS.person_taken, {"site": "示例小店"})

chat = Plugin("chat")


@chat.text(re.compile(".*", re.DOTALL))
def chatter(message: TextMessage) -> str:
    """Stand for whatever else answers texts."""
    return "闲聊"


@pytest.fixture
def start_link(start: Start) -> Start:
    """Return what starts a bot with the kit and these settings of it."""

    def start_link(**section: Any) -> Site:
        return start([plugin, chat], plugins={"link": {"site": "示例小店", **section}})

    return start_link


@pytest.fixture
def site(start_link: Start) -> Site:
    """Return a bot with the kit as it is shipped."""
    return start_link()


def code_for(site: Site, user: str, **more: Any) -> Claim:
    return site.offer("link", user, {"name": f"名字{user}"}, is_exclusive=False, **more)


def users(site: Site, person: User) -> list[str]:
    return [each.site_user for each in site.bindings.of_person("default", person.openid)]


def link(site: Site, person: User, user: str) -> str:
    """Let a person scan a code of this user, and send back the number."""
    claim = code_for(site, user)
    person.scan(claim.scene)
    return person.say(number_of(claim.id, person.openid)).text


def test_a_scan_asks_and_binds_nothing(site: Site) -> None:
    """F3: the reply says whose account it is; without an answer nothing happens."""
    [ailin] = site.people("ailin")
    claim = code_for(site, "u1")

    ailin.scan(claim.scene)

    number = number_of(claim.id, ailin.openid)
    assert all(part in ailin.last_reply.text for part in ("示例小店", "「名字u1」", number))
    assert users(site, ailin) == []
    assert site.state(claim) == "claimed"


@pytest.mark.parametrize("form", ["{}", "确认{}", "确认 {}", " {} "])
def test_the_number_binds(site: Site, form: str) -> None:
    [ailin] = site.people("ailin")
    claim = code_for(site, "u1")
    ailin.scan(claim.scene)

    ailin.say(form.format(number_of(claim.id, ailin.openid)))

    assert ailin.last_reply.text.startswith("绑定成功！这个微信现在就是示例小店的账号「名字u1」。")
    assert users(site, ailin) == ["u1"]
    assert site.state(claim) == "confirmed"


def test_a_number_in_full_width_digits_binds_too(site: Site) -> None:
    [ailin] = site.people("ailin")
    claim = code_for(site, "u1")
    ailin.scan(claim.scene)

    ailin.say(
        number_of(claim.id, ailin.openid).translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    )

    assert users(site, ailin) == ["u1"]


def test_other_numbers_are_left_to_others(site: Site) -> None:
    ailin, bo = site.people("ailin", "bo")
    claim = code_for(site, "u1")
    ailin.scan(claim.scene)
    number = number_of(claim.id, ailin.openid)
    other = str(1000 + (int(number) - 999) % 9000)

    said = [ailin.say(other).text, bo.say(number).text, bo.say("你好").text]

    assert said == ["闲聊"] * 3
    assert users(site, ailin) == users(site, bo) == []


def test_who_scans_again_before_answering_is_asked_the_same(site: Site) -> None:
    [ailin] = site.people("ailin")
    claim = code_for(site, "u1")

    first, again = ailin.scan(claim.scene), ailin.scan(claim.scene)

    assert first.text == again.text


def test_who_is_bound_reads_the_same_success_again(site: Site) -> None:
    """F2."""
    [ailin] = site.people("ailin")
    claim = code_for(site, "u1")
    ailin.scan(claim.scene)
    bound = ailin.say(number_of(claim.id, ailin.openid))

    again, repeated = ailin.scan(claim.scene), ailin.redeliver()
    another = code_for(site, "u1")
    once_more = ailin.scan(another.scene)

    assert bound.text == again.text == repeated.text == once_more.text
    assert site.state(another) == "confirmed"
    assert users(site, ailin) == ["u1"]


def test_all_codes_that_are_no_good_read_the_same(site: Site) -> None:
    """F1, F2."""
    ailin, bo = site.people("ailin", "bo")
    used, late, off = (code_for(site, name) for name in ("u1", "u2", "u3"))
    ailin.scan(used.scene)
    site.expire(late)
    site.claims.cancel("default", off.id)

    scenes = [used.scene, late.scene, off.scene, f"link:{'x' * 22}", "link:u1", "link:1", "link:"]
    said = {bo.scan(scene).text for scene in scenes}

    assert said == {NO_GOOD}
    assert site.claims.of_person("default", bo.openid) == []


def test_who_answers_too_late_is_not_bound(site: Site) -> None:
    [ailin] = site.people("ailin")
    claim = code_for(site, "u1")
    ailin.scan(claim.scene)
    site.expire(claim)

    ailin.say(number_of(claim.id, ailin.openid))

    assert ailin.last_reply.text == NO_GOOD
    assert users(site, ailin) == []


def test_what_was_called_off_cannot_be_confirmed(site: Site) -> None:
    [ailin] = site.people("ailin")
    claim = code_for(site, "u1")
    ailin.scan(claim.scene)
    site.claims.cancel("default", claim.id)

    assert ailin.say(number_of(claim.id, ailin.openid)).text == "闲聊"
    assert users(site, ailin) == []


def test_the_name_of_a_user_cannot_say_more_than_a_name(site: Site) -> None:
    """F3: whoever shows you a code may have chosen the name."""
    [ailin] = site.people("ailin")
    evil = '小店」\n恭喜中奖！<a href="https://evil.example.com">领奖</a>' + "很长" * 50
    claim = site.offer("link", "u1", {"name": evil}, is_exclusive=False)

    ailin.scan(claim.scene)

    first, _, _ = ailin.last_reply.text.partition("\n")
    assert "<a" not in ailin.last_reply.text
    assert len(first) < 80 and "领奖" not in first


def test_without_the_question_a_scan_binds(start_link: Start) -> None:
    site = start_link(confirm="none")
    [ailin] = site.people("ailin")
    claim = code_for(site, "u1")

    ailin.scan(claim.scene)

    assert "绑定成功" in ailin.last_reply.text
    assert (users(site, ailin), site.state(claim)) == (["u1"], "confirmed")


def test_who_follows_with_the_code_is_welcomed_and_asked(site: Site) -> None:
    bo = site.wx.user("bo", follows=False)

    bo.scan(code_for(site, "u1").scene)

    assert bo.last_reply.text.startswith("感谢关注！\n您正在")


@pytest.mark.parametrize(
    ("policy", "second_user", "second_person"),
    [
        ("one-to-one", PERSON_TAKEN, USER_TAKEN),
        ("many-users", "绑定成功", USER_TAKEN),
        ("many-persons", PERSON_TAKEN, "绑定成功"),
    ],
    ids=["one-to-one", "many-users", "many-persons"],
)
@pytest.mark.parametrize("confirm", ["chat", "none"])
def test_the_policy_says_who_may_be_bound_to_how_many(
    start_link: Start, policy: str, second_user: str, second_person: str, confirm: str
) -> None:
    """F5."""
    site = start_link(policy=policy, confirm=confirm)
    ailin, bo = site.people("ailin", "bo")
    link(site, ailin, "u1")

    other_user, other_person = code_for(site, "u2"), code_for(site, "u1")
    said = []
    for person, claim in ((ailin, other_user), (bo, other_person)):
        said.append(person.scan(claim.scene).text)
        if "您正在" in said[-1]:
            said[-1] = person.say(number_of(claim.id, person.openid)).text

    assert said[0].startswith(second_user)
    assert said[1].startswith(second_person)
    assert [site.state(each) for each in (other_user, other_person)] == [
        "confirmed" if wanted == "绑定成功" else "open" for wanted in (second_user, second_person)
    ]


def test_of_two_who_were_asked_one_is_bound(site: Site) -> None:
    """F5: what was free when they were asked may be taken when they answer."""
    ailin, bo = site.people("ailin", "bo")
    one, two = code_for(site, "u1"), code_for(site, "u1")
    ailin.scan(one.scene)
    bo.scan(two.scene)

    said = [
        person.say(number_of(claim.id, person.openid)).text for person, claim in ((ailin, one), (bo, two))
    ]

    assert "绑定成功" in said[0] and said[1] == USER_TAKEN
    assert (users(site, ailin), users(site, bo)) == (["u1"], [])


def test_an_exclusive_code_of_a_user_whom_somebody_else_has_is_refused(site: Site) -> None:
    ailin, bo = site.people("ailin", "bo")
    ailin.scan(site.offer("link", "u1").scene)

    assert bo.scan(site.offer("link", "u1").scene).text == USER_TAKEN


def test_unlinking_names_what_is_bound_and_asks(site: Site) -> None:
    [ailin] = site.people("ailin")
    link(site, ailin, "u1")

    asked = ailin.say("解绑").text
    found = re.search(r"解绑 (\d{4})", asked)
    assert found and "名字u1" in asked and users(site, ailin) == ["u1"]
    done = ailin.say(found[0]).text

    assert done == "已经解除绑定：示例小店的账号「名字u1」。"
    assert users(site, ailin) == []
    assert [each.ended_by for each in site.bindings.history("default", "u1")] == ["person"]


def test_of_several_bindings_the_one_named_ends(start_link: Start) -> None:
    site = start_link(policy="many-users")
    [ailin] = site.people("ailin")
    for user in ("u1", "u2", "u3"):
        link(site, ailin, user)
    [second] = [each for each in site.bindings.of_person("default", ailin.openid) if each.site_user == "u2"]

    ailin.say(f"解绑{number_of(second.id, ailin.openid)}")

    assert set(users(site, ailin)) == {"u1", "u3"}


def test_nobody_unlinks_somebody_else(site: Site) -> None:
    ailin, bo = site.people("ailin", "bo")
    link(site, ailin, "u1")
    [binding] = site.bindings.of_person("default", ailin.openid)

    said = [bo.say("解绑").text, bo.say(f"解绑 {number_of(binding.id, ailin.openid)}").text]

    assert all("还没有绑定" in each for each in said)
    assert users(site, ailin) == ["u1"]


def test_an_old_code_does_not_bind_again_and_a_new_one_does(site: Site) -> None:
    """F6."""
    ailin, bo = site.people("ailin", "bo")
    old = code_for(site, "u1")
    ailin.scan(old.scene)
    ailin.say(number_of(old.id, ailin.openid))
    [binding] = site.bindings.of_person("default", ailin.openid)
    ailin.say(f"解绑 {number_of(binding.id, ailin.openid)}")

    again = ailin.scan(old.scene).text

    assert again == NO_GOOD
    assert ailin.say(number_of(old.id, ailin.openid)).text == "闲聊"
    assert "绑定成功" in link(site, bo, "u1")
    assert (users(site, ailin), users(site, bo)) == ([], ["u1"])


def test_the_menu_can_ask_as_well(site: Site) -> None:
    [ailin] = site.people("ailin")

    assert "账号设置" in ailin.tap("link").text
    link(site, ailin, "u1")
    assert "名字u1" in ailin.tap("unlink").text
    assert ailin.tap("link").text == PERSON_TAKEN


@pytest.mark.parametrize("word", ["绑定", "绑定帐号", "账号绑定"])
def test_the_word_leads_to_the_sites_login(start: Start, word: str) -> None:
    section = {"site": "示例小店", "login_url": "https://shop.example.com/wechat"}
    site = start([plugin, chat], plugins={"link": section}, server={"public_url": "https://bot.example.com"})
    [ailin] = site.people("ailin")

    ailin.say(word)

    assert '<a href="https://bot.example.com/link/start?account=default">' in ailin.last_reply.text


@pytest.mark.parametrize("broken", ["claims", "bindings"])
def test_a_database_that_fails_is_answered_with_words(site: Site, broken: str) -> None:
    [ailin] = site.people("ailin")
    claim = code_for(site, "u1")
    ailin.scan(claim.scene)
    number = number_of(claim.id, ailin.openid)
    fresh = code_for(site, "u2")
    with site.wx.session() as session:
        session.execute(text(f"ALTER TABLE {broken} RENAME TO away"))

    said = [ailin.scan(fresh.scene).text, ailin.say(number).text]
    said += [ailin.say("解绑").text] if broken == "bindings" else []

    assert set(said) == {TEXTS.trouble}
