"""A handler: a function bound to what it asks for; and the match that a registry finds for an event."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wxbot.scenes.inject import Context, Supplies
from wxbot.wechat.events import Event


@dataclass(frozen=True, kw_only=True)
class Handler:
    """A function that a plugin registered, checked and ready to be called.

    `name` is the endpoint (`plugin.function`), `needs` are the names it asks for, `captured` those that rules
    capture. `takes_session` tells whether the session is among them, directly or through a provider;
    `is_claimed` also counts the error handlers that may run in its place.
    """

    name: str
    plugin: str
    function: Callable[..., Any] = field(repr=False)
    location: str
    needs: tuple[str, ...]
    captured: frozenset[str]
    takes_session: bool
    is_claimed: bool
    supplies: Supplies = field(repr=False, compare=False)

    def call(
        self,
        event: Event,
        values: Mapping[str, object],
        *,
        context: Context,
        error: Exception | None = None,
    ) -> object:
        """Run the function with what it asks for, and return what it returns (for `async def`: a coroutine).

        `error` is what an error handler is called about. Raises whatever the function or a provider raises.
        """
        filled = self.supplies.fill(
            [name for name in self.needs if name not in self.captured], event=event, context=context
        )
        given = {name: values[name] for name in self.needs if name in self.captured and name in values}
        leading = (event,) if error is None else (event, error)
        return self.function(*leading, **given, **filled)


@dataclass(frozen=True, kw_only=True)
class Match:
    """Who answers an event: the handler with what it captured, then the fallbacks in their order."""

    handler: Handler | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    fallbacks: tuple[Handler, ...] = ()

    @property
    def is_claimed(self) -> bool:
        """Tell whether any of them may take the session, so that the event is claimed before they run."""
        handlers = (self.handler, *self.fallbacks)
        return any(handler.is_claimed for handler in handlers if handler is not None)
