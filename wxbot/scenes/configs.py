"""The plugins' own sections of the settings, `[plugins.<name>]`, read by the plugins' own models."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from wxbot.scenes.plugin import Plugin


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
        return model.model_validate(dict(section or {})), []
    except ValidationError as error:
        return None, [_fault(plugin.name, problem) for problem in error.errors(include_url=False)]


def _fault(name: str, problem: Any) -> str:
    where = " ".join((f"[plugins.{name}]", ".".join(str(part) for part in problem["loc"]))).rstrip()
    return f"{where}: {_without_value(problem)}"


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
