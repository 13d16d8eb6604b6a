"""The plugins' own sections of the settings."""

from collections.abc import Callable
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from wxbot.scenes.configs import read_config
from wxbot.scenes.plugin import Plugin
from wxbot.scenes.registry import Registry
from wxbot.settings import from_data
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


class Many(BaseModel):
    """Values that a variable of the environment can hold."""

    model_config = ConfigDict(extra="forbid")

    shops: list[str] = []
    numbers: tuple[int, ...] = ()
    days: set[str] | None = None
    one: str | list[str] = ""
    inner: dict[str, list[int]] = {}
    count: int = 0


def of_variables(**variables: str) -> Any:
    """Return the section of a plugin `c` whose settings come from variables."""
    named = {f"WXBOT_PLUGINS__C__{name}": value for name, value in variables.items()}
    return from_data(SETTINGS, variables=named).plugins["c"]


SETTINGS = {
    "secret_key": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c",
    "accounts": {"default": {"appid": "wx0123456789abcdef", "token": "K8mQ2vR7xW4nB9tY", "mode": "plain"}},
}


def test_variable_gives_a_list_where_the_model_wants_one() -> None:
    plugin = Plugin("c", config=Many)
    section = of_variables(SHOPS="a, b", NUMBERS="1,2", DAYS="mon\ntue", ONE="a,b", INNER__X="3,4")

    config, found = read_config(plugin, section)

    assert found == []
    assert config == Many(
        shops=["a", "b"], numbers=(1, 2), days={"mon", "tue"}, one="a,b", inner={"x": [3, 4]}
    )


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("COUNT", "many", "count (from WXBOT_PLUGINS__C__COUNT): Input should be a valid integer"),
        ("NUMBERS", "1,two", "numbers.1 (from WXBOT_PLUGINS__C__NUMBERS): Input should be a valid integer"),
        ("INNER__X", "1,two", "inner.x.1 (from WXBOT_PLUGINS__C__INNER__X): Input should be"),
        ("SIZE", "5", "size (from WXBOT_PLUGINS__C__SIZE): Extra inputs are not permitted"),
    ],
)
def test_fault_names_the_variable_it_came_from(name: str, value: str, fault: str) -> None:
    _, (found,) = read_config(Plugin("c", config=Many), of_variables(**{name: value}))

    assert found.startswith(f"[plugins.c] {fault}")
    assert value not in found


def test_text_of_the_file_is_no_list() -> None:
    _, (found,) = read_config(Plugin("c", config=Many), {"shops": "a,b"})

    assert found == "[plugins.c] shops: Input should be a valid list"


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


class Lost(BaseModel):
    """A model that looks for something that is not there."""

    path: str = Field(default="/secret", validate_default=True)

    @field_validator("path")
    @classmethod
    def _is_there(cls, value: str) -> str:
        raise FileNotFoundError(value)


class Keyed(BaseModel):
    """A model that looks something up."""

    @model_validator(mode="before")
    @classmethod
    def _look_up(cls, values: dict[str, str]) -> dict[str, str]:
        return {"found": {"a": "b"}[values.get("key", "secret")]}


class Unfinished(BaseModel):
    """A model with a reference that leads nowhere."""

    other: "Nowhere"  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("model", "kind"),
    [(Lost, "FileNotFoundError"), (Keyed, "KeyError"), (Unfinished, "PydanticUserError")],
)
def test_model_that_fails_is_a_fault_of_its_plugin(
    model: type[BaseModel], kind: str, build: Callable[..., Registry], faults: Faults, ailin: Any
) -> None:
    good, broken = Plugin("good"), Plugin("broken", config=model)
    good.scene("x")(lambda scan: "yes")

    (fault,) = faults(good, broken)
    registry = build(good, broken, on_error="skip")

    assert fault.startswith("[plugins.broken] (tests/scenes/test_configs.py:")
    assert fault.endswith(f"): its config raised {kind}")
    assert registry.skipped == (fault,)
    assert registry.find(ailin.scan("x")).handler is not None


def test_fault_of_a_whole_section_is_told_without_values(faults: Faults) -> None:
    (fault,) = faults(Plugin("orders", config=Pair), configs={"orders": {"passwords": ["secret", "secrets"]}})

    assert fault == "[plugins.orders]: Value error, ['…', '…'] differ"
