"""Captured requests, sent again and again and in every disguise: nobody's handler runs, no row changes."""

import hashlib
import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select

from tests.hostile.case import ALL
from tests.hostile.forging import Forger, Request
from tests.hostile.judging import Judge
from wxbot.db import models
from wxbot.emulator import wire

IS_LONG = bool(os.environ.get("WXBOT_LONG"))
REPLAYS = 100_000 if IS_LONG else 300
CAPTURED = 10
# Longer than the window: what is captured has to be new again now and then.
FRESH_SECONDS = 200


@dataclass(frozen=True)
class Captured:
    """A request that somebody has read, and what was pushed with it."""

    request: Request
    push: wire.Push

    def stamp(self) -> tuple[str, str]:
        """Return its time and its nonce."""
        pairs = dict(pair.split("=") for pair in self.request.query.decode().split("&"))
        return pairs["timestamp"], pairs["nonce"]


def captured(it: Forger, *, digits: int) -> Captured:
    """Deliver a push whose nonce could be a time soon to come, as a whole or but for its first digit."""
    push = it.push()
    # Ends with the digit that times begin with: behind it the nonce may be cut off elsewhere.
    stamp = {"timestamp": str(it.now() // 10 * 10 + 1), "nonce": it.later()[-digits:]}
    request = it.document(wire.document(push, it.sender.gh_id).encode(), stamp)
    assert it.target.send(request).status == 200
    return Captured(request, push)


def identical(_: Forger, old: Captured) -> Request:
    """Send it once more."""
    return old.request


def swapped(_: Forger, old: Captured) -> Request:
    """Let time and nonce trade places: the signature is the same."""
    time_then, nonce = old.stamp()
    return old.request.changed(timestamp=nonce, nonce=time_then)


def shifted(_: Forger, old: Captured) -> Request:
    """Cut the digits that were signed at another place: the signature is the same again."""
    whole = "".join(sorted(old.stamp()))
    return old.request.changed(timestamp=whole[9:], nonce=whole[:9])


def with_another_body(it: Forger, old: Captured) -> Request:
    """Send another event under the query."""
    return replace(old.request, body=it.genuine(replace(old.push, created=old.push.created + 1)).body)


def swapped_with_another_body(it: Forger, old: Captured) -> Request:
    """Date it anew, and let it carry somebody else's scan."""
    return replace(swapped(it, old), body=it.genuine(it.push("other")).body)


def with_junk(_: Forger, old: Captured) -> Request:
    """Send no document at all."""
    return replace(old.request, body=b"<xml><Event>")


def plain_twin(it: Forger, old: Captured) -> Request:
    """Send what was in it in clear; in plain mode: what was in it, encrypted."""
    mode = "plain" if it.mode != "plain" else "safe"
    return replace(old.request, body=it.genuine(old.push, mode=mode).body)


SAME = {identical, swapped, shifted}  # the event as it was: it may get the answer of before
Form = Callable[[Forger, Captured], Request]
FORMS: tuple[Form, ...] = (
    identical,
    swapped,
    shifted,
    with_another_body,
    swapped_with_another_body,
    with_junk,
    plain_twin,
)


def contents(judge: Judge) -> str:
    """Return a digest of every value of every row."""
    with judge.engine.connect() as connection:
        rows = {
            name: sorted(map(repr, connection.execute(select(table)).all()))
            for name, table in models.metadata.tables.items()
        }
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def replays(it: Forger, olds: list[Captured]) -> Iterator[tuple[Form, Request]]:
    """Yield every form of every captured request, for ever."""
    for form, old in itertools.cycle(itertools.product(FORMS, olds)):
        yield form, form(it, old)


@pytest.mark.parametrize("mode", ALL)
def test_replay_runs_nothing_and_changes_nothing(judge_of: Callable[[str], Judge], mode: str) -> None:
    judge, left = judge_of(mode), REPLAYS
    it, answered = judge.forger, set()
    while left:
        olds = [captured(it, digits=digits) for digits in (9, 10) for _ in range(CAPTURED // 2)]
        runs, rows = judge.runs(), contents(judge)
        until = time.monotonic() + FRESH_SECONDS
        for form, request in itertools.islice(replays(it, olds), left):
            answer = it.target.send(request)
            left -= 1
            if answer != judge.refusal:
                assert form in SAME and answer.status == 200, (form, request)
                answered.add(form)
            if time.monotonic() > until:
                break
        assert (judge.runs(), contents(judge)) == (runs, rows)
    # That their signatures are right is what makes them dangerous.
    assert answered == SAME
