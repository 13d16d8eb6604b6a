"""Addresses of routes that make what builds them when it is needed."""

from typing import Any

import pytest
from werkzeug.routing import BuildError, Map, Rule

from wxbot.web.routing import LazyRule

RULES: list[tuple[str, dict[str, Any]]] = [
    ("/", {}),
    ("/q/<name>", {}),
    ("/codes/<int:rule>/<path:values>", {}),
    ("/pages/", {"defaults": {"page": 1}}),
    ("/pages/<int:page>", {}),
]
ASKED: list[tuple[int, dict[str, Any]]] = [
    (0, {}),
    (0, {"next": "/a b?c=门店"}),
    (1, {"name": "门店 一"}),
    (2, {"rule": 7, "values": "a/b", "more": ["x", "y"]}),
    (3, {"page": 1}),
    (4, {"page": 2, "order": "name"}),
]


def addresses(kind: type[Rule]) -> list[str]:
    routes = Map([kind(rule, endpoint=str(number), **more) for number, (rule, more) in enumerate(RULES)])
    asking = routes.bind("bot.example.com")
    return [asking.build(str(number), values) for number, values in ASKED for _ in range(2)]


def test_addresses_are_those_of_werkzeug() -> None:
    assert addresses(LazyRule) == addresses(Rule)


def test_missing_and_wrong_values_are_refused() -> None:
    asking = Map([LazyRule("/codes/<int:number>", endpoint="code")]).bind("bot.example.com")

    for values in ({}, {"number": "no number"}):
        with pytest.raises((BuildError, ValueError)):
            asking.build("code", values)


def test_a_route_that_is_never_linked_to_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    real = Rule._compile_builder

    def noting(rule: Rule, append_unknown: bool = True) -> Any:
        compiled.append(rule.rule)
        return real(rule, append_unknown)

    monkeypatch.setattr(Rule, "_compile_builder", noting)
    routes = Map([LazyRule("/linked", endpoint="linked"), LazyRule("/never", endpoint="never")])
    asking = routes.bind("bot.example.com")

    assert (asking.match("/never"), asking.build("linked"), asking.build("linked")) == (
        ("never", {}),
        "/linked",
        "/linked",
    )
    assert compiled == ["/linked"]
