"""The state of the emulated platform: one account, its people, codes, tokens, menu and conversations.

Plain objects. Whoever reads several of them together holds `lock`; nothing here speaks HTTP.
"""

import base64
import hashlib
import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from wxbot.emulator.clock import Clock
from wxbot.emulator.codes import Code, Codes
from wxbot.emulator.grants import Grants
from wxbot.emulator.judge import Bubble
from wxbot.emulator.ledger import Ledger
from wxbot.emulator.push import Delivery
from wxbot.emulator.refusals import Refusal
from wxbot.emulator.rules import Rules, Trouble
from wxbot.emulator.tokens import AccessTokens, DailyCalls, MinuteCalls, MonthCalls
from wxbot.emulator.windows import Windows
from wxbot.emulator.wire import Mode, Sender, is_address

State = Literal["stranger", "following", "left"]
Side = Literal["person", "account", "system"]

APPID = "wx0000000000000001"
SECRET = "secret"
CALLBACK_TOKEN = "emulatoremulator"
AES_KEY = "emulatoremulatoremulatoremulatoremulatorwx0"
GH_ID = "gh_0123456789ab"
FIRST_MSG_ID = 24_000_000_000_000_000
KEPT_ENTRIES = 300
SYSTEM_TAGS = {2: "星标组"}
FIRST_OWN_TAG = 100
PAGE = 10_000
SOURCE_OTHER, SOURCE_CODE = 0, 30


@dataclass(frozen=True, kw_only=True)
class Account:
    """The emulated Official Account and its secrets; with an empty `callback_url` nothing is pushed.

    ValueError for a `callback_url` that nothing could be pushed to.
    `oauth_domain` is where the pages of web OAuth are; empty stands for the callback's own.
    """

    appid: str = APPID
    secret: str = field(default=SECRET, repr=False)
    token: str = field(default=CALLBACK_TOKEN, repr=False)
    aes_key: str = field(default=AES_KEY, repr=False)
    gh_id: str = GH_ID
    mode: Mode = "safe"
    callback_url: str = ""
    oauth_domain: str = ""

    def __post_init__(self) -> None:
        if self.callback_url and not is_address(self.callback_url):
            raise ValueError(
                f"{self.callback_url!r} is no address to push to; write one like http://127.0.0.1:8000/wechat"
            )

    @property
    def sender(self) -> Sender:
        """The account as the one in whose name is pushed."""
        return Sender(
            appid=self.appid, token=self.token, aes_key=self.aes_key, gh_id=self.gh_id, mode=self.mode
        )


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with a phone; `openid` is the person's id for this account.

    The rest is how a follower came to follow: when, from where, and through which code of which kind.
    """

    openid: str
    name: str
    state: State
    followed_at: int = 0
    subscribe_scene: str = ""
    qr_scene: int = 0
    qr_scene_str: str = ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a conversation.

    `side` "system" is a grey line; `delivery` is the number of the push behind it, 0 when there was none;
    `scene` and `action` say what was done, for the lines that are not bubbles.
    """

    number: int
    at: float
    side: Side
    action: str
    bubble: Bubble | None = None
    scene: str = ""
    delivery: int = 0


@dataclass
class Conversation:
    """What one person and the account said, and how many of the person's pushes are on their way.

    `windows` are the times in which the account may write on its own. `exchanged_at` is when either side
    last did something, `typing_until` how long "typing" stands at the top of the chat.
    """

    entries: list[Entry] = field(default_factory=list)
    waiting: int = 0
    windows: Windows = field(default_factory=Windows)
    exchanged_at: float = 0.0
    typing_until: float = 0.0


class World:
    """Everything the emulated platform knows. Make one, use it, throw it away; `reset` begins anew.

    `site_url` is a site to try the account's codes with, which the phone page leads to; empty: none.
    """

    def __init__(
        self,
        *,
        account: Account | None = None,
        rules: Rules | None = None,
        clock: Clock | None = None,
        has_people: bool = True,
    ) -> None:
        self.account = account or Account()
        self.rules = rules or Rules()
        self.clock = clock or Clock()
        self.lock = threading.RLock()
        self.version = 0
        self.site_url = ""
        # How often everything was begun anew, for whoever put codes and a menu there.
        self.resets = -1
        self.tokens = AccessTokens()
        self._has_people = has_people
        # Never begun anew: a push that is on its way during a reset must not meet a new one of its number.
        self._numbers = itertools.count(1)
        self._msg_ids = itertools.count(FIRST_MSG_ID)
        self.reset()

    def reset(self, *, keeps_tokens: bool = False) -> None:
        """Forget people, codes, tokens, conversations and trouble; the account and the rules stay."""
        with self.lock:
            self.resets += 1
            self.codes = Codes()
            self.tokens = self.tokens if keeps_tokens else AccessTokens()
            self.grants = Grants()
            self.calls = DailyCalls()
            self.minute_calls = MinuteCalls()
            self.quota_clears = MonthCalls()
            self.asked: Counter[str] = Counter()
            self.ledger = Ledger()
            self.trouble = Trouble()
            self.menu: dict[str, Any] | None = None
            self.people: dict[str, Person] = {}
            # Who followed and left, when and from which source (30: by a code), for WeChat's statistics.
            self.moves: list[tuple[int, int, bool]] = []
            self.deliveries: dict[int, Delivery] = {}
            self.conversations: dict[str, Conversation] = {}
            self.scans: dict[str, int] = {}
            self.tags: dict[int, str] = dict(SYSTEM_TAGS)
            self.tags_of: dict[str, set[int]] = {}
            self._tag_ids = itertools.count(FIRST_OWN_TAG)
            self.clock.offset_seconds = 0.0
            self.version += 1
            if self._has_people:
                self.add_person("Ailin 爱琳", state="following")
                self.add_person("Bo 小博")
                self.add_person("Chen 陈晨", state="left")

    def add_person(self, name: str, *, state: State = "stranger", openid: str = "") -> Person:
        """Add somebody; the openid comes from account and name unless given. ValueError when taken."""
        with self.changing():
            openid = openid or openid_of(self.account.appid, name)
            if not name.strip() or openid in self.people:
                raise ValueError(f"there is a person {name!r} already, or the name is blank")
            self.people[openid] = Person(openid=openid, name=name.strip(), state="stranger")
            self.conversations[openid] = Conversation()
            self.tags_of[openid] = set()
            self.become(openid, state)
            return self.people[openid]

    def person(self, openid: str) -> Person:
        """Return the person of an openid as of now; LookupError when there is none."""
        with self.lock:
            if openid not in self.people:
                raise LookupError("there is no such person in this world")
            return self.people[openid]

    def become(self, openid: str, state: State, *, code: Code | None = None) -> None:
        """Let somebody follow, through a code or without, or leave."""
        with self.changing():
            person = replace(self.person(openid), state=state)
            if state == "following":
                person = replace(person, followed_at=self.clock.seconds(), **_origin(code))
                self.moves.append((self.clock.seconds(), SOURCE_OTHER if code is None else SOURCE_CODE, True))
            elif state == "left":
                self.moves.append((self.clock.seconds(), SOURCE_OTHER, False))
                self.conversations[openid].windows.close()
                if not self.rules.tags_survive_unfollow:
                    self.tags_of[openid] = set()
            self.people[openid] = person

    def members_of(self, tag_id: int) -> list[str]:
        """Return the openids of the followers with a tag."""
        return [
            openid
            for openid, tag_ids in self.tags_of.items()
            if tag_id in tag_ids and self.people[openid].state == "following"
        ]

    def note(
        self,
        openid: str,
        *,
        side: Side,
        action: str,
        bubble: Bubble | None = None,
        scene: str = "",
        delivery: int = 0,
    ) -> None:
        """Write a line into somebody's conversation."""
        with self.changing():
            entry = Entry(
                number=self.new_number(),
                at=self.clock.now(),
                side=side,
                action=action,
                bubble=bubble,
                scene=scene,
                delivery=delivery,
            )
            entries = self.conversations[openid].entries
            entries.append(entry)
            for gone in entries[:-KEPT_ENTRIES]:
                self.deliveries.pop(gone.delivery, None)
            del entries[:-KEPT_ENTRIES]

    def mint(self, scene: str | int, *, expire_seconds: int = 604800, is_permanent: bool = False) -> Code:
        """Mint a code without the API: an `int` gives a number scene, a `str` a text scene.

        Refusal when WeChat would not mint it.
        """
        is_number = isinstance(scene, int)
        action = f"QR_{'LIMIT_' if is_permanent else ''}{'' if is_number else 'STR_'}SCENE"
        request: dict[str, Any] = {
            "action_name": action,
            "action_info": {"scene": {"scene_id" if is_number else "scene_str": scene}},
            "expire_seconds": expire_seconds,
        }
        with self.changing():
            return self.codes.create(request, now=self.clock.seconds(), rules=self.rules)

    def new_number(self) -> int:
        """Return a number that nothing else in this world has."""
        with self.lock:
            return next(self._numbers)

    def new_tag_id(self) -> int:
        """Return the id of the next tag; those of deleted tags are not given again."""
        with self.lock:
            return next(self._tag_ids)

    def new_msg_id(self) -> int:
        """Return the MsgId of the next message: seventeen digits, growing."""
        with self.lock:
            return next(self._msg_ids)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the lock and count the change, so that a phone page knows that it is out of date."""
        with self.lock:
            yield
            self.version += 1


def openid_of(appid: str, name: str) -> str:
    """Return an openid of the usual form, 28 characters; all people of one account share the first six."""
    of_account = base64.urlsafe_b64encode(hashlib.sha256(appid.encode()).digest()).decode()
    of_person = base64.urlsafe_b64encode(hashlib.sha256(f"{appid} {name}".encode()).digest()).decode()
    return f"o{of_account[:5]}{of_person[:22]}"


def unionid_of(name: str) -> str:
    """Return the id of a person that all accounts of one owner share."""
    return f"o{base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).decode()[:27]}"


def page_of(openids: list[str], after: object) -> tuple[list[str], str]:
    """Return the page of a list that follows an openid, and the openid to ask with for the next one.

    The last page names one as well, as WeChat's does: only an empty page is the end.
    """
    if after and after not in openids:
        raise Refusal(40003)
    start = openids.index(str(after)) + 1 if after else 0
    page = openids[start : start + PAGE]
    return page, page[-1] if page else ""


def _origin(code: Code | None) -> dict[str, Any]:
    """Return how somebody came to follow, as `user/info` tells it."""
    if code is None:
        return {"subscribe_scene": "ADD_SCENE_SEARCH", "qr_scene": 0, "qr_scene_str": ""}
    is_text = "STR" in code.kind
    return {
        "subscribe_scene": "ADD_SCENE_QR_CODE",
        "qr_scene": 0 if is_text else int(code.scene),
        "qr_scene_str": code.scene if is_text else "",
    }
