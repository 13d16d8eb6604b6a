"""What a decorator was given, read into a rule that can be looked up; scenes are left to `patterns`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from wxbot.scenes.patterns import Pattern, RuleError, compile_rule
from wxbot.scenes.plugin import Kind, Registration
from wxbot.wechat.events import MESSAGE_KINDS, lowered

When = Literal["follow", "scan"]
WHENS: tuple[When, ...] = ("follow", "scan")
Key = Pattern | re.Pattern[str] | type[Exception] | str

_BARE = "the decorator was used without parentheses"
_INSTEAD = {
    "scan": "@plugin.scene",
    "subscribe": "@plugin.on_follow or @plugin.scene",
    "unsubscribe": "@plugin.on_unfollow",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a handler answers: for `key` see its kind; `when` restricts scenes; `shown` is for people.

    With `is_ahead` a text is asked about before all that are not.
    """

    kind: Kind
    key: Key
    shown: str
    when: When | None = None
    captures: frozenset[str] = frozenset()
    is_ahead: bool = False

    @property
    def text(self) -> str:
        """Return the rule as it is shown in a table: a pattern's source, a class by its name."""
        if isinstance(self.key, Pattern):
            return self.key.text
        if isinstance(self.key, re.Pattern):
            return self.key.pattern
        return self.key if isinstance(self.key, str) else self.shown


def read_rule(registration: Registration, prefix: str) -> Rule:
    """Read what a decorator was given; raises RuleError."""
    return _READERS[registration.kind](registration, prefix)


def _read_scene(registration: Registration, prefix: str) -> Rule:
    pattern = compile_rule(registration.rule, prefix)
    if registration.when not in (None, *WHENS):
        raise RuleError(f'when is "follow", "scan" or left out, not {registration.when!r}')
    return Rule("scene", pattern, repr(pattern.text), registration.when, pattern.names)


def _read_text(registration: Registration, _prefix: str) -> Rule:
    rule = registration.rule
    if isinstance(rule, re.Pattern) and isinstance(rule.pattern, str):
        captures = frozenset(rule.groupindex)
        return Rule("text", rule, repr(rule.pattern), captures=captures, is_ahead=registration.is_ahead)
    text = _words(rule, "a text, or a pattern made with re.compile")
    if text != text.strip():
        raise RuleError("space around a text is dropped before it is compared: take it out of the rule")
    if registration.is_ahead:
        return Rule("text", re.compile(re.escape(text)), repr(text), is_ahead=True)
    return Rule("text", text, repr(text))


def _read_click(registration: Registration, _prefix: str) -> Rule:
    key = _words(registration.rule, "the key of a menu item")
    return Rule("click", key, repr(key))


def _read_event(registration: Registration, _prefix: str) -> Rule:
    name = lowered(_words(registration.rule, "WeChat's name of an event"))
    if name in _INSTEAD:
        raise RuleError(f"{name!r} has a decorator of its own: use {_INSTEAD[name]}")
    return Rule("event", name, repr(name))


def _read_message(registration: Registration, _prefix: str) -> Rule:
    kind = registration.rule
    if kind not in MESSAGE_KINDS:
        found = _BARE if callable(kind) else f"there are no messages of kind {kind!r}"
        raise RuleError(f"{found}: use one of {', '.join(MESSAGE_KINDS)}")
    return Rule("message", str(kind), repr(kind))


def _read_error(registration: Registration, _prefix: str) -> Rule:
    error = registration.rule
    if not (isinstance(error, type) and issubclass(error, Exception)):
        found = _BARE if error is registration.function else f"{error!r} was given"
        raise RuleError(f"an error handler is for a class of exceptions, and {found}")
    return Rule("error", error, error.__name__)


def _read_bare(registration: Registration, _prefix: str) -> Rule:
    return Rule(registration.kind, "", "")


def _words(rule: object, wanted: str) -> str:
    if not isinstance(rule, str) or not rule.strip():
        given = _BARE if callable(rule) else f"{rule!r} was given"
        raise RuleError(f"this needs {wanted}, and {given}")
    return rule


_READERS: dict[Kind, Callable[[Registration, str], Rule]] = {
    "scene": _read_scene,
    "text": _read_text,
    "click": _read_click,
    "event": _read_event,
    "message": _read_message,
    "error": _read_error,
    "follow": _read_bare,
    "unfollow": _read_bare,
    "fallback": _read_bare,
}
