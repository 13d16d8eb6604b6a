"""A plugin: what the author of handlers writes down, without effect until a registry mounts it."""

import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, overload

from pydantic import BaseModel

from wxbot.errors import PluginError
from wxbot.scenes.places import module_of_caller, place_of, place_of_caller
from wxbot.wechat.replies import Reply

Function = TypeVar("Function", bound=Callable[..., Any])
Kind = Literal[
    "scene",
    "text",
    "click",
    "event",
    "message",
    "follow",
    "unfollow",
    "error",
    "fallback",
    "provide",
    "job",
    "observer",
]


@dataclass(frozen=True, slots=True)
class Made:
    """A plugin that was made while a module was imported: the module's variables, and its line."""

    plugin: "Plugin"
    variables: dict[str, Any]
    place: str


# Where plugins are noted that are made in this thread while modules are imported.
made_at_import: ContextVar[list[Made] | None] = ContextVar("made_at_import", default=None)


@dataclass(frozen=True, slots=True)
class JobOptions:
    """How a job is repeated: not blindly unless it is idempotent, and at most `attempts` times in all."""

    idempotent: object = True
    attempts: object = None


@dataclass(frozen=True, slots=True)
class Registration:
    """One decorator line: what was asked for, and the function below it. Nothing is checked yet."""

    kind: Kind
    function: Callable[..., Any]
    rule: object = None
    when: object = None
    interim: object = None
    is_ahead: bool = False


class Plugin:
    """A named set of handlers, made at import and mounted later.

    `name` is also the section `[plugins.<name>]` of the settings, which `config` (a pydantic model)
    validates. `prefix` is put before every scene rule that is a text; integers and ranges cannot be used
    under a prefix, because WeChat's integer scenes have no room for one. Every decorator returns the function
    unchanged and may be used several times on one function. Mistakes are reported together when the plugin
    is mounted; decorating after that raises PluginError.
    """

    def __init__(self, name: str, *, prefix: str = "", config: type[BaseModel] | None = None) -> None:
        self.name = name
        self.prefix = prefix
        self.config = config
        self.place = place_of_caller(1)
        if not (isinstance(name, str) and isinstance(prefix, str)):
            raise PluginError(f"{self.place}: name and prefix of a plugin are text: put them in quotes")
        self._registrations: list[Registration] = []
        self._is_mounted = False
        noted = made_at_import.get()
        if noted is not None:
            noted.append(Made(self, *module_of_caller()))

    def __repr__(self) -> str:
        """Name the plugin and where it was made."""
        return f"<Plugin {self.name!r} of {self.place}>"

    @property
    def registrations(self) -> tuple[Registration, ...]:
        """Everything that was decorated, in the order in which Python ran the decorators."""
        return tuple(self._registrations)

    def scene(
        self,
        rule: str | int | range,
        *,
        when: Literal["follow", "scan"] | None = None,
        interim: str | Reply | None = None,
    ) -> Callable[[Function], Function]:
        """Answer scans of a scene: a text, a pattern (`shop:<int:shop_id>`), an integer or a range of them.

        A capture `<name>` takes one or more characters of any kind, `<int:name>` a canonical decimal number
        (no sign, no leading zero), `<signed:name>` a text with a signature that only we can make. A capture
        ends where the literal text behind it occurs first; the last one takes what is left. A signature
        covers its own value, not what else is in the scene, and depends on the rule as it is written, prefix
        included: changing the rule makes printed codes worthless. A range captures `scene_id`. `when`
        restricts the handler to people who follow with this scan ("follow") or who followed already ("scan").
        With `interim` the handler may be slow: at the deadline the person reads that, later the result.
        """
        return self._decorator("scene", rule, when, interim=interim)

    def text(
        self, rule: str | re.Pattern[str], *, interim: str | Reply | None = None, is_ahead: bool = False
    ) -> Callable[[Function], Function]:
        """Answer text messages: exactly this text, or a compiled pattern that must match the whole of it.

        Space around the message is dropped first. Named groups of the pattern are captured. `interim` is as
        for `scene`. With `is_ahead` the handler is asked before all that are not, and may return `PASS`: then
        what it wrote is undone, and the text is left to the others.
        """
        return self._decorator("text", rule, interim=interim, is_ahead=is_ahead)

    def click(self, key: str, *, interim: str | Reply | None = None) -> Callable[[Function], Function]:
        """Answer taps of the menu item with this key; `interim` is as for `scene`."""
        return self._decorator("click", key, interim=interim)

    def event(self, name: str) -> Callable[[Function], Function]:
        """Answer an event by WeChat's name of it, in any case: "VIEW", or one that wxbot does not know."""
        return self._decorator("event", name)

    def message(self, kind: str, *, interim: str | Reply | None = None) -> Callable[[Function], Function]:
        """Answer messages of a kind: image voice video shortvideo location link, or text without a rule.

        `interim` is as for `scene`.
        """
        return self._decorator("message", kind, interim=interim)

    def on_follow(self, function: Function) -> Function:
        """Answer people who follow without scanning one of our codes."""
        self._add(Registration("follow", function))
        return function

    def on_unfollow(self, function: Function) -> Function:
        """Be told of people who unfollow; they cannot be answered."""
        self._add(Registration("unfollow", function))
        return function

    def errorhandler(self, error: type[Exception]) -> Callable[[Function], Function]:
        """Answer in place of a handler of this plugin that raised `error`, or a class derived from it.

        Called with the event and the error. The most specific class wins.
        """
        return self._decorator("error", error)

    def fallback(self, function: Function) -> Function:
        """Answer scans under this plugin's prefix that nobody answers; without a prefix, of the account."""
        self._add(Registration("fallback", function))
        return function

    def provide(self, name: str) -> Callable[[Function], Function]:
        """Offer a value to this plugin's handlers by name: what the function below returns, once a run.

        It may itself ask for `event`, `session`, `follower`, `config`, `defer` and `wechat`; then only those
        who may ask for these can ask for it.
        """
        return self._decorator("provide", name)

    @overload
    def job(self, function: Function, /) -> Function:
        """Let the function be deferred, as `@plugin.job`."""

    @overload
    def job(
        self, /, *, idempotent: bool = True, attempts: int | None = None
    ) -> Callable[[Function], Function]:
        """Let the function below be deferred, as `@plugin.job(...)`."""

    def job(
        self, function: Function | None = None, /, *, idempotent: bool = True, attempts: int | None = None
    ) -> Function | Callable[[Function], Function]:
        """Let the function be deferred: `defer(function, name=value)` has it run by a worker, at least once.

        It takes the values given to `defer`, and by name `session`, `config`, `defer`, `wechat`, `key` (the
        same text at every attempt) and what the plugin provides. What it writes through `session` happens
        exactly once. With `idempotent=False` it is not repeated when nobody knows how far it got. `attempts`
        is how often it is tried, by default what the settings say.
        """
        register = self._decorator("job", JobOptions(idempotent, attempts))
        return register if function is None else register(function)

    def on_scan(self, function: Function) -> Function:
        """Be told of every scan of the account by a worker, once it is answered; at least once each.

        What is returned is dropped. Any number of functions may be told.
        """
        self._add(Registration("observer", function))
        return function

    def mark_mounted(self) -> None:
        """Refuse decorators from now on: a registry has read this plugin."""
        self._is_mounted = True

    def forget_after(self, count: int) -> None:
        """Keep only the first `count` registrations: the module that made the others could not be loaded."""
        del self._registrations[count:]

    def _decorator(
        self,
        kind: Kind,
        rule: object,
        when: object = None,
        *,
        interim: object = None,
        is_ahead: bool = False,
    ) -> Callable[[Function], Function]:
        def register(function: Function) -> Function:
            self._add(Registration(kind, function, rule, when, interim, is_ahead))
            return function

        # Without parentheses Python calls nothing but this: what it is given is the function itself.
        if callable(rule) and not isinstance(rule, type):
            return register(rule)
        return register

    def _add(self, registration: Registration) -> None:
        if self._is_mounted:
            place = place_of(registration.function, self.place)
            raise PluginError(
                f"{place}: too late for plugin {self.name!r}: it is mounted already and would not know this "
                "handler. Decorate before the app is made."
            )
        self._registrations.append(registration)
