"""The callback over HTTP: verification, sizes, methods, malformed documents, a database that is away."""

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import select
from werkzeug.test import EnvironBuilder

from tests.callback.conftest import Line
from wxbot.callback.entry import Entry
from wxbot.callback.views import MAX_BODY_BYTES
from wxbot.db.models import events
from wxbot.emulator import wire
from wxbot.emulator.clock import Clock
from wxbot.events.spool import SpoolError
from wxbot.wechat.signature import sign

ECHOSTR = "4375120948345356249"
PLAIN_HEAD = (
    "<xml><ToUserName><![CDATA[gh_1]]></ToUserName>"
    "<FromUserName><![CDATA[o1]]></FromUserName><CreateTime>{now}</CreateTime>"
)


def signed(line: Line, **more: str) -> str:
    """Return a query that the account's token signed."""
    stamp = {"timestamp": str(line.now()), "nonce": "486452656"}
    signature = sign(line.wx.world.account.token, *stamp.values())
    return urlencode({"signature": signature, **stamp, **more})


@pytest.mark.parametrize("mode", ["safe", "compatible", "plain"])
def test_verification_returns_the_echostr_alone(make_line: Callable[..., Line], mode: str) -> None:
    line = make_line(mode)

    for path in ("/wechat", "/wechat/default"):
        answer = line.get(signed(line, echostr=ECHOSTR), path)

        assert answer == (200, ECHOSTR.encode(), "text/plain; charset=utf-8")


@pytest.mark.parametrize("echostr", ["<script>alert(1)</script>", "", "a'b", "x" * 500])
def test_verification_does_not_echo_anything_else(make_line: Callable[..., Line], echostr: str) -> None:
    line = make_line()

    assert line.get(signed(line, echostr=echostr)) == (403, b"forbidden\n", "text/plain; charset=utf-8")


def test_post_with_an_echostr_is_still_a_post(make_line: Callable[..., Line]) -> None:
    line = make_line("plain")
    request = line.sealed(wire.scan("o1", line.now(), scene="vip", ticket="t"))

    status, body, kind = line.post(f"{request.query}&echostr={ECHOSTR}", request.body)

    assert (status, kind) == (200, "text/xml; charset=utf-8")
    assert "收到".encode() in body


def test_big_body_is_refused_before_it_is_read(make_line: Callable[..., Line]) -> None:
    line = make_line("plain")

    status, body, _ = line.post(signed(line), b"<xml>" + b"x" * 70_000)

    assert (status, body) == (413, b"too large\n")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_for_the_callback(make_line: Callable[..., Line], method: str) -> None:
    with make_line().wx.app.test_client() as client:
        assert client.open("/wechat", method=method).status_code == 405


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        '{"a": 1}',
        "<xml><a></xml>",
        "<!DOCTYPE x SYSTEM 'file:///etc/passwd'><xml/>",
        "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><xml><a>&a;</a></xml>",
        "<xml>" + "<a>" * 50 + "</a>" * 50 + "</xml>",
        "<xml>" + "<a/>" * 5000 + "</xml>",
    ],
    ids=lambda body: body[:24],
)
def test_signed_nonsense_is_refused_like_everything(make_line: Callable[..., Line], body: str) -> None:
    line = make_line("plain")

    status, answer, _ = line.post(signed(line), body.encode())

    assert (status, answer) == (403, b"forbidden\n")
    assert line.runs == []


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "<MsgType></MsgType>",
        "<MsgType>event</MsgType><Event></Event>",
        "<MsgType>event</MsgType><Event>SCAN</Event><EventKey>a</EventKey><EventKey>b</EventKey>",
        "<MsgType>event</MsgType><Event>SCAN</Event><EventKey><x>a</x></EventKey>",
        "<FromUserName>oEvil</FromUserName><MsgType>event</MsgType><Event>SCAN</Event>",
    ],
    ids=lambda rest: rest[-60:],
)
def test_ambiguous_event_is_acknowledged_and_kept(make_line: Callable[..., Line], rest: str) -> None:
    line = make_line("plain")
    document = PLAIN_HEAD.format(now=line.now()) + rest + "</xml>"

    status, answer, _ = line.post(signed(line), document.encode())

    assert (status, answer) == (200, b"success")
    assert line.runs == []
    with line.wx.session() as session:
        kept = session.execute(select(events.c.kind, events.c.body)).all()
    assert kept == [("malformed", document.encode())]


def test_answer_says_what_it_is(make_line: Callable[..., Line]) -> None:
    line = make_line()
    request = line.sealed(wire.scan("o1", line.now(), scene="vip", ticket="t"))

    with line.wx.app.test_client() as client:
        response = client.post("/wechat", query_string=request.query, data=request.body)

    assert response.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the write lock of the bot's database."""
    blocker = sqlite3.connect(folder / "0" / "wxbot.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    yield
    blocker.rollback()
    blocker.close()


def wait_until_over(line: Line) -> None:
    """Wait until the database is back and has what was spooled meanwhile."""
    give_up_at = time.monotonic() + 30
    outage = line.wx.bot.outage
    while (outage.is_on or outage.spool.size().files) and time.monotonic() < give_up_at:
        time.sleep(0.05)


@pytest.mark.sqlite_only
@pytest.mark.write_bound
def test_event_that_the_database_does_not_take_is_kept_in_the_spool(
    make_line: Callable[..., Line], tmp_path: Path
) -> None:
    line = make_line()
    request = line.sealed(wire.scan("o1", line.now(), scene="vip", ticket="t"))
    with locked(tmp_path):
        during = line.post(request.query, request.body)
        waiting = line.wx.bot.outage.spool.size()
    wait_until_over(line)

    assert (during[0], waiting.files) == (200, 1)
    assert line.wx.bot.outage.spool.size().files == 0
    assert line.post(request.query, request.body)[0] == 200


@pytest.mark.sqlite_only
@pytest.mark.write_bound
def test_event_that_can_be_written_nowhere_is_not_acknowledged(
    make_line: Callable[..., Line], tmp_path: Path
) -> None:
    line = make_line()
    request = line.sealed(wire.scan("o1", line.now(), scene="vip", ticket="t"))
    spool = tmp_path / "0" / "spool"
    shutil.rmtree(spool)
    spool.write_text("in the way")
    with locked(tmp_path):
        during = line.post(request.query, request.body)
    while line.wx.bot.outage.is_on:
        time.sleep(0.05)

    assert during[0] == 503
    assert line.post(request.query, request.body)[0] == 200


def test_health_tells_alive_from_ready(make_line: Callable[..., Line]) -> None:
    line = make_line()

    assert line.get("", "/healthz")[:2] == (200, b"ok\n")
    with line.wx.app.test_client() as client:
        ready = client.get("/readyz")
    assert ready.status_code == 200


@pytest.mark.sqlite_only
@pytest.mark.write_bound
def test_ambiguous_event_is_not_acknowledged_unless_it_is_kept(
    make_line: Callable[..., Line], tmp_path: Path
) -> None:
    line = make_line("plain")
    document = PLAIN_HEAD.format(now=line.now()) + "</xml>"
    with locked(tmp_path):
        kept, _, _ = line.post(signed(line), document.encode())
        line.wx.bot.outage.spool.append = refuse  # type: ignore[method-assign]
        lost, _, _ = line.post(signed(line), document.replace("</xml>", "<!-- --></xml>").encode())

    assert (kept, lost) == (200, 503)


def refuse(*_: object, **__: object) -> None:
    raise SpoolError("the disk is full")


def posted(line: Line, **changed: object) -> tuple[int, bytes, dict[str, str]]:
    """Hand a genuine scan to the app as a server does, with something changed; return what came back."""
    request = line.sealed(wire.scan("o1", line.now(), scene="vip", ticket="t"))
    environ = EnvironBuilder(
        method="POST", path="/wechat", query_string=request.query, data=request.body
    ).get_environ()
    given: list[tuple[str, list[tuple[str, str]]]] = []
    answer = line.wx.app(environ | changed, lambda status, headers: given.append((status, headers)))
    body = b"".join(answer)
    [(status, headers)] = given
    return int(status.split()[0]), body, dict(headers)


def test_flask_answers_as_the_entry_does(make_line: Callable[..., Line]) -> None:
    line = make_line("plain")
    now = line.wx.world.clock.now()
    line.wx.world.clock = Clock(lambda: now)  # a reply says when it was written
    request = line.sealed(wire.scan("o1", line.now(), scene="vip", ticket="t"))
    entry = line.wx.app.wsgi_app
    assert isinstance(entry, Entry)

    answers = []
    for app in (entry, entry._flask):
        with line.wx.app.test_client() as client:
            line.wx.app.wsgi_app = app  # type: ignore[method-assign]
            response = client.post("/wechat", query_string=request.query, data=request.body)
            refused = client.post("/wechat/nobody", query_string=request.query, data=request.body)
            large = client.post("/wechat", query_string=request.query, data=b"x" * (MAX_BODY_BYTES + 1))
        answers.append(
            [(each.status, each.data, sorted(each.headers)) for each in (response, refused, large)]
        )

    assert [status[:3] for status, _, _ in answers[0]] == ["200", "403", "413"]
    assert answers[0] == answers[1]


def test_body_that_ends_too_early_is_not_taken_up(make_line: Callable[..., Line]) -> None:
    line = make_line("plain")

    status, body, _ = posted(line, CONTENT_LENGTH="60000")

    assert (status, body) == (400, b"bad request\n")
    with line.wx.session() as session:
        assert session.execute(select(events)).all() == []


def test_fault_of_ours_shows_nothing_to_the_caller(
    make_line: Callable[..., Line], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    line = make_line("plain")

    def broken(*_: object, **__: object) -> str:
        raise RuntimeError("a fault")

    monkeypatch.setattr("wxbot.callback.answer.open_envelope", broken)
    status, body, headers = posted(line)

    assert (status, body) == (500, b"internal server error\n")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "a callback could not be answered" in caplog.text and "signature=" not in caplog.text
