"""A handler: a function bound to what it asks for; and the match that a registry finds for an event."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, Final

from wxbot.scenes.inject import Context, Supplies
from wxbot.wechat.events import Event
from wxbot.wechat.replies import Reply


@dataclass(frozen=True, kw_only=True)
class Handler:
    """A function that a plugin registered, checked and ready to be called.

    `name` is the endpoint (`plugin.function`), `needs` are the names it asks for, `captured` those that rules
    capture. `is_claimed`: the event is claimed before it runs, since the session or `defer` is among the
    needs, directly, through a provider, or of an error handler that may run in its place, or since it has an
    `interim`: what the person reads when the handler is slow.
    """

    name: str
    plugin: str
    function: Callable[..., Any] = field(repr=False)
    location: str
    needs: tuple[str, ...]
    captured: frozenset[str]
    is_claimed: bool
    supplies: Supplies = field(repr=False, compare=False)
    interim: Reply | None = None

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


class Pass(Enum):
    """What a handler of texts returns that was asked ahead of others, and leaves the text to them."""

    PASS = "pass"


PASS: Final = Pass.PASS


@dataclass(frozen=True, kw_only=True)
class Match:
    """Who answers an event: the handler with what it captured, then the fallbacks in their order.

    `others` are asked, one after the other, when the handler passes. So many of all who are asked as
    `may_pass` says, the first ones, may do so.
    """

    handler: Handler | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    others: tuple[tuple[Handler, Mapping[str, object]], ...] = ()
    may_pass: int = 0
    fallbacks: tuple[Handler, ...] = ()

    @cached_property
    def asked(self) -> tuple[tuple[Handler, Mapping[str, object]], ...]:
        """Return who is asked, each with what was captured, until one does not pass."""
        return self.others if self.handler is None else ((self.handler, self.values), *self.others)

    @cached_property
    def interim(self) -> Reply | None:
        """Return what the handler's author wants to be read when the deadline passes first."""
        return next((each.interim for each, _ in self.asked if each.interim is not None), None)

    @cached_property
    def name(self) -> str:
        """Return the name of the handler that answers, unless one before it does; empty if there is none."""
        return self.asked[-1][0].name if self.asked else ""

    @cached_property
    def is_claimed(self) -> bool:
        """Tell whether any of them may take the session, so that the event is claimed before they run."""
        return any(handler.is_claimed for handler in (*(each for each, _ in self.asked), *self.fallbacks))


def finished(result: object) -> object:
    """Return what a function returned; a coroutine is run to its end, in an event loop of its own."""
    return asyncio.run(_awaited(result)) if inspect.iscoroutine(result) else result


async def _awaited(result: Coroutine[Any, Any, object]) -> object:
    return await result
