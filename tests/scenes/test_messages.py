"""What the log says about events that nobody answers."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from wxbot.scenes.messages import suggestion
from wxbot.scenes.plugin import Plugin
from wxbot.scenes.registry import Registry
from wxbot.wechat.events import Event, Scan


def answer(scan: Scan) -> str:
    """Answer."""
    return "yes"


HAPPENINGS: list[Callable[[Any], Event]] = [
    lambda ailin: ailin.scan("vip"),
    lambda ailin: ailin.scan("1001"),
    lambda ailin: ailin.scan("007"),
    lambda ailin: ailin.scan("shop:7"),
    lambda ailin: ailin.scan("---"),
    lambda ailin: ailin.scan("class"),
    lambda ailin: ailin.scan("qrscene_5"),
    lambda ailin: ailin.scan("门店 7"),
    lambda ailin: ailin.scan('"); import os #'),
    lambda ailin: ailin.scan("x" * 5000),
    lambda ailin: ailin.scan(""),
    lambda ailin: ailin.click("KEY_1"),
    lambda ailin: ailin.click('"); import os #\n'),
    lambda ailin: ailin.click("菜单"),
    lambda ailin: ailin.unknown("moon_landing"),
    lambda ailin: ailin.unknown("a'b\"c\n"),
    lambda ailin: ailin.text("something private"),
    lambda ailin: ailin.image(),
    lambda ailin: ailin.follow(),
    lambda ailin: ailin.unfollow(),
]


@pytest.mark.parametrize("happen", HAPPENINGS)
def test_pasted_code_answers_the_event(
    happen: Callable[[Any], Event], build: Callable[..., Registry], ailin: Any
) -> None:
    event, plugin = happen(ailin), Plugin("pasted")
    text = suggestion(event)

    code = text[text.index("@plugin") :].partition("\n\n")[0].partition("\n(")[0]
    exec(compile(code, "pasted.py", "exec"), {"plugin": plugin})

    match = build(plugin).find(event)
    handlers = [handler for handler in (match.handler, *match.fallbacks) if handler]
    assert len(handlers) == 1
    assert handlers[0].function(event) == "..."


@pytest.mark.parametrize("happen", HAPPENINGS)
def test_suggestion_tells_nothing_of_the_person(happen: Callable[[Any], Event], ailin: Any) -> None:
    text = suggestion(happen(ailin))

    assert "openid" not in text
    assert "private" not in text
    assert len(text) < 500
    assert re.fullmatch(r"[\n\x20-\x7e\u4e00-\u9fff…]*", text)


def test_suggestion_for_a_scene_is_ready_to_paste(ailin: Any) -> None:
    assert suggestion(ailin.scan("shop:7")) == (
        "no handler answers scene 'shop:7'\n"
        "to answer it, paste this into a plugin:\n"
        "\n"
        '@plugin.scene("shop:7")\n'
        "def shop_7(scan) -> str:\n"
        '    return "..."\n'
        "\n"
        "(wxbot explain shop:7 says why each rule was passed over)"
    )


@pytest.mark.parametrize(
    ("scene", "meant"),
    [("vipp", "vip"), ("table_12", "table-12"), ("shopp:", "shop:"), ("nothing-like-it", None)],
)
def test_close_scene_is_offered(
    scene: str, meant: str | None, build: Callable[..., Registry], ailin: Any
) -> None:
    plugin = Plugin("shop")
    for rule in ("vip", "table-12", "shop:<int:number>"):
        plugin.scene(rule)(answer)

    text = build(plugin).suggestion(ailin.scan(scene))

    assert (f"did you mean {meant!r}?" in text) == (meant is not None)
    assert ("did you mean" in text) == (meant is not None)


def test_suggestion_looks_at_few_of_many_scenes(build: Callable[..., Registry], ailin: Any) -> None:
    plugin = Plugin("shop")
    for number in range(3000):
        plugin.scene(f"table-{number:04}")(answer)

    text = build(plugin).suggestion(ailin.scan("table-1500x"))

    assert "did you mean 'table-1500'?" in text


def test_plugin_of_another_account_is_not_offered(build: Callable[..., Registry], ailin: Any) -> None:
    chat, orders = Plugin("chat"), Plugin("orders", prefix="order:")
    registry = build(chat, orders, accounts={"default": ["chat"], "shop": ["orders"]})

    here, there = (registry.suggestion(ailin.scan("order:7", account=name)) for name in ("default", "shop"))

    assert "into a plugin:" in here and '@plugin.scene("order:7")' in here
    assert "into the plugin with the prefix 'order:':" in there and '@plugin.scene("7")' in there


def test_scene_of_the_other_kind_of_people_is_offered_for_these(
    build: Callable[..., Registry], ailin: Any
) -> None:
    shop, pasted = Plugin("shop"), Plugin("pasted")
    shop.scene("gift", when="follow")(answer)

    text = build(shop).suggestion(ailin.scan("gift"))
    exec(text[text.index("@plugin") :].partition("\n\n")[0], {"plugin": pasted})

    assert "did you mean" not in text
    assert build(shop, pasted).find(ailin.scan("gift")).handler is not None


@pytest.mark.parametrize(("scene", "name"), [("门店", "all.rest"), ("order:", "orders.rest")])
def test_second_fallback_is_not_offered(
    scene: str, name: str, build: Callable[..., Registry], ailin: Any
) -> None:
    everything, orders = Plugin("all"), Plugin("orders", prefix="order:")
    for plugin in (everything, orders):

        @plugin.fallback
        def rest(scan: Scan) -> str:
            return "yes"

    orders.scene("<int:number>")(answer)

    text = build(everything, orders).suggestion(ailin.scan(scene))

    assert text == f"no handler answers scene {scene!r}\nit is left to the fallback {name}"
