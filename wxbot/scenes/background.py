"""What a worker calls after the answer: jobs, which handlers defer, and observers, told of every scan."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from wxbot.errors import WxbotError
from wxbot.scenes.handler import finished
from wxbot.scenes.inject import (
    JOB,
    OBSERVER,
    RESERVED,
    Context,
    Supplies,
    check_asked,
    check_names,
    read_parameters,
)
from wxbot.scenes.places import place_of
from wxbot.scenes.plugin import JobOptions, Plugin, Registration
from wxbot.wechat.events import Scan

_NAME_LENGTH = 128  # what a job's row has room for
_ARGUMENTS_BYTES = 16 * 1024  # a job is a note of what is to do; what it works with has places of its own


class NotDeferrableError(WxbotError, TypeError):
    """What was given to `defer` is no job, or the values do not fit it. The text holds none of the values."""


@dataclass(frozen=True, kw_only=True)
class Deferred:
    """A job as it is written down: its name, and the values as JSON gives them back."""

    name: str
    arguments: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class JobHandler:
    """A function that can be deferred.

    `name` is `plugin.function`. `takes` are the values that `defer` may give it and `requires` those that it
    must; `needs` is filled when it runs. `attempts` is None where the settings decide. One that is not
    idempotent must not be repeated when nobody knows how far it got.
    """

    name: str
    plugin: str
    function: Callable[..., Any] = field(repr=False)
    location: str
    takes: tuple[str, ...]
    requires: frozenset[str]
    needs: tuple[str, ...]
    attempts: int | None
    is_idempotent: bool
    supplies: Supplies = field(repr=False, compare=False)

    def call(self, arguments: Mapping[str, object], *, context: Context) -> object:
        """Run the function, an `async def` to its end, and return what it returns; raises what it raises."""
        filled = self.supplies.fill(self.needs, event=None, context=context)
        return finished(self.function(**arguments, **filled))

    def deferred(self, arguments: Mapping[str, object], *, unnamed: Sequence[object] = ()) -> Deferred:
        """Return the job as it is written down; raises NotDeferrableError, for anything `unnamed` as well."""
        taken = ", ".join(self.takes) or "nothing"
        if unnamed:
            raise self._fault(f"takes {taken}, by name: write name=value for each value given to defer()")
        unknown = sorted(arguments.keys() - set(self.takes))
        missing = sorted(self.requires - arguments.keys())
        if unknown or missing:
            given = ", ".join(arguments) or "nothing"
            raise self._fault(f"takes {taken}, and was given {given}: correct the names given to defer()")
        kept = {name: self._kept(name, value) for name, value in arguments.items()}
        if len(json.dumps(kept, ensure_ascii=False).encode()) > _ARGUMENTS_BYTES:
            raise self._fault(
                f"was given more than {_ARGUMENTS_BYTES // 1024} KB: keep it elsewhere, and hand over its key"
            )
        return Deferred(name=self.name, arguments=kept)

    def _kept(self, name: str, value: object) -> object:
        try:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False)
            text.encode()
            kept: object = json.loads(text)
            # Equal and not only convertible: a tuple or the key 1 would come back as something else.
            if kept == value:
                return kept
        except (TypeError, ValueError, RecursionError):
            pass
        raise self._fault(
            f"was given a {type(value).__name__} as {name!r} that JSON cannot hold: hand over text, numbers, "
            "True, False, None, or lists and dicts of these"
        )

    def _fault(self, text: str) -> NotDeferrableError:
        return NotDeferrableError(f"job {self.name} ({self.location}) {text}")


@dataclass(frozen=True, kw_only=True)
class ObserverHandler:
    """A function that is told of every scan; `name` is `plugin.function`."""

    name: str
    plugin: str
    function: Callable[..., Any] = field(repr=False)
    location: str
    needs: tuple[str, ...]
    supplies: Supplies = field(repr=False, compare=False)

    def call(self, scan: Scan, *, context: Context) -> object:
        """Run the function, an `async def` to its end, and return what it returns; raises what it raises."""
        return finished(self.function(scan, **self.supplies.fill(self.needs, event=scan, context=context)))


@dataclass
class Background:
    """The jobs and observers of one plugin, and what is wrong with others."""

    jobs: list[JobHandler] = field(default_factory=list)
    observers: list[ObserverHandler] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def read_background(plugin: Plugin, supplies: Supplies) -> Background:
    """Check the jobs and observers of a plugin; never raises for what its author did."""
    background = Background()
    for registration in plugin.registrations:
        if registration.kind not in ("job", "observer"):
            continue
        place = place_of(registration.function, plugin.place)
        name = getattr(registration.function, "__name__", "")
        if not (callable(registration.function) and name.isidentifier()):
            background.faults.append(f"{place}: {registration.kind}: it has no name: write a function (def)")
            continue
        full_name = f"{plugin.name}.{name}"
        read = _read_job if registration.kind == "job" else _read_observer
        faults = read(background, registration, supplies, plugin=plugin, full_name=full_name)
        background.faults += [f"{place}: {registration.kind} {name}: {fault}" for fault in faults]
    background.faults += _doubled("jobs", background.jobs) + _doubled("observers", background.observers)
    return background


def _read_job(
    background: Background, registration: Registration, supplies: Supplies, *, plugin: Plugin, full_name: str
) -> list[str]:
    parameters, faults = read_parameters(registration.function, 0)
    known = {*JOB.names, *supplies.providers}
    takes = tuple(name for name in parameters.names if name not in known)
    asked = [name for name in parameters.names if name in known or name in JOB.refused]
    faults += check_asked(asked, supplies, asker=JOB, has_config=plugin.config is not None)
    faults += [
        f"{name!r} cannot be the name of a value that is handed over: rename the parameter"
        for name in takes
        if name in RESERVED and name not in JOB.refused
    ]
    options = registration.rule if isinstance(registration.rule, JobOptions) else JobOptions()
    faults += _option_faults(options, full_name)
    background.jobs.append(
        JobHandler(
            name=full_name,
            plugin=plugin.name,
            function=registration.function,
            location=place_of(registration.function, plugin.place),
            takes=takes,
            requires=frozenset(takes) - parameters.optional,
            needs=tuple(name for name in parameters.names if name in known),
            attempts=options.attempts if isinstance(options.attempts, int) else None,
            is_idempotent=options.idempotent is True,
            supplies=supplies,
        )
    )
    return faults


def _option_faults(options: JobOptions, full_name: str) -> list[str]:
    faults = []
    if not isinstance(options.idempotent, bool):
        faults.append(f"idempotent is True or False, not {options.idempotent!r}")
    attempts = options.attempts
    if attempts is not None and (type(attempts) is not int or attempts < 1):
        faults.append(f"attempts is a number from 1, or left out, not {attempts!r}")
    if len(full_name) > _NAME_LENGTH:
        faults.append(
            f"its name {full_name!r} is longer than {_NAME_LENGTH} characters: choose a shorter one"
        )
    return faults


def _read_observer(
    background: Background, registration: Registration, supplies: Supplies, *, plugin: Plugin, full_name: str
) -> list[str]:
    parameters, faults = read_parameters(registration.function, 1)
    faults += check_names(parameters, {}, supplies, asker=OBSERVER, has_config=plugin.config is not None)
    background.observers.append(
        ObserverHandler(
            name=full_name,
            plugin=plugin.name,
            function=registration.function,
            location=place_of(registration.function, plugin.place),
            needs=parameters.names,
            supplies=supplies,
        )
    )
    return faults


class _Named(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def location(self) -> str: ...


def _doubled(kind: str, handlers: Sequence[_Named]) -> list[str]:
    """Two of one name: a row in the database would not tell which of them it means."""
    faults = []
    known: dict[str, _Named] = {}
    for handler in handlers:
        taken = known.setdefault(handler.name, handler)
        if taken is not handler:
            faults.append(
                f"{handler.location} and {taken.location}: both {kind} are called {handler.name!r}: "
                "rename one of them, or remove its line"
            )
    return faults
