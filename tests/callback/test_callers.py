"""The list of WeChat's addresses: a second lock, for who turns it on, which lets nobody in by itself."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from sqlalchemy import select

from tests.callback.conftest import Line
from tests.callback.test_refusals import REFUSAL, SCAN
from wxbot.callback.callers import Callers, fetch
from wxbot.db.models import callers, events
from wxbot.emulator import wire
from wxbot.errors import ForbiddenError
from wxbot.web.browser import caller_of
from wxbot.wechat.errcodes import UnreachableError
from wxbot.working import build_worker

TOLD = ["101.226.103.0/25", "140.207.54.80", "2402:4e00:40::/48", "junk", "0.0.0.0/0", "::/0", ""]
LISTED = [ip_network(each) for each in TOLD[:3]]
# What one proxy of ours, or none, or two tell; and whether a callback from there is WeChat's.
SHAPES: list[tuple[int, str, str, bool]] = [
    (0, "101.226.103.0", "", True),
    (0, "101.226.103.127", "", True),
    (0, "101.226.103.128", "", False),
    (0, "140.207.54.80", "", True),
    (0, "140.207.54.81", "", False),
    (0, "2402:4e00:40::1", "", True),
    (0, "2402:4e00:41::1", "", False),
    (0, "::ffff:140.207.54.80", "", True),
    (0, "::ffff:8.8.8.8", "", False),
    (0, "127.0.0.1", "", False),
    (0, "127.0.0.1", "140.207.54.80", False),
    (0, "8.8.8.8", "140.207.54.80", False),
    (0, "140.207.54.80", "8.8.8.8", True),
    (0, "", "140.207.54.80", False),
    (1, "127.0.0.1", "140.207.54.80", True),
    (1, "127.0.0.1", " 140.207.54.80 ", True),
    (1, "127.0.0.1", "8.8.8.8, 140.207.54.80", True),
    (1, "127.0.0.1", "140.207.54.80, 8.8.8.8", False),
    (1, "127.0.0.1", "140.207.54.80,8.8.8.8,", False),
    (1, "127.0.0.1", "", False),
    (1, "140.207.54.80", "", False),
    (1, "127.0.0.1", ",", False),
    (1, "127.0.0.1", "140.207.54.80, unknown", False),
    (1, "127.0.0.1", "0140.0207.054.080", False),
    (1, "127.0.0.1", "2362390096", False),
    (1, "127.0.0.1", "140.207.54.80/32", False),
    (1, "127.0.0.1", '"140.207.54.80"', False),
    (1, "127.0.0.1", "for=140.207.54.80", False),
    (1, "127.0.0.1", "140.207.54.80\t8.8.8.8", False),
    (1, "127.0.0.1", "１４０.207.54.80", False),
    (1, "127.0.0.1", "2402:4e00:40::1%eth0", True),
    (2, "10.0.0.2", "140.207.54.80, 10.0.0.1", True),
    (2, "10.0.0.2", "8.8.8.8, 140.207.54.80, 10.0.0.1", True),
    (2, "10.0.0.2", "140.207.54.80, 8.8.8.8, 10.0.0.1", False),
    (2, "10.0.0.2", "140.207.54.80", False),
]


@pytest.fixture
def locked(make_line: Callable[..., Line]) -> Line:
    """Return a bot behind one proxy that looks at the list, and has one."""
    line = make_line(overrides={"callback": {"check_address": True}, "server": {"proxies": 1}})
    assert fetch(line.wx.bot.engine, "default", lambda: TOLD)
    callers_of(line).refresh()
    return line


def callers_of(line: Line) -> Callers:
    """Return what a bot knows about WeChat's addresses."""
    known = line.wx.bot.answering.callers
    assert known is not None
    return known


def sent(line: Line, method: str, query: str, body: bytes = b"", *, told: str = "") -> tuple[int, bytes, str]:
    """Send a request through a proxy that tells where it is from."""
    headers = {"X-Forwarded-For": told} if told else {}
    with line.wx.app.test_client() as client:
        answer = client.open("/wechat", method=method, query_string=query, data=body, headers=headers)
    return answer.status_code, answer.get_data(), answer.headers["Content-Type"]


def scan(line: Line, openid: str, **sealing: Any) -> wire.Request:
    """Return a genuine scan."""
    return line.sealed(wire.scan(openid, line.now(), **SCAN), **sealing)


def refused(known: Callers, address: str) -> bool:
    """Say whether an address may not call."""
    try:
        known.check("default", ip_address(address))
    except ForbiddenError:
        return True
    return False


@pytest.mark.parametrize(("proxies", "peer", "forwarded", "is_wechat"), SHAPES)
def test_only_what_proxies_of_ours_have_told_counts(
    proxies: int, peer: str, forwarded: str, is_wechat: bool
) -> None:
    caller = caller_of(peer, forwarded, proxies=proxies)

    assert (caller is not None and any(caller in each for each in LISTED)) is is_wechat


def test_callback_from_elsewhere_gets_the_one_refusal(locked: Line) -> None:
    first, second = (scan(locked, openid) for openid in ("o1", "o2"))
    verification = wire.verification(locked.wx.world.account.sender, timestamp=locked.now(), echostr="123")

    for told in ("8.8.8.8", "140.207.54.80, 8.8.8.8", ""):
        assert sent(locked, "POST", first.query, first.body, told=told) == REFUSAL
        assert sent(locked, "GET", verification, told=told) == REFUSAL
    with locked.wx.bot.engine.connect() as connection:
        assert connection.execute(select(events)).all() == []
    assert sent(locked, "POST", second.query, second.body, told="8.8.8.8, 101.226.103.9")[0] == 200
    assert sent(locked, "GET", verification, told="140.207.54.80")[:2] == (200, b"123")
    assert locked.runs == ["vip"]


def test_address_is_no_signature(locked: Line) -> None:
    request = scan(locked, "o1")

    forged = request.query.replace("signature=", "signature=0")
    assert sent(locked, "POST", forged, request.body, told="140.207.54.80") == REFUSAL


def test_anybody_may_call_until_there_is_a_list_and_by_default(make_line: Callable[..., Line]) -> None:
    line = make_line(overrides={"callback": {"check_address": True}})

    assert not refused(callers_of(line), "8.8.8.8")
    assert make_line().wx.bot.answering.callers is None


def test_worker_fetches_the_list_and_processes_read_it(make_line: Callable[..., Line]) -> None:
    line = make_line(overrides={"callback": {"check_address": True}})

    build_worker(line.wx.bot).run_schedules()

    callers_of(line).refresh()
    assert refused(callers_of(line), "8.8.8.8") and not refused(callers_of(line), "127.0.0.1")


def test_list_is_a_day_old_at_most_and_the_last_good_one_stays(locked: Line) -> None:
    engine, now = locked.wx.bot.engine, datetime.now(UTC)

    def fail() -> list[str]:
        raise UnreachableError("no answer", call="getcallbackip", was_sent=True)

    assert not fetch(engine, "default", lambda: ["8.8.8.8"], now=lambda: now + timedelta(hours=23))
    for told in (fail, lambda: [], lambda: ["nobody", "0.0.0.0/0"]):
        assert not fetch(engine, "default", told, now=lambda: now + timedelta(hours=25))
    callers_of(locked).refresh()
    assert refused(callers_of(locked), "8.8.8.8") and not refused(callers_of(locked), "140.207.54.80")

    assert fetch(engine, "default", lambda: ["8.8.8.8"], now=lambda: now + timedelta(hours=25))
    callers_of(locked).refresh()
    assert not refused(callers_of(locked), "8.8.8.8") and refused(callers_of(locked), "140.207.54.80")


def test_database_that_is_away_leaves_what_was_known(locked: Line) -> None:
    known = callers_of(locked)
    callers.drop(locked.wx.bot.engine)
    try:
        known.refresh()
    finally:
        callers.create(locked.wx.bot.engine)

    assert refused(known, "8.8.8.8") and not refused(known, "140.207.54.80")
