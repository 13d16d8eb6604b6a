"""The plugins' own sections of the settings, `[plugins.<name>]`, read by the plugins' own models."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from wxbot.scenes.plugin import Plugin
from wxbot.settings.checks import listed
from wxbot.settings.variables import FromVariable

# A text where the model wants several values.
_NO_LIST = frozenset({"list_type", "tuple_type", "set_type", "frozen_set_type", "sequence_str"})


def read_config(plugin: Plugin, section: Mapping[str, Any] | None) -> tuple[BaseModel | None, list[str]]:
    """Return what the plugin's model makes of its section, and what is wrong with it, without the values."""
    model = plugin.config
    if model is None:
        return None, [_unasked(plugin)] if section else []
    if not (inspect.isclass(model) and issubclass(model, BaseModel)):
        return None, [
            f"{plugin.place}: config of plugin {plugin.name!r} is no pydantic model: pass the class"
        ]
    try:
        return _validated(model, dict(section or {})), []
    except ValidationError as error:
        return None, [_fault(plugin.name, section, problem) for problem in error.errors(include_url=False)]
    # A model's validators may raise anything; the text of what they raise may hold a value.
    except Exception as error:
        return None, [f"[plugins.{plugin.name}] ({plugin.place}): its config raised {type(error).__name__}"]


def _validated(model: type[BaseModel], section: dict[str, Any]) -> BaseModel:
    """Read a section; what came from a variable is split where the model wants a list, as wxbot's own are."""
    try:
        return model.model_validate(section)
    except ValidationError as error:
        problems = [each for each in error.errors(include_url=False) if each["type"] in _NO_LIST]
        texts = [each["input"] for each in problems if isinstance(each["input"], FromVariable)]
        if not texts:
            raise
    return model.model_validate(_split(section, texts))


def _split(value: Any, texts: Sequence[FromVariable]) -> Any:
    if isinstance(value, Mapping):
        return {key: _split(inner, texts) for key, inner in value.items()}
    return listed(value) if any(value is text for text in texts) else value


def _fault(name: str, section: Any, problem: Any) -> str:
    where = " ".join((f"[plugins.{name}]", ".".join(str(part) for part in problem["loc"]))).rstrip()
    value = section
    for part in problem["loc"]:
        if isinstance(value, Mapping) and part in value:  # else a number in a list, or a kind of a union
            value = value[part]
    source = f" (from {value.variable})" if isinstance(value, FromVariable) else ""
    return f"{where}{source}: {_without_value(problem)}"


def _without_value(problem: Any) -> str:
    """A few of pydantic's sentences, and validators of authors, repeat what was entered."""
    message = str(problem["msg"])
    for value in sorted(_texts(problem.get("input")), key=len, reverse=True):
        message = message.replace(value, "…")
    return message


def _texts(value: object) -> Iterator[str]:
    """Yield the texts in a value; the shortest are no secrets, and would be found in any sentence."""
    if isinstance(value, str) and len(value) > 3:
        yield value
    elif isinstance(value, Mapping):
        yield from _texts(list(value.values()))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _unasked(plugin: Plugin) -> str:
    return (
        f"[plugins.{plugin.name}] is set, but the plugin at {plugin.place} takes no configuration: "
        "take the section out, or give Plugin(..., config=YourModel)"
    )
