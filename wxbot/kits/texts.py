"""Texts of the kits: placeholders that are checked at the start, and lines that go when they say nothing."""

import re
from collections.abc import Callable, Mapping
from string import Formatter

from wxbot.settings import checks
from wxbot.wechat.replies import printable

_SAMPLE = "1"
_LONGEST_LINE = 200
_LARGEST_NUMBER = 10**15
# Nothing that would end the attribute of a link, or is no address.
_ADDRESS = re.compile(r"https?://[^\s<>\"'/?#][^\s<>\"']*", re.IGNORECASE)
_LONGEST_ADDRESS = 1024
# In a text WeChat makes links of what looks like HTML: a name must not become one.
_HARMLESS = str.maketrans("<>", "＜＞")


def placeholders(*sometimes: str, always: tuple[str, ...] = ()) -> Callable[[str], str]:
    """Return the check of a text that may have these placeholders; raises ValueError in the operator's words.

    Those in `sometimes` may have nothing to stand for: without them the text must still say something.
    """

    def check(text: str) -> str:
        names = _names(text)
        unknown = names - {*sometimes, *always}
        if unknown:
            known = ", ".join(f"{{{name}}}" for name in (*always, *sometimes)) or "none"
            raise ValueError(f"has a placeholder {{{min(unknown)}}}; there are: {known}")
        values = dict.fromkeys(sometimes, "") | dict.fromkeys(always, _SAMPLE)
        checks.visible_text(filled(text, values))
        return checks.visible_text(text)

    return check


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its placeholders filled; a line goes when all that it has to say is empty."""
    lines = []
    for line in text.split("\n"):
        names = _names(line)
        if not names or any(values[name] for name in names):
            lines.append(line.format_map(values))
    return "\n".join(lines).strip("\n")


def one_line(value: object, *, longest: int = _LONGEST_LINE) -> str:
    """Return a text or a number from elsewhere as one harmless line; empty for all else. Never raises."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if not isinstance(value, str) and not abs(value) < _LARGEST_NUMBER:
        return ""
    text = " ".join(printable(str(value)).split()).translate(_HARMLESS)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def web_address(value: object) -> str:
    """Return an address of the web as it was given, an empty text for what is none. Never raises."""
    is_one = isinstance(value, str) and len(value) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(value)
    return str(value) if is_one else ""


def _names(text: str) -> set[str]:
    names = set()
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        raise ValueError("has a brace without its other half: write {{ or }} for a brace") from None
    for _, name, form, conversion in parts:
        if name is None:
            continue
        if form or conversion or not name.isidentifier():
            raise ValueError("has braces with more than a name in them: write {name}, or {{ for a brace")
        names.add(name)
    return names
