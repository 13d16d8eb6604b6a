"""`wxbot simulate` against a bot on a real port, and against software that answers wrongly."""

import json
import socket
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from wxbot import Click, Plugin, Scan, TextMessage, create_app, settings
from wxbot.cli import cli
from wxbot.emulator.threaded import Running


@pytest.fixture
def runs() -> list[str]:
    """Return what the bot's handlers were called with."""
    return []


@pytest.fixture
def bot(configured: Any, runs: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run a bot with the project's configuration; return its address."""
    monkeypatch.chdir(configured.folder)
    plugin = Plugin("shop")

    @plugin.scene("vip")
    def vip(scan: Scan) -> str:
        runs.append(scan.when)
        return "新朋友" if scan.is_new_follower else "你好"

    @plugin.text("价格")
    def price(message: TextMessage) -> str:
        return "八元"

    @plugin.click("HELP")
    def help_text(click: Click) -> str:
        return "帮助"

    data = tomllib.loads(configured.config)
    data["database"] = {"url": f"sqlite:///{configured.folder}/bot.db"}
    data["handlers"] = {"packages": []}
    app = create_app(settings.from_data(data), plugins=[plugin])
    with Running(app) as running:
        yield running.url
    app.extensions["wxbot"].engine.dispose()


def simulate(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["simulate", *arguments])


def test_repeats_of_one_scan_get_one_answer(bot: str, runs: list[str]) -> None:
    result = simulate("scan", "vip", "--repeat", "3", "--url", f"{bot}/wechat")

    assert result.exit_code == 0
    assert result.output.count("你好") == 3 and "All 3 answers are the same." in result.output
    assert runs == ["scan"]


def test_concurrent_deliveries_run_the_handler_once(bot: str, runs: list[str]) -> None:
    result = simulate("scan", "vip", "--repeat", "5", "--concurrent", "--json", "--url", f"{bot}/wechat")

    found = json.loads(result.output)
    assert {each["reply"]["text"] for each in found["deliveries"]} == {"你好"}
    assert (len(found["deliveries"]), found["is_same"], runs) == (5, True, ["scan"])


def test_somebody_new_is_another_person_each_time(bot: str, runs: list[str]) -> None:
    found = [
        json.loads(simulate("scan", "vip", "--new", "--json", "--url", f"{bot}/wechat").output)
        for _ in range(2)
    ]

    assert found[0]["openid"] != found[1]["openid"]
    assert [each["deliveries"][0]["reply"]["text"] for each in found] == ["新朋友", "新朋友"]
    assert runs == ["follow", "follow"]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["text", "价格"], "八元"),
        (["click", "HELP"], "帮助"),
        (["follow"], "欢迎关注"),
        (["unfollow"], "success"),
    ],
)
def test_other_events_are_answered(bot: str, arguments: list[str], shown: str) -> None:
    result = simulate(*arguments, "--url", f"{bot}/wechat")

    assert result.exit_code == 0 and shown in result.output


def test_callback_url_is_verified(bot: str) -> None:
    good, bad = simulate("verify", "--url", f"{bot}/wechat"), simulate("verify", "--url", f"{bot}/healthz")

    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert "WeChat would accept it" in good.output
    assert "the answer is not the echostr" in bad.output


def test_refusal_says_what_to_compare(bot: str, runs: list[str]) -> None:
    result = simulate("scan", "vip", "--mode", "plain", "--url", f"{bot}/wechat")

    assert result.exit_code == 1 and runs == []
    assert all(word in result.output for word in ("403", "token", "clocks", "mode plain"))


def test_bot_that_does_not_run_gives_no_answers_to_compare(
    configured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(configured.folder)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/wechat"

    result = simulate("scan", "vip", "--repeat", "3", "--url", url)

    assert (result.exit_code, result.output.count("(the callback cannot be reached)")) == (1, 3)
    assert "answers" not in result.output


def test_bot_that_does_not_run_is_named(configured: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(configured.folder)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/wechat"

    result = simulate("scan", "vip", "--url", url)

    assert result.exit_code == 1
    assert f"wxbot: {url}: the callback cannot be reached. Does the bot run?" in result.output


def test_bot_that_answers_too_much_was_reached(configured: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(configured.folder)
    app = Flask("long")
    app.add_url_rule("/", view_func=lambda: "x" * 1_200_000, methods=["POST"], endpoint="answer")

    with Running(app) as running:
        result = simulate("scan", "vip", "--url", f"{running.url}/")

    assert result.exit_code == 1
    assert f"wxbot: {running.url}/: the answer is too long or breaks off" in result.output
    assert "Does the bot run?" not in result.output


def test_answers_that_wechat_refuses_or_that_differ_are_shown(
    configured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(configured.folder)
    answers = iter(["success", "<xml>in clear</xml>"])
    app = Flask("wrong")
    app.add_url_rule("/", view_func=lambda: next(answers), methods=["POST"], endpoint="answer")

    with Running(app) as running:
        result = simulate("scan", "vip", "--repeat", "2", "--url", f"{running.url}/")

    assert result.exit_code == 1
    assert "safe mode needs an encrypted answer" in result.output
    assert "The answers differ" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--url", "localhost"], "is no URL"),
        (["--url", "http://a..b/wechat"], "is no URL"),
        (["--url", f"http://{'a' * 64}.example/wechat"], "is no URL"),
        (["--url", "http://[::1/wechat"], "is no URL"),
        (["--account", "branch"], "there is no account 'branch'"),
        (["--repeat", "0"], "0 is not in the range"),
        (["--mode", "secret"], "'secret' is not one of"),
    ],
)
def test_wrong_usage_is_explained(
    configured: Any, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(configured.folder)

    result = simulate("scan", "vip", *arguments)

    assert result.exit_code == 2 and said in result.output


def test_encrypted_mode_needs_a_key(configured: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(configured.folder)
    plain = configured.config.replace("aes_key", 'mode = "plain"\n#')
    configured.write("config.toml", plain)

    result = simulate("scan", "vip", "--mode", "safe")

    assert result.exit_code == 2 and "needs the account's aes_key" in result.output
