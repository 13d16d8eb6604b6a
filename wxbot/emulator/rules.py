"""Switches: one for each point where WeChat's documents are silent or disagree, and the trouble to make.

The defaults are the treatment that is hardest on a bot while still being possible.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

NEW_FAULT_NOTICE = "该公众号提供的服务出现故障，请稍后再试"
OLD_FAULT_NOTICE = "该公众号暂时无法提供服务，请稍后再试"
# No answer, one that drops in, a broken connection, half an answer, a page, a failed server: nothing is done.
# "lost" is the other case: it acts, and the answer never arrives.
API_FAULTS = ("hang", "slow", "reset", "half", "html", "failure", "lost")
_FAULT = re.compile(rf"(\*|[a-z0-9_/]+)=(-?[0-9]+|{'|'.join(API_FAULTS)})(?:/([1-9][0-9]*))?")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How the emulated WeChat behaves where the real one is limited, undocumented or known to vary.

    `default_expire_seconds` is 60 in the newest text that names a number, 30 in older ones.
    `long_expiry` says what becomes of more than thirty days or of zero.
    `scene_texts` "ascii" refuses what a careful bot never mints; "any" counts 64 by `scene_length`.
    `lenient_scenes` reproduces reports of forgiven mistakes: no scene becomes 0, a huge number is cut.
    `retry_spacing_seconds` is the least time from the start of one attempt to that of the next: about 5 is
    what people report of WeChat, 0 tries again at once, while a bot that restarts is still away.
    `fresh_retries` gives every attempt a new timestamp, nonce and signature.
    `bad_status_retries` treats an answer other than HTTP 200 like silence; else the notice comes at once.
    `too_many_articles` says what happens to a news reply with too many articles.
    `unknown_token_errcode` is what a token that was never issued gets: 40001 or 40014.
    `wrong_secret_errcode` is what a call for a token with a wrong secret gets: 40125 or 40001.
    `ip_whitelist` empty means that the account has none.
    `is_verified_service` False: the account may not mint codes; `is_verified` False: nor write to people, tag
    them or ask about them (48001).
    `windows` says how the times in which a person may be written to come together: "each" gesture opens one
    of its own; "renewed" and "extended" know one of a kind, which begins anew with or without its count; with
    "newest" only the last gesture matters. `window_used` says which of the open ones a message takes from.
    `message_window_...` is for messages, `touch_window_...` for follows, scans and the menu; texts of before
    2021 have other numbers.
    `not_following_errcode` is what a message to somebody who does not follow gets: 45015 or 43004.
    `videos_need_thumbnails` False: clients that never sent any have been in use for years.
    `tags_survive_unfollow`, `blank_profiles` (keys of a profile without anything in them) and
    `tells_unionids` (the account belongs to an Open Platform account) are about what people leave behind.
    `checks_redirect_port` counts the port to the domain of web OAuth, which is documented for neither way;
    `checks_fragment` refuses a browser that comes without `#wechat_redirect`; `oauth_only_for_followers` is
    how test accounts are.
    """

    timeout_seconds: float = 5.0
    attempts: int = 3
    retry_spacing_seconds: float = 0.0
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
    stable_calls_a_day: int = 500000
    code_calls_a_day: int = 100000
    menu_calls_a_day: int = 1000
    message_calls_a_day: int = 500000
    tag_calls_a_day: int = 1000
    user_info_calls_a_day: int = 5000000
    user_list_calls_a_day: int = 500
    code_calls_a_minute: int = 100000
    stable_calls_a_minute: int = 10000
    unknown_token_errcode: int = 40001
    wrong_secret_errcode: int = 40125
    ip_whitelist: tuple[str, ...] = ()
    is_verified_service: bool = True
    is_verified: bool = True
    answer_content_type: str = "application/json; encoding=utf-8"
    windows: Literal["each", "renewed", "extended", "newest"] = "each"
    window_used: Literal["ends_first", "ends_last"] = "ends_first"
    message_window_seconds: float = 172800.0
    message_window_count: int = 5
    touch_window_seconds: float = 60.0
    touch_window_count: int = 3
    not_following_errcode: int = 45015
    videos_need_thumbnails: bool = False
    tags_survive_unfollow: bool = False
    blank_profiles: bool = True
    tells_unionids: bool = False
    checks_redirect_port: bool = True
    checks_fragment: bool = True
    oauth_only_for_followers: bool = False

    def __post_init__(self) -> None:
        if not (self.answer_content_type.isascii() and self.answer_content_type.isprintable()):
            raise ValueError("answer_content_type goes into a header: one line of ASCII")

    @property
    def calls_a_day(self) -> dict[str, int]:
        """How often each API may be called in a day, as far as that is limited here."""
        return {
            "token": self.token_calls_a_day,
            "stable_token": self.stable_calls_a_day,
            "qrcode/create": self.code_calls_a_day,
            "menu/create": self.menu_calls_a_day,
            "message/custom/send": self.message_calls_a_day,
            "tags/create": self.tag_calls_a_day,
            "user/info": self.user_info_calls_a_day,
            "user/get": self.user_list_calls_a_day,
        }


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What goes wrong on purpose.

    `slow_seconds` is added to the way of every answer; `lost_answers` is how many answers of each push never
    arrive; `repeats` is how often a push comes again after it was answered; `second_receiver` is the plug-in
    that also gets every SCAN and answers it badly; `snapshot_page` opens the account's pages for made-up
    people who have agreed to nothing; `api_errors` are the codes of the next API calls;
    `untaggable` is how many openids at the end of each batch cannot be tagged (45171).
    `api_faults` befall every call of a path, as in "qrcode/create=45009" or "stable_token=hang": an error
    code or one of `API_FAULTS`; the path "*" is every call but those for tokens. With a number behind it, as
    in "message/custom/send=lost/10", every tenth call.
    """

    slow_seconds: float = 0.0
    lost_answers: int = 0
    repeats: int = 0
    second_receiver: bool = False
    snapshot_page: bool = False
    untaggable: int = 0
    api_errors: tuple[int, ...] = field(default=())
    api_faults: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for each in self.api_faults:
            if not _FAULT.fullmatch(str(each)):
                raise ValueError(
                    f"{each!r} is no fault; write path=code or path= and one of {API_FAULTS}, "
                    "and /10 behind it for every tenth call"
                )

    def fault_of(self, path: str, *, nth: int = 1) -> str:
        """Return what befalls the nth call of this path: an error code, a name, or nothing."""
        faults = [found.groups() for each in self.api_faults if (found := _FAULT.fullmatch(each))]
        places = (path,) if path in ("token", "stable_token") else (path, "*")
        return next(
            (
                str(fault)
                for place in places
                for target, fault, every in faults
                if target == place and nth % int(every or 1) == 0
            ),
            "",
        )


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
        if not _fits(value, known[name], kinds[name]):
            raise ValueError(f"switch {name!r} takes {type(known[name]).__name__} values, not {value!r}")
    clean = {name: tuple(value) if isinstance(value, list) else value for name, value in changes.items()}
    merged: dict[str, Any] = {**known, **clean}
    return type(switches)(**merged)


def _fits(value: object, known: object, kind: Any) -> bool:
    if isinstance(known, tuple):
        item_kind = get_args(kind)[0]
        return isinstance(value, (list, tuple)) and all(_is_a(item_kind, item) for item in value)
    is_negative = isinstance(value, (int, float)) and value < 0
    return _is_a(type(known), value) and not is_negative


def _is_a(kind: type, value: object) -> bool:
    """Tell whether a value is of a kind as JSON knows it: an integer may be a float, `true` is neither."""
    return type(value) in ((int, float) if kind is float else (kind,))
