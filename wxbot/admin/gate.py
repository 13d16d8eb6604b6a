"""Who is let in: the session's cookie, the form's token, the role, and where a request comes from."""

import hmac
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import Request, Response, request

from wxbot.admin.guesses import Guesses
from wxbot.admin.sessions import Session, Sessions, form_token
from wxbot.admin.users import Proof, Users
from wxbot.web.browser import address_of, customer_of, device_of, shortened
from wxbot.web.origin import is_from_here

_VISITOR = "wxbot_admin_visitor"
_LOGIN_SECONDS = 3600
_LONGEST_VISITOR = 64
# Anybody may send passwords, and each costs a processor a tenth of a second and the database a row: whoever
# sends them in heaps must not get hold of the threads that answer scans, nor keep out those elsewhere.
MOST_AT_ONCE = 8
MOST_OF_ONE = 2


class Places:
    """Where passwords are looked at: so many at a time in this process, and fewer of one customer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, customer: str) -> Iterator[None]:
        """Hold a place meanwhile; raises BusyError at once where none is free."""
        with self._lock:
            if self._taken.total() >= MOST_AT_ONCE or self._taken[customer] >= MOST_OF_ONE:
                raise BusyError
            self._taken[customer] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[customer] -= 1
                if not self._taken[customer]:
                    del self._taken[customer]


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Lets users in and out. `proxies` of ours add to X-Forwarded-For."""

    users: Users
    sessions: Sessions
    guesses: Guesses
    proxies: int
    places: Places = field(default_factory=Places)

    def session(self, asking: Request) -> Session | None:
        """Return the session of a request, None for somebody who is not logged in."""
        return self.sessions.find(_held(asking))

    def enter(self, proof: Proof, response: Response) -> bool:
        """Log a user in with this response: a new session, and never the one that the browser came with.

        False, and nobody is logged in, when the password is another one by now, or the user disabled.
        """
        agent = request.headers.get("User-Agent", "")
        held = self.sessions.begin(
            proof, device=device_of(agent), place=shortened(self._address()), former=_held(request)
        )
        if held is None:
            return False
        response.set_cookie(
            _cookie(),
            held,
            max_age=self.sessions.longest_seconds,
            path="/",  # `/qrcode/` is for users as well
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )
        response.delete_cookie(_VISITOR, path="/admin", httponly=True, samesite="Strict")
        return True

    def leave(self, session: Session, response: Response) -> None:
        """Log out of a session."""
        self.sessions.end(session)
        response.delete_cookie(_cookie(), path="/", secure=request.is_secure, httponly=True, samesite="Lax")

    def try_password(self, name: str, password: str) -> Proof | None:
        """Return the user, None for a wrong name or password; raises TooManyError after too many of them.

        Raises BusyError, and counts nothing, while others have their passwords looked at.
        """
        address = self._address()
        with self.places.taken(customer_of(address)):
            return self._tried(name, password, address)

    def token(self) -> str:
        """Return the token of the forms of somebody who is logged in."""
        return form_token(_held(request))

    def is_own_form(self) -> bool:
        """Say whether a POST comes from a form of ours that was made for this session."""
        told = request.headers.get("X-CSRF-Token") or request.form.get("csrf", "")
        return is_from_here() and _is_same(told, self.token())

    def visitor(self) -> str:
        """Return what a browser holds that has the form of the login open already, else an empty text."""
        return request.cookies.get(_VISITOR, "")[:_LONGEST_VISITOR]

    def begin_visit(self, response: Response, visitor: str) -> None:
        """Let a browser send the form of the login, which has no session yet."""
        response.set_cookie(
            _VISITOR,
            visitor,
            max_age=_LOGIN_SECONDS,
            path="/admin",
            secure=request.is_secure,
            httponly=True,
            samesite="Strict",
        )

    def is_own_login(self) -> bool:
        """Say whether the form of the login was made for this browser: nobody is logged in by others."""
        visitor = self.visitor()
        is_ours = bool(visitor) and _is_same(request.form.get("csrf", ""), form_token(visitor))
        return is_from_here() and is_ours

    def _tried(self, name: str, password: str, address: str) -> Proof | None:
        if not self.guesses.allow(name, address):
            raise TooManyError
        proof = self.users.verify(name, password)
        if proof is not None:
            self.guesses.forget(name, address)
        return proof

    def _address(self) -> str:
        forwarded = request.headers.get("X-Forwarded-For", "")
        return address_of(request.remote_addr or "", forwarded, proxies=self.proxies)


class TooManyError(Exception):
    """Too many passwords were tried for this name from this address."""


class BusyError(Exception):
    """As many passwords are looked at as may be at a time."""


def new_visitor() -> str:
    """Return the cookie of a browser that is about to log in."""
    return secrets.token_urlsafe(24)


def _cookie() -> str:
    # With this prefix no other host of the domain can give it to the browser.
    return "__Host-wxbot_session" if request.is_secure else "wxbot_session"


def _held(asking: Request) -> str:
    return asking.cookies.get(_cookie(), "")


def _is_same(told: str, ours: str) -> bool:
    return hmac.compare_digest(told.encode("utf-8", "replace"), ours.encode())
