"""Scene rules: read what an author wrote, match a scene that arrives, build one that will be printed."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from keyword import iskeyword

from wxbot.errors import WxbotError
from wxbot.scenes.signing import MAC_LENGTH, SigningKeys

SCENE_LENGTH = 64
LARGEST_INTEGER = 4294967295  # WeChat keeps integer scenes in 32 bits
# WeChat puts the first before a scene of its own accord, and reports payments with the second.
RESERVED_BEGINNINGS = ("qrscene_", "last_trade_no_")
CONVERTERS = ("signed", "int", "string")  # the most specific first
BLOCK_CAPTURE = "scene_id"

_ALPHABET = "A-Za-z0-9_.:=-"
_FOREIGN = re.compile(rf"[^{_ALPHABET}]")
_CAPTURE = re.compile(r"<(?:([^<>:]*):)?([^<>:]*)>")
_CANONICAL = re.compile(r"0|[1-9][0-9]{0,63}", re.ASCII)


class RuleError(Exception):
    """A rule that cannot be used; the text says why and what to write instead."""


class SceneError(WxbotError):
    """A scene that cannot be built from the values given; the text says why."""


@dataclass(frozen=True)
class Miss:
    """Why a pattern does not match a scene, for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class Capture:
    """One `<converter:name>` of a rule, and the literal text between it and the next one."""

    name: str
    converter: str
    tail: str

    def read(self, text: str, *, rule: str, keys: SigningKeys) -> str | int | Miss:
        """Return the value that a part of a scene stands for."""
        if not text:
            return Miss(f"nothing is left for {self.name}")
        if self.converter == "int":
            canonical = _CANONICAL.fullmatch(text)
            return int(text) if canonical else Miss(f"{self.name} is no canonical integer: {clip(text)}")
        if self.converter == "signed":
            return self._read_signed(text, rule=rule, keys=keys)
        return text

    def write(self, value: object, *, rule: str, keys: SigningKeys) -> str:
        """Return the part of a scene that stands for a value; reading it back checks what it may be."""
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise SceneError(f"{self.name} must be text or an integer, not {type(value).__name__}")
        text = str(value)
        if self.converter != "signed":
            return text
        if not keys:
            raise SceneError(f"{self.name} cannot be signed without a secret_key")
        return f"{text}.{keys.sign(rule, text)}"

    def _read_signed(self, text: str, *, rule: str, keys: SigningKeys) -> str | Miss:
        value, dot, mac = text.rpartition(".")
        if not (value and dot and len(mac) == MAC_LENGTH):
            return Miss(f"{self.name} carries no signature: {clip(text)}")
        if not keys.knows(mac, rule, value):
            return Miss(
                f"the signature of {self.name} is none of ours: forged, made for another account or rule, "
                "or its key is gone from secret_key_fallbacks"
            )
        return value


@dataclass(frozen=True, slots=True)
class Pattern:
    """A scene rule, ready to match and to build.

    `text` is the whole rule, prefix included; `head` the literal text before the first capture (all of an
    exact rule). A block of integers has no head.
    """

    text: str
    head: str
    captures: tuple[Capture, ...] = ()
    block: range | None = None

    @property
    def kind(self) -> str:
        """Return `exact`, `pattern` or `block`."""
        if self.block is not None:
            return "block"
        return "pattern" if self.captures else "exact"

    @property
    def names(self) -> frozenset[str]:
        """Return the names of what it captures."""
        if self.block is not None:
            return frozenset([BLOCK_CAPTURE])
        return frozenset(capture.name for capture in self.captures)

    @property
    def rank(self) -> tuple[int, int, int]:
        """Return what sorts patterns by specificity, the most specific first."""
        if not self.captures:
            return (0 if self.block is None else 2), 0, 0
        return 1, -len(self.head), CONVERTERS.index(self.captures[0].converter)

    @property
    def is_signed(self) -> bool:
        """Tell whether matching it needs the account's keys."""
        return any(capture.converter == "signed" for capture in self.captures)

    def match(self, scene: str, keys: SigningKeys) -> dict[str, object] | Miss:
        """Return the captured values, or why it does not match. Never raises, whatever the scene is."""
        if self.block is not None:
            return _match_block(self.block, scene)
        if not self.captures:
            return {} if scene == self.head else Miss(f"is not {self.head!r}")
        if not scene.startswith(self.head):
            return Miss(f"does not begin with {self.head!r}")
        parts = self._split(scene[len(self.head) :])
        if isinstance(parts, Miss):
            return parts
        values: dict[str, object] = {}
        for capture, part in zip(self.captures, parts, strict=True):
            value = capture.read(part, rule=self.text, keys=keys)
            if isinstance(value, Miss):
                return value
            values[capture.name] = value
        return values

    def build(self, values: Mapping[str, object], keys: SigningKeys) -> str:
        """Return the scene that this pattern matches with these values; raises SceneError if none can."""
        if set(values) != self.names:
            raise SceneError(f"rule {self.text!r} takes {_list(self.names)}, not {_list(values)}")
        if self.block is not None:
            return _build_block(self.block, values[BLOCK_CAPTURE])
        scene = self.head + "".join(
            capture.write(values[capture.name], rule=self.text, keys=keys) + capture.tail
            for capture in self.captures
        )
        _check_scene(scene)
        self._check_return(scene, values, keys)
        return scene

    def has_types(self, values: Mapping[str, object]) -> bool:
        """Tell whether values have the types that matching would give back."""
        integers = {BLOCK_CAPTURE} if self.block is not None else set[str]()
        integers |= {capture.name for capture in self.captures if capture.converter == "int"}
        return all(isinstance(value, int if name in integers else str) for name, value in values.items())

    def _split(self, rest: str) -> list[str] | Miss:
        """Cut at the first occurrence of each literal; the last capture has all that is left."""
        parts = []
        for capture in self.captures[:-1]:
            end = rest.find(capture.tail, 1)
            if end < 0:
                return Miss(f"{capture.tail!r} does not follow behind {capture.name}")
            parts.append(rest[:end])
            rest = rest[end + len(capture.tail) :]
        last = self.captures[-1].tail
        if not rest.endswith(last):
            return Miss(f"does not end with {last!r}")
        return [*parts, rest.removesuffix(last)]

    def _check_return(self, scene: str, values: Mapping[str, object], keys: SigningKeys) -> None:
        """Refuse a scene that would be read otherwise, such as a value that contains the separator."""
        read = self.match(scene, keys)
        if isinstance(read, Miss):
            raise SceneError(f"rule {self.text!r} cannot carry these values: {read.reason}")
        changed = sorted(name for name in values if str(read[name]) != str(values[name]))
        if changed:
            raise SceneError(
                f"rule {self.text!r} would read {_list(changed)} differently: a value must not contain "
                "the text that ends it"
            )


def compile_rule(rule: object, prefix: str) -> Pattern:
    """Read a rule of `Plugin.scene`; raises RuleError."""
    if isinstance(rule, str):
        return _compile_text(rule, prefix)
    if isinstance(rule, bool) or not isinstance(rule, int | range):
        raise RuleError(_not_a_rule(rule))
    if prefix:
        raise RuleError(
            f"integers have no room for the plugin's prefix {prefix!r}: write a text such as "
            f'"<int:{BLOCK_CAPTURE}>", or use a plugin without prefix'
        )
    return _compile_integer(rule) if isinstance(rule, int) else _compile_block(rule)


def check_prefix(prefix: str) -> None:
    """Refuse a plugin's prefix that no scene could begin with; raises RuleError."""
    _check_literal(prefix)
    _check_beginning(prefix)


def clip(text: str) -> str:
    """Return the beginning of a text that somebody sent, escaped so that a log line stays one line."""
    return repr(text if len(text) <= SCENE_LENGTH else text[: SCENE_LENGTH - 1] + "…")


def is_printable_scene(scene: str) -> bool:
    """Tell whether we would make this scene ourselves: 1 to 64 characters of our alphabet."""
    return 1 <= len(scene) <= SCENE_LENGTH and not _FOREIGN.search(scene)


def looks_like_number(scene: str) -> bool:
    """Say whether a text is a number as it arrives in an event: digits, no zero in front, in range."""
    is_plain = scene.isascii() and scene.isdecimal() and len(scene) <= 10 and scene[0] != "0"
    return is_plain and int(scene) <= LARGEST_INTEGER


def _compile_text(rule: str, prefix: str) -> Pattern:
    if not rule:
        raise RuleError("the rule is empty: write the scene it answers")
    text = prefix + rule
    head, captures = _parse(text)
    for literal in (head, *(capture.tail for capture in captures)):
        _check_literal(literal)
    _check_beginning(text)
    _check_captures(captures)
    _check_length(head, captures)
    return Pattern(text, head, captures)


def _compile_integer(rule: int) -> Pattern:
    if not 1 <= rule <= LARGEST_INTEGER:
        raise RuleError(
            f'WeChat\'s integer scenes are 1 to {LARGEST_INTEGER}: write "{rule}" if you mean that text'
            if rule >= 0
            else "WeChat has no negative scenes: use 1 or more"
        )
    return Pattern(str(rule), str(rule))


def _compile_block(rule: range) -> Pattern:
    if rule.step != 1 or not rule:
        raise RuleError(f"{rule!r} must count upwards in steps of 1 and hold at least one integer")
    if rule.start < 1 or rule.stop - 1 > LARGEST_INTEGER:
        raise RuleError(f"WeChat's integer scenes are 1 to {LARGEST_INTEGER}, which {rule!r} leaves")
    return Pattern(f"{rule.start}-{rule.stop - 1}", "", block=rule)


def _parse(text: str) -> tuple[str, tuple[Capture, ...]]:
    """Split a rule into the literal before its captures and the captures with what follows them."""
    found = list(_CAPTURE.finditer(text)) if "<" in text else []
    if not found:
        return text, ()
    ends = [*(match.start() for match in found[1:]), len(text)]
    captures = tuple(
        Capture(match[2], "string" if match[1] is None else match[1], text[match.end() : end])
        for match, end in zip(found, ends, strict=True)
    )
    return text[: found[0].start()], captures


def _check_literal(literal: str) -> None:
    foreign = _FOREIGN.search(literal)
    if foreign:
        raise RuleError(
            f"{foreign[0]!r} cannot be in a scene: use A-Z a-z 0-9 _ . : = - and captures "
            "such as <int:shop_id>"
        )


def _check_beginning(text: str) -> None:
    for beginning in RESERVED_BEGINNINGS:
        if text.startswith(beginning):
            raise RuleError(
                f"{beginning!r} is WeChat's own mark and not part of the scene: leave it out, "
                "one rule answers followers and newcomers"
            )


def _check_captures(captures: tuple[Capture, ...]) -> None:
    for capture in captures:
        _check_capture(capture)
    names = [capture.name for capture in captures]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise RuleError(f"{_list(doubled)} is captured twice: give each capture its own name")
    if any(not capture.tail for capture in captures[:-1]):
        raise RuleError('two captures touch: put literal text between them, such as ":"')
    if sum(capture.converter == "signed" for capture in captures) > 1:
        # Their signatures cover the same account and rule, so that the two values could be swapped.
        raise RuleError("only one capture of a rule can be signed: join the values in one")


def _check_capture(capture: Capture) -> None:
    if capture.converter not in CONVERTERS:
        known = ", ".join(CONVERTERS)
        raise RuleError(f"there is no converter {capture.converter!r}: use one of {known}")
    if not capture.name.isidentifier() or iskeyword(capture.name):
        raise RuleError(f"{capture.name!r} cannot be the name of a parameter: rename the capture")
    if capture.converter == "int" and capture.tail[:1].isdigit():
        raise RuleError(
            f"a digit follows the integer {capture.name}: begin the text behind it with another sign"
        )
    if capture.converter == "signed" and capture.tail[:1] not in ("", ":", "="):
        raise RuleError(f'text behind the signed {capture.name} must begin with ":" or "="')


def _check_length(head: str, captures: tuple[Capture, ...]) -> None:
    """Refuse a rule that not even its shortest scene fits."""
    shortest = len(head) + sum(
        1 + len(capture.tail) + (MAC_LENGTH + 1 if capture.converter == "signed" else 0)
        for capture in captures
    )
    if shortest > SCENE_LENGTH:
        raise RuleError(
            f"its shortest scene has {shortest} characters and WeChat takes {SCENE_LENGTH}: "
            "shorten the literal text"
        )


def _match_block(block: range, scene: str) -> dict[str, object] | Miss:
    if not _CANONICAL.fullmatch(scene):
        return Miss("is no canonical integer")
    if int(scene) not in block:
        return Miss(f"is not in {block.start} to {block.stop - 1}")
    return {BLOCK_CAPTURE: int(scene)}


def _build_block(block: range, value: object) -> str:
    read = _match_block(block, str(value)) if isinstance(value, str | int) else Miss("is no integer")
    if isinstance(read, Miss):
        raise SceneError(f"{BLOCK_CAPTURE} {read.reason}")
    return str(value)


def _check_scene(scene: str) -> None:
    foreign = _FOREIGN.search(scene)
    if foreign:
        raise SceneError(f"{foreign[0]!r} cannot be in a scene: only A-Z a-z 0-9 _ . : = - can")
    if not 1 <= len(scene) <= SCENE_LENGTH:
        raise SceneError(
            f"the scene has {len(scene)} characters and WeChat takes {SCENE_LENGTH}: shorten the values"
        )


def _not_a_rule(rule: object) -> str:
    if callable(rule):
        return 'the rule is missing: write @plugin.scene("...")'
    return f"a rule is a text, an integer or a range, not {type(rule).__name__}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
