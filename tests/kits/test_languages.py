"""Kits write Chinese unless they are told otherwise: English, or as the page reads on which the code was."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.kits.conftest import Site
from tests.kits.logging_in import SETTINGS, Browser
from wxbot import Plugin, TextMessage
from wxbot.bindings.linking import number_of
from wxbot.kits import link, login, order
from wxbot.kits.languages import Bilingual
from wxbot.kits.link_config import LinkConfig
from wxbot.kits.login_about import time_of
from wxbot.kits.login_config import LoginConfig
from wxbot.kits.order_config import OrderConfig
from wxbot.kits.texts import filled

Start = Callable[..., Site]
HAN = re.compile("[\u4e00-\u9fff]")
EVERY: dict[type[Bilingual], dict[str, Any]] = {OrderConfig: {}, LinkConfig: {}, LoginConfig: SETTINGS}

chat = Plugin("chat")


@chat.text(re.compile(".*", re.DOTALL))
def chatter(message: TextMessage) -> str:
    """Stand for whatever else answers texts."""
    return "chatter"


@pytest.fixture
def speak(start: Start) -> Callable[..., Site]:
    """Return what starts a bot with all kits, which write as `language` says."""

    def speak(language: str | None = None, **order_section: Any) -> Site:
        own = {} if language is None else {"language": language}
        sections = {
            "order": {**own, **order_section},
            "link": {"site": "Teashop", **own},
            "login": {**SETTINGS, "site_name": "Teashop", **own},
        }
        return start([order.plugin, link.plugin, login.plugin, chat], plugins=sections)

    return speak


@pytest.mark.parametrize("config", EVERY)
def test_english_texts_stand_for_all_that_is_chinese(config: type[Bilingual]) -> None:
    needed = EVERY[config]
    chinese = {
        name
        for name, field in config.model_fields.items()
        if field.default and HAN.search(str(field.default)) and name != "site"
    }

    assert set(config.english) == chinese
    assert not HAN.search(str(config.english))
    assert config(**{**needed, **config.english}), "they pass the checks that a deployer's own have to pass"


def test_text_that_was_set_is_what_everybody_reads(speak: Callable[..., Site]) -> None:
    site = speak("en", bound="自己的话 {number}")
    [ailin] = site.people("ailin")

    ailin.scan(site.offer("order", "42").scene)

    assert ailin.last_reply.text == "自己的话 42"


@pytest.mark.parametrize(
    ("setting", "page", "starts"),
    [
        (None, "en", "订单 42 已经绑定"),
        ("en", "zh-CN", "Order 42 is now in your WeChat"),
        ("visitor", "en", "Order 42 is now in your WeChat"),
        ("visitor", "en-GB", "Order 42 is now in your WeChat"),
        ("visitor", "zh-CN", "订单 42 已经绑定"),
        ("visitor", ["en"], "订单 42 已经绑定"),
    ],
)
def test_order_is_told_in_the_language_of_its_page(
    speak: Callable[..., Site], *, setting: str | None, page: Any, starts: str
) -> None:
    site = speak(setting)
    [ailin] = site.people("ailin")

    ailin.scan(site.offer("order", "42", {"language": page, "state": "paid"}).scene)

    assert ailin.last_reply.text.startswith(starts)
    assert ailin.last_reply.text.endswith("State: paid" if starts.startswith("O") else "状态：已付款")


def test_codes_that_are_no_good_read_the_same_in_both_languages(speak: Callable[..., Site]) -> None:
    site = speak("visitor")
    ailin, bo = site.people("ailin", "bo")
    read = set()
    for language in ("en", "zh-CN"):
        taken = site.offer("order", f"taken {language}", {"language": language})
        expired = site.offer("order", f"expired {language}", {"language": language})
        ailin.scan(taken.scene)
        site.expire(expired)
        read |= {bo.scan(each.scene).text for each in (taken, expired)}
    read |= {bo.scan(scene).text for scene in ("order:made-up", "order:x:y")}

    (text,) = read
    assert "这个二维码无效" in text and "This code is no good" in text


def test_linking_goes_on_in_the_language_it_began_in(speak: Callable[..., Site]) -> None:
    site = speak("visitor")
    ailin, bo = site.people("ailin", "bo")
    data = {"name": "Lin", "language": "en"}
    claim = site.offer("link", "lin", data, is_exclusive=False)

    asked = ailin.scan(claim.scene).text
    bound = ailin.say(number_of(claim.id, ailin.openid)).text
    taken = bo.scan(site.offer("link", "lin", data, is_exclusive=False).scene).text
    listed = ailin.say("unlink").text
    (wanted,) = re.findall(r"\((unlink \d{4})\)", listed)
    ended = ailin.say(wanted).text

    assert "linked to the account “Lin” of Teashop" in asked and bound.startswith("Linked!")
    assert taken.startswith("This account is linked to another WeChat")
    assert ended == "Unlinked: the account “Lin” of Teashop."
    assert site.bindings.of_person("default", ailin.openid) == []
    assert not HAN.search(asked + bound + taken + listed + ended)
    assert "还没有绑定" in ailin.say("解绑").text, "Chinese words are answered in Chinese"
    assert "linked to no account" in ailin.say("Unlink").text


def test_english_words_are_left_to_others_where_chinese_is_written(speak: Callable[..., Site]) -> None:
    site = speak()
    [ailin] = site.people("ailin")

    assert [ailin.say(words).text for words in ("link", "unlink", "unlink 1234")] == ["chatter"] * 3


@pytest.mark.parametrize(("page", "is_english"), [("en", True), ("zh-CN", False)])
def test_login_is_asked_for_in_the_language_of_the_page(
    speak: Callable[..., Site], *, page: str, is_english: bool
) -> None:
    site = speak("visitor")
    [ailin] = site.people("ailin")
    browser = Browser(site, "ailin")
    claim = browser.show(lang=page)

    asked = ailin.scan(claim.scene).text
    wrong = ailin.say(str((int(browser.number()) - 999) % 9000 + 1000)).text
    done = ailin.say(browser.number()).text

    read = [asked, wrong, done]
    assert [not HAN.search(each) for each in read] == [is_english] * 3
    if is_english:
        assert "Device: Chrome · Windows" in asked and "send “not me”" in asked and "2 more to try" in wrong


@pytest.mark.parametrize("language", ["en", "visitor"])
def test_english_texts_name_the_browser_in_english(speak: Callable[..., Site], language: str) -> None:
    site = speak(language)
    [ailin] = site.people("ailin")
    browser = Browser(site, "ailin")
    browser.headers["User-Agent"] = "Mozilla/5.0 (Linux; Android 15) Chrome/142.0 MicroMessenger/8.0"

    asked = ailin.scan(browser.show(lang="en" if language == "visitor" else "zh-CN").scene).text

    assert "Device: WeChat · Android" in asked and not HAN.search(asked)


def test_times_are_written_in_english_too() -> None:
    assert time_of(1_790_000_000, "en") == "Sep 21, 22:13 (China)"


def test_both_languages_are_filled_alike() -> None:
    texts = LinkConfig(language="visitor").read_in(None)

    assert filled(texts.no_good, {"site": "Teashop"}).count("Teashop") == 2
