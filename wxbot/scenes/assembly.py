"""All plugins together: mounted for every account or not at all, with every fault reported at once."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from wxbot.errors import PluginError
from wxbot.scenes.background import JobHandler
from wxbot.scenes.mount import Answer, Mounted, mount
from wxbot.scenes.patterns import Pattern
from wxbot.scenes.plugin import Plugin
from wxbot.scenes.signing import SigningKeys
from wxbot.scenes.table import Fault, Table, build_table

Accounts = Mapping[str, Sequence[str]]
Configs = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Mounts:
    """What a registry is made of; `skipped` are the faults of plugins that were left out."""

    mounted: tuple[Mounted, ...]
    tables: dict[str, Table]
    skipped: tuple[str, ...]


def mount_all(
    plugins: Sequence[Plugin],
    *,
    accounts: Accounts,
    keys: Sequence[str],
    configs: Configs,
    on_error: Literal["stop", "skip"],
    skipped: Sequence[str],
) -> Mounts:
    """Mount plugins for accounts; raises PluginError with every fault that cannot be skipped."""
    wanted = list({id(plugin): plugin for plugin in plugins}.values())
    left_out = list(skipped)
    while True:
        mounted = [mount(plugin, configs.get(plugin.name)) for plugin in wanted]
        tables, contentions = _tables(mounted, accounts, keys=keys)
        faults = _own_faults(mounted)
        if on_error == "stop" or not faults:
            # A plugin that is left out for faults of its own is in nobody's way.
            faults += contentions
        stray = _stray_names(wanted, accounts, configs)
        if not faults and (not stray or left_out):
            # A stray name may be that of a plugin which was left out.
            return Mounts(tuple(mounted), tables, (*left_out, *stray))
        if on_error == "stop" or not faults:
            raise PluginError(list(dict.fromkeys([*stray, *(fault.text for fault in faults)])))
        left_out += dict.fromkeys(fault.text for fault in faults)
        broken = [fault.plugin for fault in faults]
        wanted = [plugin for plugin in wanted if not any(plugin is each for each in broken)]


def _own_faults(mounted: Sequence[Mounted]) -> list[Fault]:
    faults = [Fault(text, each.plugin) for each in mounted for text in each.faults]
    named: dict[str, Plugin] = {}
    for each in mounted:
        taken = named.setdefault(each.plugin.name, each.plugin)
        if taken is not each.plugin:
            faults.append(
                Fault(
                    f"{each.plugin.place} and {taken.place}: both plugins are called {taken.name!r}: "
                    "rename one of them",
                    each.plugin,
                )
            )
    return faults + _shared_jobs(mounted)


def _shared_jobs(mounted: Sequence[Mounted]) -> list[Fault]:
    """One function as a job of two plugins: `defer` is given the function, and could not tell them apart."""
    faults: list[Fault] = []
    known: list[JobHandler] = []
    for each in mounted:
        for job in each.jobs:
            taken = next((other for other in known if other.function == job.function), None)
            if taken is not None and taken.plugin != job.plugin:
                text = f"{job.location}: the function is {taken.name} and {job.name}: remove one of the lines"
                faults.append(Fault(text, each.plugin))
            known.append(job)
    return faults


def _tables(
    mounted: Sequence[Mounted], accounts: Accounts, *, keys: Sequence[str]
) -> tuple[dict[str, Table], list[Fault]]:
    tables, faults = {}, []
    for account, names in accounts.items():
        chosen = [each for each in mounted if not names or each.plugin.name in names]
        signing = SigningKeys(account, [key.encode() for key in keys])
        answers = [answer for each in chosen for answer in each.answers]
        tables[account], found = build_table(account, answers, signing)
        tables[account].plugins = frozenset(each.plugin.name for each in chosen)
        faults += [*_doubled_endpoints(answers), *found]
        faults += _unsigned(answers, signing)
    return tables, list(dict.fromkeys(faults))


def _doubled_endpoints(answers: Sequence[Answer]) -> list[Fault]:
    """Two functions of one name in one plugin: `scene_for` could not tell them apart, nor the breaker."""
    faults: dict[tuple[str, str], Fault] = {}
    known: dict[str, Answer] = {}
    for answer in answers:
        name, place = answer.handler.name, answer.handler.location
        taken = known.setdefault(name, answer)
        if taken.handler is not answer.handler and taken.plugin is answer.plugin:
            # Once for each place: a loop may have made a hundred of them there.
            faults.setdefault((name, place), Fault(_doubled(answer, taken), answer.plugin))
    return list(faults.values())


def _doubled(answer: Answer, taken: Answer) -> str:
    name, place = answer.handler.name, answer.handler.location
    if place != taken.handler.location:
        return f"{place} and {taken.handler.location}: both functions are called {name!r}: rename one of them"
    rules = " and ".join(f"{each.rule.kind} {each.rule.shown}" for each in (taken, answer))
    return (
        f"{place}: {rules} have two functions, both called {name!r}: give each a function.__name__ of its "
        "own before its rule, or put both rules above the decorator that is between them"
    )


def _unsigned(answers: Sequence[Answer], signing: SigningKeys) -> list[Fault]:
    if signing:
        return []
    return [
        Fault(f"{answer.handler.location}: rule {answer.rule.shown} is signed: set secret_key", answer.plugin)
        for answer in answers
        if isinstance(answer.rule.key, Pattern) and answer.rule.key.is_signed
    ]


def _stray_names(plugins: Sequence[Plugin], accounts: Accounts, configs: Configs) -> list[str]:
    """Return the settings that name plugins which there are not."""
    known = [plugin.name for plugin in plugins]
    stray = [
        f"[accounts.{account}] plugins: there is no plugin {name!r}{_hint(name, known)}"
        for account, names in accounts.items()
        for name in names
        if name not in known
    ]
    stray += [
        f"[plugins.{name}] belongs to no plugin{_hint(name, known)}" for name in configs if name not in known
    ]
    return stray


def _hint(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f": did you mean {near[0]!r}?"
    return f": there are {', '.join(known)}" if known else ": no plugin was loaded"
