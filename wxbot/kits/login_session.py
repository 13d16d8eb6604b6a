"""What ties a login page to one browser: a cookie that no script sees, and tokens that only go with it."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

from wxbot import clock

PAGE_SECONDS = 3600
_MOST_ADDRESSES = 10_000
_MINUTE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a page was opened for: `browser` and `device` are digests of its cookies."""

    account: str
    browser: str
    device: str
    return_to: str
    state: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The login whose code a page shows."""

    account: str
    browser: str
    id: str


class Tokens:
    """Makes and reads the tokens that a page sends along; what is not ours, too old or of others is None."""

    def __init__(self, secret_keys: Sequence[str], *, login_seconds: int) -> None:
        keys = list(reversed(secret_keys))
        self._pages = URLSafeTimedSerializer(keys, salt="wxbot login: page")
        self._logins = URLSafeTimedSerializer(keys, salt="wxbot login: code")
        self._login_seconds = login_seconds

    def for_page(self, page: Page) -> str:
        """Return the token of a page, with which it asks for codes."""
        return str(self._pages.dumps(asdict(page)))

    def for_login(self, shown: Shown) -> str:
        """Return the token of a code that is shown, with which the page asks what became of it."""
        return str(self._logins.dumps(asdict(shown)))

    def page(self, token: object, session: str) -> Page | None:
        """Return the page of a token, if the session is the page's."""
        found = _loaded(self._pages, token, PAGE_SECONDS)
        return None if found is None or found["browser"] != digest(session) else Page(**found)

    def login(self, token: object, session: str) -> Shown | None:
        """Return the login of a token, if the session is the one that was shown its code."""
        found = _loaded(self._logins, token, self._login_seconds)
        return None if found is None or found["browser"] != digest(session) else Shown(**found)


class Pace:
    """How often an address may have a code in a minute; counted in each process for itself."""

    def __init__(self, most: int, *, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._most = most
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def allows(self, address: str) -> bool:
        """Count a code for an address; False when it has had enough. An unknown address is not counted."""
        if not address:
            return True
        now = self._monotonic()
        with self._lock:
            began, count = self._counts.pop(address, (now, 0))
            if now - began >= _MINUTE_SECONDS:
                began, count = now, 0
            self._counts[address] = (began, min(count + 1, self._most + 1))
            if len(self._counts) > _MOST_ADDRESSES:
                self._counts.popitem(last=False)
            return count < self._most


def new_secret() -> str:
    """Return the value of a new cookie."""
    return secrets.token_urlsafe(24)


def digest(secret: str) -> str:
    """Return what stands for a cookie elsewhere, as hex: it does not lead back."""
    return sha256(f"login session\0{secret}".encode()).hexdigest()[:32]


def _loaded(serializer: URLSafeTimedSerializer, token: object, seconds: int) -> dict[str, Any] | None:
    if not isinstance(token, str):
        return None
    try:
        found: dict[str, Any] = serializer.loads(token, max_age=seconds)
    except BadData:
        return None
    return found
