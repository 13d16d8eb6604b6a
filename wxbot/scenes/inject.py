"""What functions may ask for by name, read from their signatures when they are mounted, filled when they run.

Handlers, jobs and observers are given different things: `Asker` says which, and why not the others.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy.orm import Session

from wxbot.wechat.api import ApiClient
from wxbot.wechat.events import Event

# What parts above this one lend, by way of the context; those that write do it through the session.
LENT_TO_WRITE = ("claims", "bindings")
LENT = ("channel", "public_url", *LENT_TO_WRITE)
FOR_PROVIDERS = ("event", "session", "follower", "config", "defer", "wechat", *LENT)
# Names that a capture, a provided value or an argument of a job cannot have: what is filled in, and what
# `scene_for` takes.
RESERVED = frozenset([*FOR_PROVIDERS, "key", "account"])


class Defer(Protocol):
    """Enqueues a job, together with what the session writes: both are kept, or neither is."""

    def __call__(self, function: Callable[..., object], /, **arguments: object) -> None:
        """Let a worker call the function with these values, which JSON must be able to hold.

        Raises WxbotError, which is a TypeError here too, for what is no job or does not fit its parameters.
        """
        ...


class Context(Protocol):
    """What one run has to offer; each of these is asked for only if somebody takes it."""

    @property
    def session(self) -> Callable[[], Session]:
        """Return what opens the session of this run."""
        ...

    @property
    def follower(self) -> object:
        """Return the person the event is about."""
        ...

    @property
    def defer(self) -> Defer:
        """Return what enqueues jobs in the transaction of this run."""
        ...

    @property
    def wechat(self) -> Callable[[], ApiClient]:
        """Return what gives the API client of this run's account."""
        ...

    @property
    def key(self) -> str:
        """Return the text that is the same at every attempt of this job."""
        ...

    def lent(self, name: str) -> object:
        """Return one of LENT."""
        ...


@dataclass(frozen=True)
class Asker:
    """A kind of function: the names it may ask for, and for the others why it may not."""

    names: tuple[str, ...]
    refused: Mapping[str, str]


_NETWORK = (
    "is a network call, and the person waits for the answer: give every rule of this function interim=..., "
    "or do it in a job (@plugin.job, defer)"
)
_WRITING = ("session", "defer", *LENT_TO_WRITE)
_NO_EVENT = "is not known to a job, which runs later: hand over what it needs as a value"
HANDLER = Asker(
    ("session", "follower", "config", "defer", *LENT),
    {"wechat": _NETWORK, "key": "is for jobs and observers: take the key of the event"},
)
SLOW_HANDLER = Asker((*HANDLER.names, "wechat"), {"key": HANDLER.refused["key"]})
RESCUER = Asker(
    HANDLER.names,
    {
        **HANDLER.refused,
        "wechat": "is a network call, and the person waits: do it in a job (@plugin.job, defer)",
    },
)
OBSERVER = Asker((*SLOW_HANDLER.names, "key"), {})
JOB = Asker(
    ("session", "config", "defer", "wechat", "key", "public_url", *LENT_TO_WRITE),
    {"event": _NO_EVENT, "follower": _NO_EVENT, "channel": _NO_EVENT},
)


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

    def writes(self, name: str) -> bool:
        """Tell whether whoever asks for this name may write in the run's transaction."""
        return self.leads_to(name, *_WRITING)

    def leads_to(self, name: str, *wanted: str) -> bool:
        """Tell whether this name is one of those wanted, or is provided with the help of one."""
        return name in wanted or (
            name in self.providers and not set(wanted).isdisjoint(self.providers[name].needs)
        )

    def fill(self, needs: Iterable[str], *, event: Event | None, context: Context) -> dict[str, object]:
        """Return the values of these names for one run; a value that two of them need is made once.

        A job has no event, and nothing that needs one could be mounted with it.
        """
        run = _Run(self, event, context)
        return {name: run.value_of(name) for name in needs}


class _Run:
    """The values of one run, each made at most once."""

    def __init__(self, supplies: Supplies, event: Event | None, context: Context) -> None:
        self._supplies = supplies
        self._context = context
        self._made: dict[str, object] = {"event": event, "config": supplies.config}

    def value_of(self, name: str) -> object:
        """Return the value of a name that was checked when the plugin was mounted."""
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> object:
        provider = self._supplies.providers.get(name)
        if provider is not None:
            return provider.function(**{need: self.value_of(need) for need in provider.needs})
        if name in ("session", "wechat"):
            return getattr(self._context, name)()
        if name in LENT:
            return self._context.lent(name)
        return getattr(self._context, name)


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
    supplies: Supplies,
    *,
    asker: Asker,
    has_config: bool,
) -> list[str]:
    """Return what cannot be filled. `captures` are the captured names of each rule of the function."""
    captured: frozenset[str] = frozenset().union(*captures.values())
    known = {*asker.names, *supplies.providers}
    leading = [name for name in parameters.leading if name not in supplies.providers]
    faults = _clashes(captured, {*known, *asker.refused}, leading)
    faults += [
        f"its first parameter is the event, and its plugin provides {name!r}: rename one of them"
        for name in parameters.leading
        if name in supplies.providers
    ]
    for name in parameters.names:
        if name in captured:
            faults += _missing_captures(name, captures) if name not in parameters.optional else []
        elif name not in known and name not in asker.refused:
            faults.append(_unknown(name, [*sorted(captured), *sorted(known)]))
    asked = [name for name in parameters.names if name not in captured]
    return faults + check_asked(asked, supplies, asker=asker, has_config=has_config)


def check_asked(asked: Iterable[str], supplies: Supplies, *, asker: Asker, has_config: bool) -> list[str]:
    """Return what a kind of function may not ask for, itself or through what its plugin provides."""
    faults = []
    for name in asked:
        if name == "config" and not has_config:
            faults.append(_NO_CONFIG)
        for refused, reason in asker.refused.items():
            if name == refused:
                faults.append(f"{name!r} {reason}")
            elif supplies.leads_to(name, refused):
                faults.append(f"{name!r} is provided with the help of {refused!r}, which {reason}")
    return faults


def check_provider(
    name: object, function: Callable[..., Any], *, has_config: bool
) -> tuple[Provider, list[str]]:
    """Read a function of `Plugin.provide`, and all that is wrong with it."""
    parameters, faults = read_parameters(function, 0)
    if name is function:
        faults.append('the name is missing: write @plugin.provide("...")')
    elif not isinstance(name, str) or not name.isidentifier() or name in RESERVED:
        faults.append(f"{name!r} cannot be provided: choose the name of a parameter that is not reserved")
    if inspect.iscoroutinefunction(function):
        faults.append("a provider cannot be async: make the value in a plain function")
    for asked in parameters.names:
        if asked not in FOR_PROVIDERS:
            faults.append(_unknown(asked, FOR_PROVIDERS))
        elif asked == "config" and not has_config:
            faults.append(_NO_CONFIG)
    return Provider(function, parameters.names), faults


_NO_CONFIG = "it asks for config, but its plugin has none: give Plugin(..., config=YourModel)"


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


def _clashes(captured: frozenset[str], known: set[str], leading: Iterable[str]) -> list[str]:
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
