"""The resources of the API as methods; what they return are the models of its description."""

import json
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, JsonValue

from wxbot.api.models.claims import (
    LIFETIME_SECONDS,
    NewClaim,
    ShownBinding,
    ShownClaim,
    ShownStep,
)
from wxbot.api.models.logins import ShownLogin
from wxbot.api.models.people import FollowerState, ShownEvent, ShownFollower, ShownMessage
from wxbot.api.models.qrcodes import WEEK_SECONDS, ShownCode
from wxbot.client.calls import Calls
from wxbot.client.errors import UnavailableError, UnreachableError

Item = TypeVar("Item", bound=BaseModel)
_PAGE = 200
_POLL_SECONDS = 2.0
# At least so often the API says something in a stream.
_PING_SECONDS = 10.0
_SILENCE_SECONDS = 30.0


class Resource(Generic[Item]):
    """What all resources share."""

    path: str
    model: type[Item]

    def __init__(self, calls: Calls, account: str | None) -> None:
        self._calls = calls
        self._account = account

    def _get(self, name: str, **query: object) -> Item:
        found = self._calls.call("GET", f"{self.path}/{quote(name, safe='')}", query=query)
        return read_as(self.model, found)

    def _all(self, **query: object) -> Iterator[Item]:
        """Yield every item, a page at a time."""
        after = None
        while True:
            wanted = {"account": self._account, "limit": _PAGE, "after": after, **query}
            page = self._calls.call("GET", self.path, query=wanted)
            yield from (read_as(self.model, item) for item in page["items"])
            after = page["next"]
            if after is None:
                return


class Codes(Resource[ShownCode]):
    """QR codes."""

    path = "/qrcodes"
    model = ShownCode

    def mint(
        self, scene: str | int, *, expires_in: int | None = WEEK_SECONDS, once: str | None = None
    ) -> ShownCode:
        """Mint a code, or return the one there is if it lives long enough; None for a permanent one."""
        body = {"scene": scene, "expires_in": expires_in, "account": self._account}
        return read_as(ShownCode, self._calls.call("POST", self.path, body=body, once=once))

    def find(self, scene: str | int, *, is_permanent: bool | None = None) -> ShownCode:
        """Return a code that was minted. Raises NotFoundError."""
        return self._get(str(scene), account=self._account, is_permanent=is_permanent)

    def all(self, *, is_permanent: bool | None = None) -> Iterator[ShownCode]:
        """Yield the codes, the newest first."""
        return self._all(is_permanent=is_permanent)


class ClaimsOfSite(Resource[ShownClaim]):
    """What one person may claim by scanning."""

    path = "/claims"
    model = ShownClaim

    def make(
        self,
        purpose: str,
        subject: str,
        *,
        data: Mapping[str, JsonValue] | None = None,
        expires_in: int = LIFETIME_SECONDS,
        is_exclusive: bool | None = None,
        once: str | None = None,
    ) -> NewClaim:
        """Make a claim with its code; show the picture of `code.url`, or send the customer to `page`.

        `is_exclusive`: one person at a time has the subject; by default so, but for `link`.
        """
        body = {
            "purpose": purpose,
            "subject": subject,
            "account": self._account,
            "data": dict(data or {}),
            "expires_in": expires_in,
            "is_exclusive": is_exclusive,
        }
        return read_as(NewClaim, self._calls.call("POST", self.path, body=body, once=once))

    def find(self, id: str) -> ShownClaim:
        """Return a claim. Raises NotFoundError."""
        return self._get(id)

    def all(
        self, *, purpose: str | None = None, subject: str | None = None, person: str | None = None
    ) -> Iterator[ShownClaim]:
        """Yield the claims, the newest first."""
        return self._all(purpose=purpose, subject=subject, person=person)

    def steps(self, id: str) -> list[ShownStep]:
        """Return what happened to a claim, in order."""
        found = self._calls.call("GET", f"{self.path}/{quote(id, safe='')}/steps")
        return [read_as(ShownStep, item) for item in found["items"]]

    def cancel(self, id: str) -> ShownClaim:
        """Call a claim off. Raises ConflictError when it is confirmed or has ended."""
        return self._change(id, "cancel")

    def confirm(self, id: str) -> ShownClaim:
        """Confirm what was claimed. Raises ConflictError unless it is claimed now."""
        return self._change(id, "confirm")

    def release(self, id: str) -> ShownClaim:
        """Take the subject from who claimed it. Raises ConflictError when nobody has it.

        A link that is confirmed is ended by `bindings.end`; here it is refused with ConflictError as well.
        """
        return self._change(id, "release")

    def watch(self, id: str, *, seconds: float) -> Iterator[ShownClaim]:
        """Yield a claim as it is, and at every change; ends with the claim, or after so many seconds.

        Uses the API's stream where there is room for one, and asks every other second otherwise. A claim
        that was claimed but not confirmed has not ended: leave the loop when that is enough.
        """
        until = time.monotonic() + seconds
        told = None
        while time.monotonic() < until:
            for claim in self._seen(id, until):
                if claim != told:
                    told = claim
                    yield claim
                if claim.state.is_end:
                    return

    def _seen(self, id: str, until: float) -> Iterator[ShownClaim]:
        wait = max(1.0, min(_SILENCE_SECONDS, until - time.monotonic()))
        try:
            with self._calls.lines(f"{self.path}/{quote(id, safe='')}/stream", seconds=wait) as lines:
                for line in lines:
                    if line.startswith("data: "):
                        yield read_as(ShownClaim, json.loads(line.removeprefix("data: ")))
                    left = until - time.monotonic()
                    # The next line may be too late, and would be waited for: a new stream waits for less.
                    if not line and left < min(_PING_SECONDS, wait - 1.0):
                        return
        except (UnavailableError, UnreachableError):
            yield self.find(id)
            time.sleep(max(0.0, min(_POLL_SECONDS, until - time.monotonic())))

    def _change(self, id: str, act: str) -> ShownClaim:
        return read_as(ShownClaim, self._calls.call("POST", f"{self.path}/{quote(id, safe='')}/{act}"))


class BindingsOfSite(Resource[ShownBinding]):
    """Which follower is which user of the site."""

    path = "/bindings"
    model = ShownBinding

    def all(
        self, *, site_user: str | None = None, person: str | None = None, has_ended: bool = False
    ) -> Iterator[ShownBinding]:
        """Yield the bindings, the newest first."""
        return self._all(site_user=site_user, person=person, has_ended=has_ended)

    def bind(
        self, token: str, site_user: str, *, is_replacing: bool = False, once: str | None = None
    ) -> ShownBinding:
        """Bind whom a browser brought from WeChat, by its token, to the user who is logged in and agreed.

        Raises NotFoundError for a token that is wrong, old or used, and ConflictError when the user or the
        person is bound already and the policy allows no more; with `is_replacing` those bindings end.
        """
        body = {"token": token, "site_user": site_user, "is_replacing": is_replacing}
        return read_as(ShownBinding, self._calls.call("POST", self.path, body=body, once=once))

    def end(self, site_user: str, *, person: str | None = None) -> list[ShownBinding]:
        """End the bindings of a user, or the one with a person; return those that ended.

        None of them when an answer was lost and the call had to be repeated: they have ended all the same.
        """
        query = {"account": self._account, "site_user": site_user, "person": person}
        found = self._calls.call("DELETE", self.path, query=query)
        return [read_as(ShownBinding, item) for item in found["items"]]


class Logins(Resource[ShownLogin]):
    """Scan logins."""

    path = "/logins"
    model = ShownLogin

    def exchange(self, code: str, state: str, *, once: str | None = None) -> ShownLogin:
        """Return who has confirmed, for the code that a browser brought; `state` is what its session has.

        Raises NotFoundError for a code that is wrong, old, used, or meant for another browser.
        """
        body = {"code": code, "state": state}
        return read_as(ShownLogin, self._calls.call("POST", f"{self.path}/exchange", body=body, once=once))


class Followers(Resource[ShownFollower]):
    """Who follows, and who did."""

    path = "/followers"
    model = ShownFollower

    def find(self, person: str) -> ShownFollower:
        """Return a follower by their digest. Raises NotFoundError."""
        return self._get(person, account=self._account)

    def all(self, *, state: FollowerState | str | None = None) -> Iterator[ShownFollower]:
        """Yield the followers, in an order that stays."""
        return self._all(state=None if state is None else FollowerState(state).value)


class Events(Resource[ShownEvent]):
    """What people did."""

    path = "/events"
    model = ShownEvent

    def find(self, id: str) -> ShownEvent:
        """Return an event. Raises NotFoundError."""
        return self._get(id)

    def all(
        self,
        *,
        person: str | None = None,
        kind: str | None = None,
        scene: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[ShownEvent]:
        """Yield the events, the newest first; times must be aware."""
        times = {name: at and at.isoformat() for name, at in (("since", since), ("until", until))}
        return self._all(person=person, kind=kind, scene=scene, **times)


class Messages(Resource[ShownMessage]):
    """Service messages."""

    path = "/messages"
    model = ShownMessage

    def send(
        self,
        message: str | Mapping[str, Any],
        *,
        person: str | None = None,
        openid: str | None = None,
        once: str | None = None,
    ) -> ShownMessage:
        """Send a text, or a message as the API describes it, to one person: say who in one of two ways.

        It goes out when WeChat takes it; `find` says what became of it. Raises NotFoundError for somebody
        who does not follow.
        """
        if (person is None) == (openid is None):
            raise ValueError("say to whom: person, or openid")
        content = {"type": "text", "content": message} if isinstance(message, str) else dict(message)
        to = {"person": person} if openid is None else {"openid": openid}
        body = {"account": self._account, "to": to, "message": content}
        return read_as(ShownMessage, self._calls.call("POST", self.path, body=body, once=once))

    def find(self, id: str) -> ShownMessage:
        """Return a message that was sent, or waits. Raises NotFoundError."""
        return self._get(id)


def read_as(model: type[Item], data: object) -> Item:
    """Return an answer as what it should be; raises UnreachableError for anything else."""
    try:
        return model.model_validate(data)
    except ValueError:  # pydantic's own would quote the answer
        pass
    raise UnreachableError(f"the answer is no {model.__name__}: is the bot of another version?")
