"""What the doctor says about one thing."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it is: as it should be, worth a look, or to be mended before the bot works."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the examination; `check` names what was looked at, the advice what to do about it.

    Without Chinese words the others are shown: those of errors, and what WeChat says.
    """

    check: str
    state: State
    text: str
    advice: str = ""
    advice_zh: str = ""
    text_zh: str = ""


def ok(check: str, text: str, *, zh: str = "") -> Finding:
    """Return a finding that all is well; `zh` is the text in Chinese."""
    return Finding(check=check, state=State.OK, text=text, text_zh=zh)


def warn(check: str, text: str, advice: str, advice_zh: str = "", *, zh: str = "") -> Finding:
    """Return a finding that deserves a look; `zh` is the text in Chinese."""
    return Finding(check=check, state=State.WARN, text=text, advice=advice, advice_zh=advice_zh, text_zh=zh)


def fail(check: str, text: str, advice: str, advice_zh: str = "", *, zh: str = "") -> Finding:
    """Return a finding that must be mended; `zh` is the text in Chinese."""
    return Finding(check=check, state=State.FAIL, text=text, advice=advice, advice_zh=advice_zh, text_zh=zh)


def worst(found: Iterable[Finding]) -> State:
    """Return the state of the whole."""
    states = {each.state for each in found}
    return State.FAIL if State.FAIL in states else State.WARN if State.WARN in states else State.OK
