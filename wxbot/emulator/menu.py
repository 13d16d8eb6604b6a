"""The account's own menu: what `menu/create` accepts, in the form in which `menu/get` returns it."""

from typing import Any

from wxbot.emulator.refusals import Refusal

# Which field a kind of button needs, and the error when that is missing or too long.
NEEDED = {
    "click": ("key", 40019, 128),
    "view": ("url", 40020, 1024),
    "miniprogram": ("pagepath", 40020, 1024),
    "scancode_push": ("key", 40019, 128),
    "scancode_waitmsg": ("key", 40019, 128),
    "pic_sysphoto": ("key", 40019, 128),
    "pic_photo_or_album": ("key", 40019, 128),
    "pic_weixin": ("key", 40019, 128),
    "location_select": ("key", 40019, 128),
    "media_id": ("media_id", 40019, 128),
    "article_id": ("article_id", 40019, 128),
}


def checked_menu(request: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Return the menu that a body asks for; Refusal names what WeChat would find wrong with it."""
    if b"\\u" in body:
        raise Refusal(40033)
    buttons = _sized(request.get("button"), most=3, errcode=40016)
    return {"button": [_button(button, has_sub_menu=True) for button in buttons]}


def _button(button: object, *, has_sub_menu: bool) -> dict[str, Any]:
    if not isinstance(button, dict):
        raise Refusal(40016)
    name = button.get("name")
    if not isinstance(name, str) or not name.strip() or len(name.encode()) > 60:
        raise Refusal(40018)
    if has_sub_menu and button.get("sub_button"):
        below = _sized(button["sub_button"], most=5, errcode=40023)
        return {"name": name, "sub_button": [_button(item, has_sub_menu=False) for item in below]}
    kind = button.get("type")
    if not isinstance(kind, str) or kind not in NEEDED:
        raise Refusal(40017)
    needed, errcode, longest = NEEDED[kind]
    value = button.get(needed)
    if not isinstance(value, str) or not 0 < len(value.encode()) <= longest:
        raise Refusal(errcode)
    return {**button, "sub_button": []}


def _sized(buttons: object, *, most: int, errcode: int) -> list[object]:
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= most:
        raise Refusal(errcode)
    return buttons
