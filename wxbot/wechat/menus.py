"""The account's own menu: read from a file, checked against WeChat's limits, and told line by line.

A menu is what `menu/create` takes: a dict with `button`, as WeChat names its parts. No call is made here.
"""

import difflib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from wxbot.errors import WxbotError

Menu = dict[str, Any]

_MOST_BUTTONS = 3
_MOST_BELOW = 5
# In bytes; what is shown of a name is shorter, in Chinese characters.
_NAME_BYTES = {1: 16, 2: 60}
_SHOWN_CHARACTERS = {1: 4, 2: 8}
_LONGEST = {"key": 128, "url": 1024, "media_id": 128, "article_id": 128, "appid": 32, "pagepath": 1024}
_KEYED = (
    *("click", "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album"),
    *("pic_weixin", "location_select"),
)
NEEDED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_KEYED, ("key",)),
    "view": ("url",),
    "miniprogram": ("appid", "pagepath", "url"),
    "media_id": ("media_id",),
    "article_id": ("article_id",),
    "article_view_limited": ("article_id",),
    "view_limited": ("media_id",),
}
# What says enough where no type is given.
_OBVIOUS = {"key": "click", "url": "view"}


class MenuError(WxbotError):
    """A file that is no menu; `faults` has a line for each thing that is wrong."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(faults))


class Key(NamedTuple):
    """A button whose tap is pushed to us with a key: where it is, of which kind, and the key."""

    place: str
    kind: str
    key: str


def read_menu(text: str, *, is_json: bool) -> Menu:
    """Return the menu that a file holds, in the form that is sent; raises MenuError with every fault."""
    try:
        data = json.loads(text) if is_json else tomllib.loads(text)
    except ValueError as error:
        raise MenuError([f"this is not {'JSON' if is_json else 'TOML'}: {error}"]) from None
    if isinstance(data, dict) and isinstance(data.get("menu"), dict):
        data = data["menu"]  # as menu/get answers
    faults: list[str] = []
    buttons = data.get("button") if isinstance(data, dict) else None
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= _MOST_BUTTONS:
        raise MenuError([f"a menu has a list `button` of 1 to {_MOST_BUTTONS}"])
    faults += [f"{name!r} is nothing that a menu has" for name in data if name not in ("button", "menuid")]
    menu = {"button": [_button(each, f"{number}", faults) for number, each in enumerate(buttons, start=1)]}
    if faults:
        raise MenuError(faults)
    return menu


def plain(menu: Mapping[str, Any]) -> Menu:
    """Return a menu as WeChat tells it, without what it adds: to compare, and to be pushed again."""

    def button(told: Mapping[str, Any]) -> dict[str, Any]:
        kept = {
            name: value for name, value in told.items() if value not in ("", None, []) and name != "menuid"
        }
        if told.get("sub_button"):
            kept["sub_button"] = [button(each) for each in told["sub_button"]]
        return kept

    return {"button": [button(each) for each in menu.get("button", ())]}


def lines(menu: Mapping[str, Any]) -> list[str]:
    """Return a line for each button: its name, and what a tap does."""
    return [f"{'  ' * (place.count('.'))}{_line(button)}" for place, button in _walk(menu)]


def difference(live: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> list[str]:
    """Return the lines that go (-), come (+) and stay, empty when nothing changes."""
    before = [] if live is None else lines(live)
    if live is not None and plain(live) == plain(wanted):
        return []
    compared = list(difflib.ndiff(before, lines(wanted)))
    return [line.rstrip() for line in compared if not line.startswith("?")]


def keys(menu: Mapping[str, Any]) -> list[Key]:
    """Return the buttons whose taps are pushed to us."""
    return [
        Key(place, button["type"], button["key"])
        for place, button in _walk(menu)
        if button.get("type") in _KEYED
    ]


def clipped_names(menu: Mapping[str, Any]) -> list[str]:
    """Return the names of which phones show only the beginning."""
    return [
        button["name"]
        for place, button in _walk(menu)
        if _width(button["name"]) > 2 * _SHOWN_CHARACTERS[1 + place.count(".")]
    ]


def _walk(menu: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, button in enumerate(menu["button"], start=1):
        yield f"{number}", button
        for below, each in enumerate(button.get("sub_button", ()), start=1):
            yield f"{number}.{below}", each


def _line(button: Mapping[str, Any]) -> str:
    if button.get("sub_button"):
        return str(button.get("name"))
    kind = button.get("type")
    values = " ".join(str(button[name]) for name in NEEDED.get(str(kind), ()) if button.get(name))
    return f"{button.get('name')}: {kind} {values}".rstrip()


def _width(name: str) -> int:
    """Return the room a name takes, in halves of a Chinese character."""
    return sum(1 if character.isascii() else 2 for character in name)


def _button(button: object, place: str, faults: list[str]) -> dict[str, Any]:
    """Return a button as it is sent, and note what is wrong with it."""
    level = 1 + place.count(".")
    if not isinstance(button, dict):
        faults.append(f"button {place}: is not a table with a name")
        return {}
    name = button.get("name")
    if not isinstance(name, str) or not name.strip():
        faults.append(f"button {place}: has no name")
        name = ""
    what = f"button {place} ({name})" if name else f"button {place}"
    if len(name.encode()) > _NAME_BYTES[level]:
        faults.append(f"{what}: the name has more than {_NAME_BYTES[level]} bytes; a Chinese character has 3")
    if button.get("sub_button"):
        return {"name": name, "sub_button": _below(button, place, what, faults)}
    return {"name": name, **_action(button, what, faults)}


def _below(button: Mapping[str, Any], place: str, what: str, faults: list[str]) -> list[dict[str, Any]]:
    below = button["sub_button"]
    if "." in place:
        faults.append(f"{what}: a menu has two levels, no more")
        return []
    if not isinstance(below, list) or len(below) > _MOST_BELOW:
        faults.append(f"{what}: `sub_button` is a list of 1 to {_MOST_BELOW}")
        return []
    others = [name for name in button if name not in ("name", "sub_button")]
    faults += [f"{what}: {other!r} has no effect on a button with others below it" for other in others]
    return [_button(each, f"{place}.{number}", faults) for number, each in enumerate(below, start=1)]


def _action(button: Mapping[str, Any], what: str, faults: list[str]) -> dict[str, Any]:
    obvious = [kind for name, kind in _OBVIOUS.items() if name in button]
    kind = button.get("type", obvious[0] if len(obvious) == 1 else None)
    needed = NEEDED.get(kind) if isinstance(kind, str) else None
    if needed is None:
        faults.append(f"{what}: the type is none of {', '.join(NEEDED)}")
        return {}
    allowed = {"name", "type", "sub_button", *needed}
    faults += [
        f"{what}: {name!r} does not belong to the type {kind}" for name in button if name not in allowed
    ]
    for name in needed:
        value = button.get(name)
        if not isinstance(value, str) or not value.strip():
            faults.append(f"{what}: the type {kind} needs {name!r}")
        elif len(value.encode()) > _LONGEST[name]:
            faults.append(f"{what}: {name!r} has more than {_LONGEST[name]} bytes")
        elif name == "url" and not _is_web(value):
            faults.append(f"{what}: the url must begin with https:// or http://")
    return {"type": kind, **{name: button.get(name) for name in needed}}


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
