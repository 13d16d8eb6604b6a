"""What is said about a setting that cannot be used: where it stands, what is wrong and what to do."""

import difflib
from collections.abc import Mapping

from pydantic_core import ErrorDetails

from wxbot.settings.model import describe

Place = tuple[str, ...]

_WORDS = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be a section",
    "finite_number": "must be a number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "model_type": "must be a section",
    "string_type": "must be text in quotes",
    "string_unicode": "must be text in UTF-8",
    "tuple_type": "must be a list",
    "value_error": "{error}",
}


def sentence(error: ErrorDetails, sources: Mapping[Place, str]) -> str:
    """Put one fault that pydantic found into a line for the operator; it never shows the value."""
    place = tuple(part for part in error["loc"] if isinstance(part, str) and part != "[key]")
    items = "".join(f" item {part + 1}" for part in error["loc"] if isinstance(part, int))
    if error["type"] == "extra_forbidden":
        # An unknown section may have come with a key inside it; the variable is what must be looked for.
        inner = next((found for found in sources if found[: len(place)] == place), place)
        sources = {place: sources[inner]} if inner in sources else {}
        said = f"there is no such setting{_suggestion(place)}"
    elif error["type"] in _WORDS:
        said = _WORDS[error["type"]].format(**error.get("ctx", {}))
    else:
        said = error["msg"]
    return _on_one_line(f"{label(place, sources)}{items}: {said}")


def label(place: Place, sources: Mapping[Place, str]) -> str:
    """Name a setting as it stands in the file, and the variable it was read from if there is one."""
    is_section = place[0] in _sections() and len(place) <= (2 if place[0] in {"accounts", "plugins"} else 1)
    *parents, key = (*place, "") if is_section else place
    named = " ".join(part for part in (f"[{'.'.join(parents)}]" if parents else "", key) if part)
    return f"{named} (from {sources[place]})" if place in sources else named


def _sections() -> set[str]:
    return {setting.section.partition(".")[0] for setting in describe() if setting.section} | {"plugins"}


def _suggestion(place: Place) -> str:
    *parents, key = place
    section = "accounts.default" if parents[:1] == ["accounts"] else ".".join(parents)
    here = [] if parents else sorted(_sections())
    for setting in describe():
        if setting.section == section:
            here += [setting.key, f"{setting.key}_file"] if setting.is_secret else [setting.key]
        elif setting.key == key:
            return f"; did you mean {key} {_where(setting.section)}?"
    close = difflib.get_close_matches(key, here, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _where(section: str) -> str:
    return f"in [{section}]" if section else "before the first section"


def _on_one_line(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)
