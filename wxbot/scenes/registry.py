"""What maps an event to its handler: plugins mounted for each account, ambiguity refused at the start."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from wxbot.scenes.assembly import Mounts, mount_all
from wxbot.scenes.background import Deferred, JobHandler, NotDeferrableError, ObserverHandler
from wxbot.scenes.explain import Explanation, explain
from wxbot.scenes.handler import Handler, Match
from wxbot.scenes.messages import suggestion
from wxbot.scenes.patterns import SceneError
from wxbot.scenes.plugin import Plugin
from wxbot.scenes.rules import When
from wxbot.scenes.scene_for import build_scene, sample_scene
from wxbot.scenes.table import Table
from wxbot.wechat.events import Click, Event, Follow, Scan, TextMessage, Unfollow


@dataclass(frozen=True)
class Route:
    """One line of `wxbot routes`: what is answered (`kind` and `rule`), by whom, and where it is written.

    `when` restricts scenes, and tells texts that are asked about ahead of all others.
    """

    kind: str
    rule: str
    when: When | Literal["ahead"] | None
    handler: str
    plugin: str
    location: str


class Registry:
    """The handlers of every account; made by `build` and never changed afterwards."""

    def __init__(self, mounts: Mounts) -> None:
        self._tables: dict[str, Table] = mounts.tables
        self._errors = {each.plugin.name: each.errors for each in mounts.mounted}
        self._jobs = {job.name: job for each in mounts.mounted for job in each.jobs}
        self._observers = tuple(observer for each in mounts.mounted for observer in each.observers)
        self.plugins = tuple(each.plugin for each in mounts.mounted)
        self.skipped = mounts.skipped

    @classmethod
    def build(
        cls,
        plugins: Sequence[Plugin],
        *,
        accounts: Mapping[str, Sequence[str]],
        keys: Sequence[str],
        configs: Mapping[str, Mapping[str, Any]],
        on_error: Literal["stop", "skip"] = "stop",
        skipped: Sequence[str] = (),
    ) -> "Registry":
        """Mount the plugins for the accounts, all of them or none.

        `accounts` names the plugins of each account (none: all of them), `keys` are the secret keys, newest
        first, `configs` the sections `[plugins.<name>]`. Raises PluginError with every fault there is; with
        `on_error` "skip" broken plugins are left out as a whole, and their faults follow those in `skipped`.
        """
        mounts = mount_all(
            plugins, accounts=accounts, keys=keys, configs=configs, on_error=on_error, skipped=skipped
        )
        for each in mounts.mounted:
            each.plugin.mark_mounted()
        return cls(mounts)

    @property
    def accounts(self) -> tuple[str, ...]:
        """Return the names of the accounts."""
        return tuple(self._tables)

    def names(self) -> set[str]:
        """Return the names of all functions of the plugins that may be called."""
        answers = {answer.handler.name for table in self._tables.values() for answer in table.answers}
        errors = {handler.name for each in self._errors.values() for handler in each.values()}
        return {*answers, *errors, *self._jobs, *(each.name for each in self._observers)}

    def find(self, event: Event) -> Match:
        """Return who answers an event: for scans and follows, messages, menu clicks and all other events."""
        table = self._tables.get(event.account)
        if table is None:
            return Match()
        if isinstance(event, Scan):
            return table.match(event.scene, event.when)
        if isinstance(event, TextMessage):
            asked: list[tuple[Handler, Mapping[str, object]]] = [*table.find_ahead(event.content)]
            ahead = len(asked)
            text = table.find_text(event.content)
            other = _find_other(table, event) if text is None else None
            asked += [text] if text else [(other, {})] if other else []
            if asked:
                (first, values), *others = asked
                return Match(handler=first, values=values, others=tuple(others), may_pass=ahead)
        return Match(handler=_find_other(table, event))

    def error_handlers(self, handler: Handler, error: Exception) -> Handler | None:
        """Return the error handler of the same plugin for the most specific class of the error, if any."""
        handlers = self._errors.get(handler.plugin, {})
        return next((handlers[kind] for kind in type(error).__mro__ if kind in handlers), None)

    def expects(self, handler: Handler, error: Exception) -> bool:
        """Say whether the plugin has an error handler for this very error, not for whatever comes."""
        handlers = self._errors.get(handler.plugin, {})
        return any(kind in handlers for kind in type(error).__mro__ if kind is not Exception)

    def observers(self, account: str) -> tuple[ObserverHandler, ...]:
        """Return who is told of the scans of an account."""
        table = self._tables.get(account)
        names = table.plugins if table else frozenset()
        return tuple(each for each in self._observers if each.plugin in names)

    def job(self, name: str) -> JobHandler | None:
        """Return the job of this name (`plugin.function`), if there is one."""
        return self._jobs.get(name)

    def job_name(self, function: Callable[..., object]) -> str | None:
        """Return the name under which a function is a job, if it is one."""
        return next((job.name for job in self._jobs.values() if job.function == function), None)

    def deferred(
        self,
        function: Callable[..., object],
        arguments: Mapping[str, object],
        *,
        unnamed: Sequence[object] = (),
    ) -> Deferred:
        """Return what `defer(function, **arguments)` writes down; raises NotDeferrableError."""
        name = self.job_name(function)
        if name is None:
            shown = getattr(function, "__qualname__", type(function).__name__)
            raise NotDeferrableError(
                f"{shown} is no job of a mounted plugin: put @plugin.job on it, above all other decorators, "
                "and give the function itself to defer()"
            )
        return self._jobs[name].deferred(arguments, unnamed=unnamed)

    def scene_for(self, endpoint: str, /, *, account: str | None = None, **values: object) -> str:
        """Return the scene that brings these values to a handler (`plugin.function`), as `url_for` does.

        The rule that takes exactly these values is used; of several, the topmost one on the function.
        Integers may be given as text. Raises SceneError if no rule takes them, the scene would not fit a
        code, or another handler would get it.
        """
        return build_scene(self._table(account), endpoint, values)

    def routes(self, account: str) -> list[Route]:
        """Return all that an account answers, as it is asked: scenes, then fallbacks, then the rest."""
        table = self._table(account)
        scenes = sorted(table.scenes, key=lambda each: (each.pattern.rank, each.pattern.text))
        routes = [
            Route(each.pattern.kind, each.pattern.text, each.when, each.handler.name, *_origin(each.handler))
            for each in scenes
        ]
        routes += [
            Route(
                each.rule.kind,
                each.plugin.prefix if each.rule.kind == "fallback" else each.rule.text,
                "ahead" if each.rule.is_ahead else None,
                each.handler.name,
                *_origin(each.handler),
            )
            for each in table.others()
        ]
        return routes

    def background(self, account: str) -> list[Route]:
        """Return what a worker calls for an account after the answers: observers, then jobs."""
        table = self._table(account)
        observers = [
            Route("observer", "", None, each.name, each.plugin, each.location)
            for each in self.observers(account)
        ]
        return observers + [
            Route("job", ", ".join(each.takes), None, each.name, each.plugin, each.location)
            for each in self._jobs.values()
            if each.plugin in table.plugins
        ]

    def explain(self, scene: str, *, account: str | None = None, when: When = "scan") -> Explanation:
        """Return which handler answers a scene, and why each rule that was looked at does or does not."""
        return explain(self._table(account), scene, when)

    def suggestion(self, event: Event) -> str:
        """Return lines for the log about an event that nobody answers, with a handler ready to paste."""
        table = self._tables.get(event.account)
        if table is None or not isinstance(event, Scan):
            return suggestion(event)
        plugins = (each for each in self.plugins if each.name in table.plugins)
        prefixes = [each.prefix for each in plugins if event.scene.startswith(each.prefix)]
        return suggestion(
            event,
            table.near(event.scene),
            prefix=max(prefixes, key=len, default=""),
            signed=table.signed_for(event.scene, event.when),
            fallback=next((each.name for each in table.fallbacks_for(event.scene)), ""),
            is_half=any(event.scene in index.exact for index in table.indexes.values()),
        )

    def samples(self, account: str) -> list[tuple[str, str]]:
        """Return handler and one working scene for each scene rule of an account; captures are 1001."""
        table = self._table(account)
        scenes = ((each.handler.name, sample_scene(table, each)) for each in table.scenes)
        return [(name, scene) for name, scene in scenes if scene is not None]

    def clicks(self, account: str) -> list[str]:
        """Return the menu keys that an account answers."""
        return [each.rule.text for each in self._table(account).answers if each.rule.kind == "click"]

    def _table(self, account: str | None) -> Table:
        if account is None and len(self._tables) == 1:
            return next(iter(self._tables.values()))
        known = ", ".join(self._tables)
        if account is None:
            raise SceneError(f"there are several accounts: name one of {known}")
        if account not in self._tables:
            raise SceneError(f"there is no account {account!r}: use one of {known}")
        return self._tables[account]


def _find_other(table: Table, event: Event) -> Handler | None:
    if isinstance(event, Follow):
        return table.find_exact("follow", "")
    if isinstance(event, Unfollow):
        return table.find_exact("unfollow", "")
    if event.is_message:
        return table.find_exact("message", event.wire_name)
    clicked = table.find_exact("click", event.event_key) if isinstance(event, Click) else None
    return clicked or table.find_exact("event", event.wire_name)


def _origin(handler: Handler) -> tuple[str, str]:
    return handler.plugin, handler.location
