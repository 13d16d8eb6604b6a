"""The callback over HTTP: verification, sizes, methods, malformed documents, a database that is away."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from tests.callback.conftest import Line
from wxbot.db.models import events
from wxbot.emulator import wire
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
def test_signed_nonsense_is_a_bad_request(make_line: Callable[..., Line], body: str) -> None:
    line = make_line("plain")

    status, answer, _ = line.post(signed(line), body.encode())

    assert (status, answer) == (400, b"bad request\n")
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


def test_locked_database_means_no_answer_and_no_false_promise(
    make_line: Callable[..., Line], tmp_path: Path
) -> None:
    line = make_line()
    request = line.sealed(wire.scan("o1", line.now(), scene="vip", ticket="t"))
    blocker = sqlite3.connect(tmp_path / "0" / "wxbot.db", isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")

    during = line.post(request.query, request.body)
    blocker.rollback()
    blocker.close()
    after = line.post(request.query, request.body)

    assert during[0] == 503
    assert after[0] == 200


def test_health_tells_alive_from_ready(make_line: Callable[..., Line]) -> None:
    line = make_line()

    assert line.get("", "/healthz")[:2] == (200, b"ok\n")
    with line.wx.app.test_client() as client:
        ready = client.get("/readyz")
    assert (ready.status_code, ready.json) == (
        200,
        {"status": "ready", "database": "ok", "skipped_plugins": 0},
    )


def test_ambiguous_event_is_not_acknowledged_unless_it_is_kept(
    make_line: Callable[..., Line], tmp_path: Path
) -> None:
    line = make_line("plain")
    document = PLAIN_HEAD.format(now=line.now()) + "</xml>"
    blocker = sqlite3.connect(tmp_path / "0" / "wxbot.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")

    status, _, _ = line.post(signed(line), document.encode())
    blocker.rollback()
    blocker.close()

    assert status == 503
