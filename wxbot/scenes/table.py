"""One account's handlers, arranged so that finding one does not take longer when there are more of them."""

import re
from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from wxbot.scenes.handler import Handler, Match
from wxbot.scenes.mount import Answer
from wxbot.scenes.patterns import CONVERTERS, Miss, Pattern
from wxbot.scenes.plugin import Kind, Plugin
from wxbot.scenes.rules import WHENS, When
from wxbot.scenes.signing import SigningKeys

Item = TypeVar("Item")
# A text that no rule takes is a message, a tap that nobody knows an event.
_TURNS: tuple[Kind, ...] = ("fallback", "follow", "unfollow", "text", "message", "click", "event")
_NEAR = 50  # so many neighbours are compared with a scene that nobody answers, however many there are


@dataclass(frozen=True)
class Fault:
    """A reason not to start; `plugin` is the one that can be left out to start all the same."""

    text: str
    plugin: Plugin


@dataclass(frozen=True, slots=True)
class SceneAnswer:
    """A scene rule and its handler."""

    pattern: Pattern
    when: When | None
    handler: Handler
    plugin: Plugin


class PrefixMap(Generic[Item]):
    """Items by prefix, found for a text with the longest prefix first."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._lengths: list[int] = []

    def __bool__(self) -> bool:
        """Say whether anything is kept."""
        return bool(self._items)

    def setdefault(self, prefix: str, item: Item) -> Item:
        """Return what is kept under this prefix; keep the item if that is nothing."""
        if -len(prefix) not in self._lengths:
            insort(self._lengths, -len(prefix))
        return self._items.setdefault(prefix, item)

    def along(self, text: str) -> Iterator[Item]:
        """Yield the items whose prefix the text begins with."""
        for negative in self._lengths:
            length = -negative
            found = self._items.get(text[:length]) if length <= len(text) else None
            if found is not None:
                yield found


class SceneIndex:
    """The scene rules that hold for one of the two ways to scan."""

    def __init__(self) -> None:
        self.exact: dict[str, SceneAnswer] = {}
        self._patterns: PrefixMap[dict[str, SceneAnswer]] = PrefixMap()
        self._blocks: list[SceneAnswer] = []
        self._starts: list[int] = []

    def add(self, answer: SceneAnswer) -> SceneAnswer | None:
        """Keep a rule; return the one that has its place already, if any."""
        pattern = answer.pattern
        if pattern.block is not None:
            return self._add_block(answer, pattern.block)
        if pattern.captures:
            bucket = self._patterns.setdefault(pattern.head, {})
            taken = bucket.setdefault(pattern.captures[0].converter, answer)
        else:
            taken = self.exact.setdefault(pattern.head, answer)
        return None if taken is answer else taken

    def candidates(self, scene: str) -> Iterator[SceneAnswer]:
        """Yield the few rules that may match a scene, the most specific first."""
        exact = self.exact.get(scene)
        if exact is not None:
            yield exact
        for bucket in self._patterns.along(scene):
            for converter in CONVERTERS:
                if converter in bucket:
                    yield bucket[converter]
        if scene.isascii() and scene.isdigit() and len(scene) <= 10:
            at = bisect_right(self._starts, int(scene))
            if at:
                yield self._blocks[at - 1]

    def _add_block(self, answer: SceneAnswer, block: range) -> SceneAnswer | None:
        at = bisect_right(self._starts, block.start)
        for near in self._blocks[max(at - 1, 0) : at + 1]:
            other = near.pattern.block or range(0)
            if block.start < other.stop and other.start < block.stop:
                return near
        self._starts.insert(at, block.start)
        self._blocks.insert(at, answer)
        return None


@dataclass
class Table:
    """Everything that an account answers."""

    account: str
    keys: SigningKeys
    scenes: list[SceneAnswer] = field(default_factory=list)
    indexes: dict[When, SceneIndex] = field(default_factory=lambda: {when: SceneIndex() for when in WHENS})
    endpoints: dict[str, dict[frozenset[str], list[SceneAnswer]]] = field(default_factory=dict)
    fallbacks: PrefixMap[Answer] = field(default_factory=PrefixMap)
    exact: dict[tuple[str, str], Answer] = field(default_factory=dict)
    ahead: list[tuple[re.Pattern[str], Answer]] = field(default_factory=list)
    texts: list[tuple[re.Pattern[str], Answer]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    plugins: frozenset[str] = frozenset()
    _sorted: list[str] | None = None
    _matches: dict[tuple[int, ...], Match] = field(default_factory=dict)

    def match(self, scene: str, when: When) -> Match:
        """Return who answers a scene.

        Matches are shared by all scenes with the same handlers: a thousand codes of one function need one.
        """
        exact = self.indexes[when].exact.get(scene)
        fallbacks = self.fallbacks_for(scene) if self.fallbacks else ()
        if exact is None:
            found = self.find_scene(scene, when)
            if found is not None:
                return _match(found[0].handler, fallbacks, found[1])
        handler = None if exact is None else exact.handler
        key = (id(handler), *map(id, fallbacks))
        shared = self._matches.get(key)
        if shared is None:
            shared = self._matches[key] = _match(handler, fallbacks, {})
        return shared

    def find_scene(self, scene: str, when: When) -> tuple[SceneAnswer, dict[str, object]] | None:
        """Return the most specific rule that matches, with what it captured."""
        for answer in self.indexes[when].candidates(scene):
            values = answer.pattern.match(scene, self.keys)
            if not isinstance(values, Miss):
                return answer, values
        return None

    def fallbacks_for(self, scene: str) -> tuple[Handler, ...]:
        """Return the fallback of the longest prefix that the scene has, then the account's own."""
        found = list(self.fallbacks.along(scene))
        own = [answer.handler for answer in found[:1]]
        return tuple(own + [answer.handler for answer in found[1:] if not answer.plugin.prefix])

    def near(self, scene: str) -> list[str]:
        """Return the few exact scenes and literal beginnings that somebody may have meant by this one."""
        if self._sorted is None:
            self._sorted = sorted({each.pattern.head for each in self.scenes if each.pattern.head})
        at = bisect_right(self._sorted, scene)
        return self._sorted[max(at - _NEAR, 0) : at + _NEAR]

    def signed_for(self, scene: str, when: When) -> str:
        """Return the handler whose signed rule a scene begins like without our signature; else nothing."""
        found = self.indexes[when].candidates(scene)
        return next((each.handler.name for each in found if each.pattern.is_signed), "")

    def find_ahead(self, content: str) -> Iterator[tuple[Handler, dict[str, object]]]:
        """Yield who is asked about a text message first, and may pass."""
        return _matching(self.ahead, content.strip())

    def find_text(self, content: str) -> tuple[Handler, dict[str, object]] | None:
        """Return who answers a text message: the exact text first, then patterns in their order."""
        text = content.strip()
        if ("text", text) in self.exact:
            return self.exact["text", text].handler, {}
        return next(_matching(self.texts, text), None)

    def others(self) -> list[Answer]:
        """Return what is no rule for scenes, in the order in which it is asked."""
        return sorted((each for each in self.answers if each.rule.kind != "scene"), key=_turn)

    def find_exact(self, kind: str, key: str) -> Handler | None:
        """Return who answers a click, an event, a message kind, a follow or an unfollow."""
        answer = self.exact.get((kind, key))
        return answer.handler if answer else None


def build_table(account: str, answers: Iterable[Answer], keys: SigningKeys) -> tuple[Table, list[Fault]]:
    """Arrange the handlers of an account; two that contend for the same place are faults."""
    table = Table(account, keys)
    faults: list[Fault] = []
    for answer in answers:
        table.answers.append(answer)
        taken = _add(table, answer)
        if taken is not None:
            faults.append(_contention(answer, taken))
    return table, faults


def _turn(answer: Answer) -> tuple[int, int]:
    """Say when an answer is asked, as `fallbacks_for`, `find_ahead` and `find_text` do; alike: as mounted."""
    rule, within = answer.rule, 0
    if rule.kind == "fallback":
        within = -len(answer.plugin.prefix)
    elif rule.kind == "text" and not rule.is_ahead:
        within = 2 if isinstance(rule.key, re.Pattern) else 1
    return _TURNS.index(rule.kind), within


def _match(handler: Handler | None, fallbacks: tuple[Handler, ...], values: Mapping[str, object]) -> Match:
    others = tuple(each for each in fallbacks if each is not handler)
    return Match(handler=handler, values=values, fallbacks=others)


def _matching(
    texts: Iterable[tuple[re.Pattern[str], Answer]], text: str
) -> Iterator[tuple[Handler, dict[str, object]]]:
    for pattern, answer in texts:
        match = pattern.fullmatch(text)
        if match:
            yield answer.handler, dict(match.groupdict())


def _add(table: Table, answer: Answer) -> Answer | SceneAnswer | None:
    """Keep a handler in its place; return the one that has it already, if any."""
    rule = answer.rule
    if isinstance(rule.key, Pattern):
        return _add_scene(table, SceneAnswer(rule.key, rule.when, answer.handler, answer.plugin))
    if isinstance(rule.key, re.Pattern):
        texts = table.ahead if rule.is_ahead else table.texts
        taken = next((other for pattern, other in texts if pattern == rule.key), answer)
        texts.append((rule.key, answer))
    elif rule.kind == "fallback":
        taken = table.fallbacks.setdefault(answer.plugin.prefix, answer)
    else:
        taken = table.exact.setdefault((rule.kind, str(rule.key)), answer)
    return None if taken is answer else taken


def _add_scene(table: Table, answer: SceneAnswer) -> SceneAnswer | None:
    table.scenes.append(answer)
    rules = table.endpoints.setdefault(answer.handler.name, {})
    rules.setdefault(answer.pattern.names, []).append(answer)
    whens = WHENS if answer.when is None else (answer.when,)
    taken = [table.indexes[when].add(answer) for when in whens]
    return next((other for other in taken if other is not None), None)


def _contention(answer: Answer, taken: Answer | SceneAnswer) -> Fault:
    """Name both places and what to change."""
    rule = answer.rule
    places = f"{answer.handler.location} and {taken.handler.location}"
    if rule.kind == "fallback":
        text = (
            f"both are the fallback of prefix {answer.plugin.prefix!r}: keep one of them"
            if answer.plugin.prefix
            else "both are the fallback of the account (their plugins have no prefix): keep one of them"
        )
    elif isinstance(taken, SceneAnswer):
        text = _scene_contention(rule.shown, taken)
    else:
        text = f"both answer {rule.kind} {rule.shown}".rstrip() + ": keep one of them"
    return Fault(f"{places}: {text}", answer.plugin)


def _scene_contention(shown: str, taken: SceneAnswer) -> str:
    other = repr(taken.pattern.text)
    if taken.pattern.kind == "pattern":
        return (
            f"rules {shown} and {other} begin alike and then capture alike: change the text before "
            "the first capture, or set when= apart"
        )
    if taken.pattern.kind == "block":
        return f"blocks {shown} and {other} overlap: move one of them, or set when= apart"
    return f"both answer scene {shown}: change one of the scenes, remove its line, or set when= apart"
