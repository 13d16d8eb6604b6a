"""Who is let in: the session's cookie, the form's token, the role, and where a request comes from."""

import hmac
import secrets
import threading
from dataclasses import dataclass, field

from flask import Request, Response, request

from wxbot.admin.guesses import Guesses
from wxbot.admin.sessions import Session, Sessions, form_token
from wxbot.admin.users import User, Users
from wxbot.web.browser import address_of, device_of, shortened
from wxbot.web.origin import is_from_here

_VISITOR = "wxbot_admin_visitor"
_LOGIN_SECONDS = 3600
_LONGEST_VISITOR = 64
# Anybody may send passwords, and each costs a processor a tenth of a second and the database a row: whoever
# sends them in heaps must not get hold of the threads that answer scans.
MOST_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Lets users in and out. `proxies` of ours add to X-Forwarded-For."""

    users: Users
    sessions: Sessions
    guesses: Guesses
    proxies: int
    places: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(MOST_AT_ONCE)
    )

    def session(self, asking: Request) -> Session | None:
        """Return the session of a request, None for somebody who is not logged in."""
        return self.sessions.find(_held(asking))

    def enter(self, user: User, response: Response) -> None:
        """Log a user in with this response: a new session, and never the one that the browser came with."""
        agent = request.headers.get("User-Agent", "")
        held = self.sessions.begin(
            user, device=device_of(agent), place=shortened(self._address()), former=_held(request)
        )
        self._set(response, _cookie(), held, seconds=self.sessions.longest_seconds)
        response.delete_cookie(_VISITOR, path="/admin", httponly=True, samesite="Strict")

    def leave(self, session: Session, response: Response) -> None:
        """Log out of a session."""
        self.sessions.end(session)
        response.delete_cookie(_cookie(), path="/", secure=request.is_secure, httponly=True, samesite="Lax")

    def try_password(self, name: str, password: str) -> User | None:
        """Return the user, None for a wrong name or password; raises TooManyError after too many of them.

        Raises BusyError, and counts nothing, while others have their passwords looked at.
        """
        if not self.places.acquire(blocking=False):
            raise BusyError
        try:
            return self._tried(name, password)
        finally:
            self.places.release()

    def check_password(self, user: User, password: str) -> bool:
        """Say whether somebody who is logged in knows their password; counted as when logging in."""
        return self.try_password(user.name, password) is not None

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

    def _tried(self, name: str, password: str) -> User | None:
        address = self._address()
        if not self.guesses.allow(name, address):
            raise TooManyError
        user = self.users.verify(name, password)
        if user is not None:
            self.guesses.forget(name, address)
        return user

    def _address(self) -> str:
        forwarded = request.headers.get("X-Forwarded-For", "")
        return address_of(request.remote_addr or "", forwarded, proxies=self.proxies)

    def _set(self, response: Response, name: str, value: str, *, seconds: int) -> None:
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path="/",  # `/qrcode/` is for users as well
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )


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
