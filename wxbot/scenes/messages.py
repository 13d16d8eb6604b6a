"""What the log says about an event that nobody answers: a handler ready to paste."""

import difflib
import re
from collections.abc import Iterable
from keyword import iskeyword

from wxbot.scenes.patterns import RESERVED_BEGINNINGS, clip, is_printable_scene, looks_like_number
from wxbot.wechat.events import Click, Event, Follow, Scan, Unfollow

_CODE = '{line}\ndef {name}({parameter}) -> str:\n    return "..."'


def suggestion(
    event: Event,
    known: Iterable[str] = (),
    *,
    prefix: str = "",
    signed: str = "",
    fallback: str = "",
    is_half: bool = False,
) -> str:
    """Return a few lines for the log: what was not answered, what may have been meant, and code to paste.

    `known` are the few scenes that may have been meant, `prefix` is that of the plugin whose scene this would
    be, `signed` the handler whose signature is missing or wrong in it, `fallback` the one that is asked, and
    `is_half` says that other people's scans of it are answered. The text holds nothing of the person: no
    openid and nothing they wrote.
    """
    if isinstance(event, Scan):
        missing = f"no handler answers scene {clip(event.scene)}"
        if signed:
            # No code to paste: a rule without the signature would open what the signature protects.
            return f"{missing}\nit looks like one of {signed}, but carries no signature of ours"
        when = event.when if is_half else ""
        offer = _scan(event.scene, prefix, fallback=fallback, when=when)
        return "\n".join([missing, *_meant(event.scene, known), *offer])
    line, name = _decorator(event)
    code = _CODE.format(line=line, name=name, parameter="event")
    return f"no handler answers {_kind(event)}\n{_offer(code)}"


def _scan(scene: str, prefix: str, *, fallback: str, when: str) -> list[str]:
    if not is_printable_scene(scene) or scene.startswith(RESERVED_BEGINNINGS) or scene == prefix:
        # No rule of ours can be this text, only a fallback takes it; a second one would stop the start.
        if fallback:
            return [f"it is left to the fallback {fallback}"]
        return [_offer(_CODE.format(line="@plugin.fallback", name="anything_else", parameter="scan"))]
    rule = scene if looks_like_number(scene) else f'"{scene.removeprefix(prefix)}"'
    only = f', when="{when}"' if when else ""
    code = _CODE.format(line=f"@plugin.scene({rule}{only})", name=_name(scene), parameter="scan")
    dashes = "-- " if scene.startswith("-") else ""
    where = f"the plugin with the prefix {prefix!r}" if prefix else "a plugin"
    return [_offer(code, where), f"(wxbot explain {dashes}{scene} says why each rule was passed over)"]


def _meant(scene: str, known: Iterable[str]) -> list[str]:
    others = [each for each in known if each != scene]
    near = difflib.get_close_matches(scene[:64], others, n=1, cutoff=0.75)
    return [f"did you mean {near[0]!r}?"] if near else []


def _decorator(event: Event) -> tuple[str, str]:
    if isinstance(event, Click):
        return f"@plugin.click({clip(event.event_key)})", _name(event.event_key)
    if isinstance(event, Follow):
        return "@plugin.on_follow", "welcome"
    if isinstance(event, Unfollow):
        return "@plugin.on_unfollow", "goodbye"
    if event.is_message:
        return f'@plugin.message("{event.wire_name}")', f"{_name(event.wire_name)}_message"
    return f"@plugin.event({clip(event.name)})", _name(event.name)


def _kind(event: Event) -> str:
    if isinstance(event, Click):
        return f"the menu key {clip(event.event_key)}"
    return f"{'messages' if event.is_message else 'events'} of kind {clip(event.name or event.msg_type)}"


def _offer(code: str, where: str = "a plugin") -> str:
    return f"to answer it, paste this into {where}:\n\n{code}\n"


def _name(text: str) -> str:
    """Return a name for the function: the text's own letters and digits, as far as Python allows."""
    words = re.sub("[^a-z0-9]+", "_", text[:40].lower()).strip("_")
    return words if words.isidentifier() and not iskeyword(words) else f"answer_{words}".rstrip("_")
