"""The plugins' own sections of the settings."""

from collections.abc import Callable
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from wxbot.scenes.plugin import Plugin
from wxbot.scenes.registry import Registry
from wxbot.wechat.events import Scan

Faults = Callable[..., tuple[str, ...]]


class Cat(BaseModel):
    """One of two kinds."""

    kind: Literal["cat"]


class Dog(BaseModel):
    """The other kind."""

    kind: Literal["dog"]


class OrdersConfig(BaseModel):
    """What `[plugins.orders]` may hold."""

    model_config = ConfigDict(extra="forbid")

    shop_name: str
    limit: int = 5
    pet: Cat | Dog = Field(default=Cat(kind="cat"), discriminator="kind")
    colour: str = "red"

    @field_validator("colour")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value != "red":
            raise ValueError(f"{value} is no colour")
        return value


class Pair(BaseModel):
    """Two values that must agree."""

    passwords: list[str]

    @model_validator(mode="after")
    def _agree(self) -> "Pair":
        if len(set(self.passwords)) > 1:
            raise ValueError(f"{self.passwords} differ")
        return self


def orders() -> Plugin:
    """Return a plugin with a configuration."""
    plugin = Plugin("orders", config=OrdersConfig)

    @plugin.scene("shop")
    def shop(scan: Scan, config: OrdersConfig) -> str:
        return config.shop_name

    return plugin


def test_section_is_read_by_the_plugins_own_model(
    build: Callable[..., Registry], ailin: Any, run: Any
) -> None:
    registry = build(orders(), configs={"orders": {"shop_name": "街角小店"}})
    scan = ailin.scan("shop")

    assert registry.find(scan).handler.call(scan, {}, context=run) == "街角小店"


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ({}, "[plugins.orders] shop_name: Field required"),
        ({"shop_name": "s", "limit": "secret"}, "[plugins.orders] limit: Input should be a valid integer"),
        ({"shop_name": "s", "size": "secret"}, "[plugins.orders] size: Extra inputs are not permitted"),
        ({"shop_name": "s", "colour": "secret"}, "[plugins.orders] colour: Value error, … is no colour"),
        ({"shop_name": "s", "pet": {"kind": "secret"}}, "[plugins.orders] pet: Input tag"),
    ],
)
def test_fault_in_a_section_names_the_key_and_not_the_value(
    section: dict[str, object], fault: str, faults: Faults
) -> None:
    (found,) = faults(orders(), configs={"orders": section})

    assert found.startswith(fault)
    assert "secret" not in found


def test_all_faults_of_a_section_are_told(faults: Faults) -> None:
    assert len(faults(orders(), configs={"orders": {"limit": "x", "colour": "blue"}})) == 3


def test_missing_section_counts_as_empty(faults: Faults) -> None:
    assert faults(orders()) == ("[plugins.orders] shop_name: Field required",)


def test_section_of_no_plugin_is_refused_with_the_likely_name(faults: Faults) -> None:
    (fault,) = faults(Plugin("orders"), configs={"ordres": {"shop_name": "s"}})

    assert fault == "[plugins.ordres] belongs to no plugin: did you mean 'orders'?"


def test_section_of_a_plugin_without_configuration_is_refused(faults: Faults) -> None:
    (fault,) = faults(Plugin("orders"), configs={"orders": {"shop_name": "s"}})

    assert "[plugins.orders] is set, but the plugin at tests/scenes/test_configs.py:" in fault


def test_configuration_that_is_no_model_is_refused(faults: Faults) -> None:
    nonsense: Any = dict

    (fault,) = faults(Plugin("orders", config=nonsense))

    assert "config of plugin 'orders' is no pydantic model" in fault


def test_fault_of_a_whole_section_is_told_without_values(faults: Faults) -> None:
    (fault,) = faults(Plugin("orders", config=Pair), configs={"orders": {"passwords": ["secret", "secrets"]}})

    assert fault == "[plugins.orders]: Value error, ['…', '…'] differ"
