"""Switches: one for each point where WeChat's documents are silent or disagree, and the trouble to make.

The defaults are the treatment that is hardest on a bot while still being possible.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

NEW_FAULT_NOTICE = "该公众号提供的服务出现故障，请稍后再试"
OLD_FAULT_NOTICE = "该公众号暂时无法提供服务，请稍后再试"
# No answer, one that drops in, a broken connection, half an answer, a page, a failed server.
API_FAULTS = ("hang", "slow", "reset", "half", "html", "failure")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How the emulated WeChat behaves where the real one is limited, undocumented or known to vary.

    `default_expire_seconds` is 60 in the newest text that names a number, 30 in older ones.
    `long_expiry` says what becomes of more than thirty days or of zero.
    `scene_texts` "ascii" refuses what a careful bot never mints; "any" counts 64 by `scene_length`.
    `lenient_scenes` reproduces reports of forgiven mistakes: no scene becomes 0, a huge number is cut.
    `fresh_retries` gives every attempt a new timestamp, nonce and signature.
    `bad_status_retries` treats an answer other than HTTP 200 like silence; else the notice comes at once.
    `too_many_articles` says what happens to a news reply with too many articles.
    `unknown_token_errcode` is what a token that was never issued gets: 40001 or 40014.
    `ip_whitelist` empty means that the account has none.
    `is_verified_service` False: the account may not mint codes (48001).
    """

    timeout_seconds: float = 5.0
    attempts: int = 3
    fresh_retries: bool = True
    bad_status_retries: bool = True
    sends_openid: bool = True
    fault_notice: str = NEW_FAULT_NOTICE
    text_limit_bytes: int = 2048
    too_many_articles: Literal["fault", "clip"] = "fault"
    default_expire_seconds: int = 60
    long_expiry: Literal["refuse", "clamp"] = "refuse"
    scene_texts: Literal["ascii", "any"] = "ascii"
    scene_length: Literal["characters", "bytes"] = "characters"
    lenient_scenes: bool = False
    shows_expired_images: bool = False
    reuses_permanent_codes: bool = True
    permanent_number_quota: int = 100000
    permanent_text_quota: int = 100000
    token_calls_a_day: int = 2000
    code_calls_a_day: int = 100000
    menu_calls_a_day: int = 1000
    code_calls_a_minute: int = 100000
    unknown_token_errcode: int = 40001
    ip_whitelist: tuple[str, ...] = ()
    is_verified_service: bool = True
    answer_content_type: str = "application/json; encoding=utf-8"


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What goes wrong on purpose.

    `slow_seconds` is added to the way of every answer; `lost_answers` is how many answers of each push never
    arrive; `repeats` is how often a push comes again after it was answered; `second_receiver` is the plug-in
    that also gets every SCAN and answers it badly; `api_errors` are the codes of the next API calls.
    `api_faults` befall every call of a path, as in "qrcode/create=45009" or "stable_token=hang": an error
    code or one of `API_FAULTS`; the path "*" is every call but those for tokens.
    """

    slow_seconds: float = 0.0
    lost_answers: int = 0
    repeats: int = 0
    second_receiver: bool = False
    api_errors: tuple[int, ...] = field(default=())
    api_faults: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for each in self.api_faults:
            if not re.fullmatch(rf"(\*|[a-z_/]+)=(-?[0-9]+|{'|'.join(API_FAULTS)})", str(each)):
                raise ValueError(f"{each!r} is no fault; write path=code or path= and one of {API_FAULTS}")

    def fault_of(self, path: str) -> str:
        """Return what befalls a call of this path: an error code, a name, or nothing."""
        faults = dict(each.split("=") for each in reversed(self.api_faults))
        return faults.get(path) or ("" if path in ("token", "stable_token") else faults.get("*", ""))


Switches = TypeVar("Switches", Rules, Trouble)


def changed(switches: Switches, changes: Mapping[str, Any]) -> Switches:
    """Return the switches with some of them set; ValueError names one that is unknown or ill-typed."""
    known = {item.name: getattr(switches, item.name) for item in fields(switches)}
    kinds = get_type_hints(type(switches))
    for name, value in changes.items():
        if name not in known:
            raise ValueError(f"there is no switch {name!r}; there are: {', '.join(known)}")
        if get_origin(kinds[name]) is Literal and value not in get_args(kinds[name]):
            raise ValueError(f"switch {name!r} is one of {', '.join(get_args(kinds[name]))}, not {value!r}")
        if not _fits(value, known[name]):
            raise ValueError(f"switch {name!r} takes {type(known[name]).__name__} values, not {value!r}")
    clean = {name: tuple(value) if isinstance(value, list) else value for name, value in changes.items()}
    merged: dict[str, Any] = {**known, **clean}
    return type(switches)(**merged)


def _fits(value: object, known: object) -> bool:
    if isinstance(known, bool) or isinstance(value, bool):
        return isinstance(known, bool) and isinstance(value, bool)
    if isinstance(known, (int, float)):
        return isinstance(value, int if isinstance(known, int) else (int, float)) and value >= 0
    if isinstance(known, tuple):
        return isinstance(value, (list, tuple))
    return isinstance(value, type(known))
