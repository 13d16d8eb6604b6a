"""What a handler may ask for by name, read from its signature when it is mounted and filled when it runs."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy.orm import Session

from wxbot.wechat.events import Event

INJECTED = ("session", "follower", "config")
FOR_PROVIDERS = ("event", *INJECTED)
# Names that a capture or a provided value cannot have: what is filled in, what `scene_for` takes,
# and what handlers will be able to ask for.
RESERVED = frozenset([*FOR_PROVIDERS, "account", "channel", "defer", "wechat"])


class Context(Protocol):
    """What one run has to offer; the session is only made if the handler takes it."""

    @property
    def session(self) -> Callable[[], Session]:
        """Return what opens the session of this run."""
        ...

    @property
    def follower(self) -> object:
        """Return the person the event is about."""
        ...


@dataclass(frozen=True)
class Parameters:
    """The names that a function asks for, and those among them that it can do without."""

    names: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()
    leading: tuple[str, ...] = ()


@dataclass(frozen=True)
class Provider:
    """A function that makes a value for the handlers of its plugin."""

    function: Callable[..., Any]
    needs: tuple[str, ...]


@dataclass(frozen=True)
class Supplies:
    """What a plugin's handlers are filled from, besides the run: its configuration and its providers."""

    config: object = None
    providers: Mapping[str, Provider] = field(default_factory=dict)

    def is_session(self, name: str) -> bool:
        """Tell whether this name leads to the session, directly or through a provider."""
        return name == "session" or (name in self.providers and "session" in self.providers[name].needs)

    def fill(self, needs: Iterable[str], *, event: Event, context: Context) -> dict[str, object]:
        """Return the values of these names for one run; a value that two of them need is made once."""
        run = _Run(self, event, context)
        return {name: run.value_of(name) for name in needs}


class _Run:
    """The values of one run, each made at most once."""

    def __init__(self, supplies: Supplies, event: Event, context: Context) -> None:
        self._supplies = supplies
        self._context = context
        self._made: dict[str, object] = {"event": event, "config": supplies.config}

    def value_of(self, name: str) -> object:
        """Return the value of a name that was checked when the plugin was mounted."""
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> object:
        if name == "session":
            return self._context.session()
        if name == "follower":
            return self._context.follower
        provider = self._supplies.providers[name]
        return provider.function(**{need: self.value_of(need) for need in provider.needs})


def read_parameters(function: Callable[..., Any], leading: int) -> tuple[Parameters, list[str]]:
    """Read what a function asks for behind its first `leading` parameters, and all that is wrong with it."""
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return Parameters(), ["its signature cannot be read: write it as a plain function (def)"]
    faults = _shape_faults(function, found, leading)
    asked = found[leading:]
    parameters = Parameters(
        names=tuple(parameter.name for parameter in asked if not _is_catch_all(parameter)),
        optional=frozenset(p.name for p in asked if p.default is not inspect.Parameter.empty),
        leading=tuple(parameter.name for parameter in found[:leading]),
    )
    return parameters, faults


def check_names(
    parameters: Parameters,
    captures: Mapping[str, frozenset[str]],
    provided: Iterable[str],
    *,
    has_config: bool,
) -> list[str]:
    """Return what cannot be filled. `captures` are the captured names of each rule of the function."""
    captured: frozenset[str] = frozenset().union(*captures.values())
    known = {*INJECTED, *provided}
    faults = _clashes(captured, known, parameters.leading)
    for name in parameters.names:
        if name in captured:
            faults += _missing_captures(name, captures) if name not in parameters.optional else []
        elif name not in known:
            faults.append(_unknown(name, [*sorted(captured), *sorted(known)]))
        elif name == "config" and not has_config:
            faults.append("it asks for config, but its plugin has none: give Plugin(..., config=YourModel)")
    return faults


def check_provider(
    name: object, function: Callable[..., Any], *, has_config: bool
) -> tuple[Provider, list[str]]:
    """Read a function of `Plugin.provide`, and all that is wrong with it."""
    parameters, faults = read_parameters(function, 0)
    if not isinstance(name, str) or not name.isidentifier() or name in RESERVED:
        faults.append(f"{name!r} cannot be provided: choose the name of a parameter that is not reserved")
    if inspect.iscoroutinefunction(function):
        faults.append("a provider cannot be async: make the value in a plain function")
    for asked in parameters.names:
        if asked not in FOR_PROVIDERS:
            faults.append(_unknown(asked, FOR_PROVIDERS))
        elif asked == "config" and not has_config:
            faults.append("it asks for config, but its plugin has none: give Plugin(..., config=YourModel)")
    return Provider(function, parameters.names), faults


def _shape_faults(function: Callable[..., Any], found: list[inspect.Parameter], leading: int) -> list[str]:
    faults = []
    first = ("the event", "the event and the error")[max(leading - 1, 0)]
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if len(found) < leading or any(parameter.kind not in positional for parameter in found[:leading]):
        faults.append(
            f"its first {'parameters are' if leading > 1 else 'parameter is'} {first}: add what is missing"
        )
    for parameter in found[leading:]:
        if _is_catch_all(parameter):
            stars = "**" if parameter.kind is inspect.Parameter.VAR_KEYWORD else "*"
            faults.append(
                f"{stars}{parameter.name} cannot be filled by name: list the parameters "
                "(a decorator of yours keeps them with functools.wraps)"
            )
        elif parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            faults.append(f"{parameter.name} cannot be filled by name: move the / in front of it")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        faults.append("it yields, and a generator is no value: return it instead")
    return faults


def _is_catch_all(parameter: inspect.Parameter) -> bool:
    return parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _clashes(captured: frozenset[str], known: set[str], leading: tuple[str, ...]) -> list[str]:
    faults = [
        f"{name!r} is captured, but the name is taken: rename the capture"
        for name in sorted(captured & (known | RESERVED))
    ]
    faults += [
        f"its first parameter is the event and cannot be {name!r}: put a parameter in front of it"
        for name in leading
        if name in captured or name in known
    ]
    return faults


def _missing_captures(name: str, captures: Mapping[str, frozenset[str]]) -> list[str]:
    return [
        f"{name!r} is not captured by its {rule}: give the parameter a default, or capture it there too"
        for rule, names in captures.items()
        if name not in names
    ]


def _unknown(name: str, known: Iterable[str]) -> str:
    return f"nothing is called {name!r}: a parameter can be {', '.join(known)}"
