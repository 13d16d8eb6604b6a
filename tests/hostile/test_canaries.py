"""Secrets and an openid are planted, a bot has good and bad days, and then everything is searched."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.hostile import documents, speakers
from tests.hostile.forging import Forger
from tests.hostile.targets import AppTarget
from wxbot.db.models import access_tokens, jobs
from wxbot.emulator import wire
from wxbot.testing import Wx
from wxbot.working import build_worker

TOKEN, AES_KEY = "canary0callback0token0x", "CanaryOfTheAesKey0123456789CanaryOfTheAesKe"
APP_SECRET, SECRET_KEY = "canary0of0the0appsecret00000000", "canary of the secret key, long enough"
REDIS_PASSWORD = "canaryRedisPassword"
OPENID, WORDS = "oCanaryOfAnOpenid0123456789a", "canary words that only the account should read"
SETTINGS = {
    "secret_key": SECRET_KEY,
    "redis": {"url": f"redis://:{REDIS_PASSWORD}@127.0.0.1:9/0"},
    "accounts": {"default": {"secret": APP_SECRET, "token": TOKEN, "aes_key": AES_KEY}},
}
# Everything that a handler can do wrong with what it is given.
CARELESS = """
import logging
from collections.abc import Iterator
import os

from wxbot import Plugin

plugin = Plugin("careless")


@plugin.scene("raises")
def raises(scan, session, follower):
    raise RuntimeError(f"while handling {scan!r} of {follower!r} with {session.get_bind()!r}")


@plugin.scene("dumps")
def dumps(scan):
    return f"{plugin!r} {scan!r}"


@plugin.scene("defers")
def defers(scan, defer):
    defer(calls, openid=scan.openid)
    return "later"


@plugin.job
def calls(openid, wechat, key):
    logging.getLogger("careless").error("the client is %r of %r", wechat, wechat.account)
    wechat.user_info(openid)
    raise RuntimeError(f"{wechat!r} {wechat.account!r}")
"""
SCENES = ("raises", "dumps", "defers", "nobody-answers-this")
PAGES = (
    "/",
    "/admin/",
    "/admin/login",
    "/readyz",
    "/healthz",
    "/metrics",
    "/qrcode/vip",
    "/q/vip",
    "/wechat",
)
PAGES += ("/api/docs", "/api/v1/openapi.json", "/api/v1/events", "/order/x", "/link/x", "/login/x")


def found(what: str, text: str, *canaries: str) -> list[str]:
    """Return where a canary sings: its beginning is enough, as much as somebody careless might leave."""
    return [f"{what}: {each}" for each in canaries if each[:16] in text]


@pytest.fixture
def wx_careless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[Wx]:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "careless.py").write_text(CARELESS)
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Wx(tmp_path / "bot", packages=["careless"], overrides=SETTINGS)
    yield made
    made.close()


def attacked(wx: Wx) -> list[str]:
    """Send every kind of request, good and bad, and return what came back, decrypted."""
    sender = wx.world.account.sender
    it = Forger(sender, AppTarget(wx.app))
    cases = [case for case in (*speakers.cases(), *documents.cases()) if "safe" in case.modes]
    requests = [case.build(it) for case in cases[::8]]
    requests += [it.genuine(wire.scan(OPENID, it.now(), scene=scene, ticket="gQ_t")) for scene in SCENES]
    requests += [it.genuine(wire.text(OPENID, it.now(), content=WORDS, msg_id=7)), it.genuine(mode="plain")]
    said = []
    for request in requests:
        answer = it.target.send(request)
        body = answer.body.decode(errors="replace")
        encrypted = body.partition("<Encrypt><![CDATA[")[2].partition("]]>")[0]
        said.append(f"{answer.headers} {body} {sender.cipher.decrypt(encrypted) if encrypted else b''!r}")
    return said


def test_no_canary_sings(wx_careless: Wx, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    wx = wx_careless
    answers = attacked(wx)
    build_worker(wx.bot).run_due()
    with wx.bot.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(jobs)).scalar_one() > 0
        assert connection.execute(select(access_tokens.c.token)).scalar_one(), "no token was fetched"
    access_token, _ = wx.world.tokens.issue_stable(wx.world.clock.now(), is_forced=False)
    secrets = (TOKEN, AES_KEY, APP_SECRET, SECRET_KEY, REDIS_PASSWORD, access_token)
    client = wx.app.test_client()
    pages = {page: client.get(page) for page in PAGES}
    form = logging.Formatter("%(name)s %(message)s")
    records = caplog.get_records("setup") + caplog.get_records("call")
    log = "\n".join(form.format(each) for each in records if each.name != "careless")

    sung = [each for text in answers for each in found("an answer", text, *secrets)]
    for page, answer in pages.items():
        sung += found(page, f"{answer.headers} {answer.text}", *secrets, OPENID, WORDS)
    sung += found("the log", log, *secrets, OPENID, WORDS)
    said = "\n".join(each.getMessage() for each in records if each.name == "careless")
    sung += found("what a handler shows", said, *secrets)
    for file in (tmp_path / "bot").rglob("*"):
        if file.is_file():
            sung += found(file.name, file.read_bytes().decode("latin-1"), *secrets)

    assert "RuntimeError" in log and "the client is" in said
    assert found("itself", repr(SETTINGS), *secrets) and sung == []
