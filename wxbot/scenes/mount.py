"""One plugin, checked: its rules read, its handlers bound to what they ask for, all its faults collected."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wxbot.errors import NotAReplyError
from wxbot.scenes.background import JobHandler, ObserverHandler, read_background
from wxbot.scenes.configs import read_config
from wxbot.scenes.handler import Handler
from wxbot.scenes.inject import (
    HANDLER,
    RESCUER,
    SLOW_HANDLER,
    Asker,
    Parameters,
    Provider,
    Supplies,
    check_names,
    check_provider,
    read_parameters,
)
from wxbot.scenes.names import name_fault
from wxbot.scenes.patterns import RuleError, check_prefix
from wxbot.scenes.places import place_of
from wxbot.scenes.plugin import Plugin, Registration
from wxbot.scenes.rules import Rule, read_rule
from wxbot.wechat.replies import Reply, as_interim


@dataclass(frozen=True, slots=True)
class Answer:
    """A rule and the handler that answers it."""

    rule: Rule
    handler: Handler
    plugin: Plugin


@dataclass
class Mounted:
    """A plugin as a registry uses it; `faults` are all reasons why it cannot."""

    plugin: Plugin
    answers: list[Answer] = field(default_factory=list)
    errors: dict[type[Exception], Handler] = field(default_factory=dict)
    jobs: list[JobHandler] = field(default_factory=list)
    observers: list[ObserverHandler] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass
class _Bound:
    """A function with all the rules it was decorated with, for which it is checked once."""

    function: Callable[..., Any]
    place: str
    is_for_errors: bool
    rules: list[Rule] = field(default_factory=list)
    interims: list[Reply | None] = field(default_factory=list)

    @property
    def asker(self) -> Asker:
        """Return what kind of function this is: a slow one if each of its rules says so."""
        if self.is_for_errors or any(rule.kind == "fallback" for rule in self.rules):
            return RESCUER
        return SLOW_HANDLER if all(self.interims) else HANDLER


def mount(plugin: Plugin, section: Mapping[str, Any] | None) -> Mounted:
    """Check a plugin and its section of the settings; never raises for what its author did."""
    mounted = Mounted(plugin)
    mounted.faults += _name_faults(plugin)
    config, faults = read_config(plugin, section)
    mounted.faults += faults
    supplies = Supplies(config, _providers(mounted))
    background = read_background(plugin, supplies)
    mounted.jobs, mounted.observers = background.jobs, background.observers
    mounted.faults += background.faults
    bound = [(each, _parameters(mounted, each, supplies)) for each in _functions(mounted)]
    error_needs = [parameters.names for each, parameters in bound if each.is_for_errors]
    errors_claim = any(_writes(supplies, names) for names in error_needs)
    for each, parameters in bound:
        handler = _handler(plugin, each, parameters, supplies=supplies, errors_claim=errors_claim)
        _keep(mounted, each, handler)
    return mounted


def _name_faults(plugin: Plugin) -> list[str]:
    faults = []
    if fault := name_fault(plugin.name):
        faults.append(f"{plugin.place}: {fault}")
    try:
        check_prefix(plugin.prefix)
    except RuleError as error:
        faults.append(f"{plugin.place}: prefix of plugin {plugin.name!r}: {error}")
    return faults


def _providers(mounted: Mounted) -> dict[str, Provider]:
    providers: dict[str, Provider] = {}
    places: dict[str, str] = {}
    for registration in mounted.plugin.registrations:
        if registration.kind != "provide":
            continue
        place, name = place_of(registration.function, mounted.plugin.place), registration.rule
        provider, faults = check_provider(
            name, registration.function, has_config=mounted.plugin.config is not None
        )
        if name in places:
            faults.append(f"{name!r} is provided at {places[str(name)]} as well: keep one of them")
        shown = "provider" if name is registration.function else f"provider {name!r}"
        mounted.faults += [f"{place}: {shown}: {fault}" for fault in faults]
        places[str(name)] = place
        providers[str(name)] = provider
    return providers


def _functions(mounted: Mounted) -> list[_Bound]:
    """Gather the rules of each function; a function may answer both events and errors."""
    found: dict[tuple[tuple[int, ...], bool], _Bound] = {}
    for registration in mounted.plugin.registrations:
        if registration.kind in ("provide", "job", "observer"):
            continue
        key = (_identity(registration.function), registration.kind == "error")
        if key not in found:
            found[key] = _Bound(
                registration.function, place_of(registration.function, mounted.plugin.place), key[1]
            )
        rule = _rule(mounted, registration, found[key].place)
        if rule is not None:
            found[key].rules.append(rule)
            found[key].interims.append(_interim(mounted, registration, found[key].place))
    return list(found.values())


def _identity(function: Callable[..., Any]) -> tuple[int, ...]:
    """Return what is the same for the same function; a method is a new object each time it is asked for."""
    if inspect.ismethod(function):
        return id(function.__self__), id(function.__func__)
    return (id(function),)


def _rule(mounted: Mounted, registration: Registration, place: str) -> Rule | None:
    try:
        if not callable(registration.function):
            raise RuleError("it is no function: put the decorator on a def")
        return read_rule(registration, mounted.plugin.prefix)
    except RuleError as error:
        shown = (
            ""
            if registration.rule is None or callable(registration.rule)
            else f" {_shown(registration.rule)}"
        )
        mounted.faults.append(f"{place}: {registration.kind}{shown}: {error}")
        return None


def _interim(mounted: Mounted, registration: Registration, place: str) -> Reply | None:
    if registration.interim is None:
        return None
    try:
        return as_interim(registration.interim)
    except NotAReplyError as error:
        shown = f" {_shown(registration.rule)}"
        mounted.faults.append(f"{place}: {registration.kind}{shown}: interim= cannot be shown: {error}")
        return None


def _shown(rule: object) -> str:
    if isinstance(rule, type):
        return rule.__name__
    return repr(rule.pattern) if isinstance(rule, re.Pattern) else repr(rule)


def _parameters(mounted: Mounted, bound: _Bound, supplies: Supplies) -> Parameters:
    if not bound.rules:
        return Parameters()
    parameters, faults = read_parameters(bound.function, 2 if bound.is_for_errors else 1)
    captures = {f"{rule.kind} {rule.shown}": rule.captures for rule in bound.rules}
    has_config = mounted.plugin.config is not None
    faults += check_names(parameters, captures, supplies, asker=bound.asker, has_config=has_config)
    if len(set(bound.interims)) > 1:
        faults.append("its rules differ in interim=: give all of them the same")
    name = getattr(bound.function, "__name__", "")
    if not name:
        faults.append("it has no name: write a function (def) that calls it")
    mounted.faults += [f"{bound.place}: handler {name or repr(bound.function)}: {fault}" for fault in faults]
    return parameters


def _handler(
    plugin: Plugin, bound: _Bound, parameters: Parameters, *, supplies: Supplies, errors_claim: bool
) -> Handler:
    captured = frozenset[str]().union(*(rule.captures for rule in bound.rules))
    writes = _writes(supplies, [name for name in parameters.names if name not in captured])
    interim = next(iter(bound.interims), None)
    return Handler(
        name=f"{plugin.name}.{getattr(bound.function, '__name__', '')}",
        plugin=plugin.name,
        function=bound.function,
        location=bound.place,
        needs=parameters.names,
        captured=captured,
        is_claimed=writes or errors_claim or interim is not None,
        supplies=supplies,
        interim=interim,
    )


def _writes(supplies: Supplies, names: Iterable[str]) -> bool:
    return any(supplies.writes(name) for name in names)


def _keep(mounted: Mounted, bound: _Bound, handler: Handler) -> None:
    for rule in bound.rules:
        if not inspect.isclass(rule.key):
            mounted.answers.append(Answer(rule, handler, mounted.plugin))
            continue
        taken = mounted.errors.setdefault(rule.key, handler)
        if taken is not handler:
            mounted.faults.append(
                f"{handler.location} and {taken.location}: both handle {rule.shown} in plugin "
                f"{mounted.plugin.name!r}: keep one of them"
            )
