"""What the site learns of the people at the phone: everything it asked for, soon, and nobody's openid."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from tests.webhooks.receiver import Receiver, say
from wxbot import Plugin, Scan
from wxbot.bindings.bindings import Bindings, Cause
from wxbot.bindings.claim import Offer
from wxbot.bindings.claims import Claims
from wxbot.channels import view as view_module
from wxbot.db.models import jobs
from wxbot.followers import person
from wxbot.testing import Wx
from wxbot.webhooks.publishing import STALE_SECONDS, Publisher
from wxbot.webhooks.webhook import KINDS, Draft, NewSecret
from wxbot.working import build_worker

plugin = Plugin("shop")


@plugin.scene("door")
def door(scan: Scan) -> str:
    """Answer without writing anything."""
    return "欢迎"


@plugin.scene("order:<string:token>")
def order(scan: Scan, token: str, claims: Claims) -> str:
    """Claim what was scanned."""
    return "好的" if claims.claim(scan.account, scan.scene, scan.openid).outcome.is_success else "无效"


@plugin.scene("broken:<string:token>")
def broken(scan: Scan, token: str, claims: Claims, bindings: Bindings) -> str:
    """Claim, bind, and fail."""
    claims.claim(scan.account, f"order:{token}", scan.openid)
    bindings.bind(scan.account, "alice", scan.openid)
    raise RuntimeError("no")


@pytest.fixture
def wx_plugins() -> list[Plugin]:
    """Mount these handlers only."""
    return [plugin]


@pytest.fixture
def wx_settings() -> dict[str, Any]:
    """Let webhooks go to this machine."""
    return {"webhooks": {"allow_private": True}}


@pytest.fixture
def hook(wx: Wx, site: Receiver) -> NewSecret:
    """Return a webhook of the bot's that wants everything."""
    return wx.bot.hooks.webhooks.add(Draft(url=site.url, kinds=KINDS))


def told(site: Receiver, hook: NewSecret) -> list[dict[str, Any]]:
    return [request.opened(hook.secret) for request in site.requests]


def kinds(site: Receiver, hook: NewSecret) -> list[str]:
    return sorted(each["type"] for each in told(site, hook))


def make(wx: Wx, subject: str = "42", **options: Any) -> Any:
    offer = Offer(account="default", purpose="order", subject=subject, data={"total": "99.00"}, **options)
    return wx.bot.claims.make(offer)


def test_site_learns_of_follows_scans_and_messages(wx: Wx, site: Receiver, hook: NewSecret) -> None:
    bo = wx.user("bo", follows=False)

    bo.scan("door")
    bo.scan("door")
    bo.say("你好")
    bo.unfollow()
    bo.follow()
    wx.work()

    assert kinds(site, hook) == ["follow", "follow", "message", "scan", "scan", "unfollow"]
    who = person("default", bo.openid).hex()
    assert {each["data"]["person"] for each in told(site, hook)} == {who}
    assert bo.openid not in json.dumps(told(site, hook))
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for each in told(site, hook):
        by_kind.setdefault(each["type"], []).append(each["data"])
    assert [each["scene"] for each in by_kind["scan"]] == ["door", "door"]
    assert sorted(each["when"] for each in by_kind["scan"]) == ["follow", "scan"]
    assert {each["scene"] for each in by_kind["follow"]} == {"door", None}
    assert sorted((each["is_new"], each["is_returning"]) for each in by_kind["follow"]) in (
        [(False, True), (True, False)],
        # All were told after the second follow: by then the person was known to have come back.
        [(False, True), (False, True)],
    )
    assert (by_kind["message"][0]["kind"], by_kind["message"][0]["content"]) == ("text", "你好")


def test_new_follower_is_new(wx: Wx, site: Receiver, hook: NewSecret) -> None:
    wx.user("bo", follows=False).scan("door")
    wx.work()

    data = {each["type"]: each["data"] for each in told(site, hook)}
    assert (data["follow"]["is_new"], data["follow"]["is_returning"]) == (True, False)


def test_site_learns_of_a_scan_once_although_an_observer_fails_on_each(
    tmp_path: Path, wx_settings: dict[str, Any], site: Receiver
) -> None:
    watching = Plugin("watching")

    @watching.on_scan
    def fail(scan: Scan) -> None:
        raise RuntimeError

    with closing(Wx(tmp_path, plugins=[plugin, watching], overrides=wx_settings)) as wx:
        hook = wx.bot.hooks.webhooks.add(Draft(url=site.url, kinds=KINDS))
        wx.user("ailin").scan("door")
        for _ in range(wx.bot.ledger.attempts):
            with wx.session() as session:
                session.execute(update(jobs).values(run_at=0))
            wx.work()

        assert kinds(site, hook) == ["scan"]
        with wx.session() as session:
            found = sorted(map(tuple, session.execute(select(jobs.c.name, jobs.c.state))))
    assert found == [("wxbot.observe", "dead"), ("wxbot.webhook", "done")]


def test_repeat_of_an_event_is_told_once(wx: Wx, site: Receiver, hook: NewSecret) -> None:
    ailin = wx.user("ailin")
    ailin.scan("door")
    wx.work()

    ailin.redeliver()
    with wx.session() as session:  # and the job that hears of it is done once more
        session.execute(text("UPDATE jobs SET state = 'waiting' WHERE name = 'wxbot.observe'"))
    wx.work()

    assert kinds(site, hook) == ["scan"]


def test_site_learns_what_becomes_of_a_claim(wx: Wx, site: Receiver, hook: NewSecret) -> None:
    ailin = wx.user("ailin")
    claim = make(wx)

    ailin.scan(claim.scene)
    wx.bot.claims.confirm("default", claim.id)
    wx.bot.claims.release("default", claim.id)
    cancelled = make(wx, "43")
    wx.bot.claims.cancel("default", cancelled.id)
    wx.work()

    said = told(site, hook)
    steps = sorted((each["type"], each["data"]["subject"]) for each in said if each["type"] != "scan")
    assert steps == [
        ("claim.cancelled", "43"),
        ("claim.claimed", "42"),
        ("claim.confirmed", "42"),
        ("claim.made", "42"),
        ("claim.made", "43"),
        ("claim.released", "42"),
    ]
    states = {each["type"]: each["data"]["state"] for each in said if "state" in each["data"]}
    assert states["claim.claimed"] == "claimed" and states["claim.released"] == "released"
    [claimed] = [each["data"] for each in said if each["type"] == "claim.claimed"]
    assert claimed["id"] == claim.id.hex() and claimed["data"] == {"total": "99.00"}
    assert claimed["person"] == person("default", ailin.openid).hex()
    assert claimed["claimed_at"].endswith("Z") and claimed["ended_at"] is None
    # Who knows the scene may claim: it goes to nobody who does not have it.
    assert claim.scene not in json.dumps([each for each in said if each["type"].startswith("claim.")])
    [scan] = [each["data"] for each in said if each["type"] == "scan"]
    assert scan["claim"] == {"id": claim.id.hex(), "purpose": "order", "subject": "42"}


def test_claim_that_takes_the_place_of_another_says_so(wx: Wx, site: Receiver, hook: NewSecret) -> None:
    ailin = wx.user("ailin")
    for each in (make(wx), make(wx)):
        ailin.scan(each.scene)
    wx.work()

    [released] = [each["data"] for each in told(site, hook) if each["type"] == "claim.released"]
    assert (released["reason"], released["state"]) == ("replaced", "released")


def test_claim_that_nobody_wanted_expires_for_the_site(wx: Wx, site: Receiver, hook: NewSecret) -> None:
    claim = make(wx)
    with wx.session() as session:
        session.execute(text("UPDATE claims SET expires_at = expires_at - 1000"))

    wx.bot.claims.expire()
    wx.work()

    expired = [each["data"]["id"] for each in told(site, hook) if each["type"] == "claim.expired"]
    assert expired == [claim.id.hex()]


def test_site_learns_of_bindings(wx: Wx, site: Receiver, hook: NewSecret) -> None:
    ailin = wx.user("ailin")

    wx.bot.bindings.bind("default", "alice", ailin.openid)
    wx.bot.bindings.unlink("default", site_user="alice", by=Cause.SITE)
    wx.work()

    made, ended = sorted(told(site, hook), key=lambda each: str(each["type"]), reverse=True)
    assert (made["type"], ended["type"]) == ("binding.made", "binding.ended")
    assert (made["data"]["site_user"], made["data"]["ended_by"]) == ("alice", None)
    assert (ended["data"]["ended_by"], ended["data"]["id"]) == ("site", made["data"]["id"])
    assert ailin.openid not in json.dumps(told(site, hook))


def test_what_a_handler_did_that_failed_is_not_told(wx: Wx, site: Receiver, hook: NewSecret) -> None:
    claim = make(wx)

    wx.user("ailin").scan(claim.scene.replace("order:", "broken:"))
    wx.work()

    assert kinds(site, hook) == ["claim.made", "scan"]


def test_no_job_is_written_when_nobody_wants_to_know(wx: Wx, site: Receiver) -> None:
    wx.bot.hooks.webhooks.add(Draft(url=site.url, kinds=("message", "claim.made")))
    wx.bot.hooks.publisher.look()

    wx.user("ailin").scan("door")

    with Session(wx.bot.engine) as session:
        assert session.execute(select(jobs.c.id)).all() == []


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have web processes read again what they keep many times a second."""
    monkeypatch.setattr(view_module, "REFRESH_SECONDS", 0.02)


def test_scan_after_a_pause_makes_no_job_when_nobody_wants_to_know(quickly: None, wx: Wx) -> None:
    publisher = wx.bot.hooks.publisher
    publisher._known = None  # as after a minute in which nobody scanned

    while publisher._known is None:
        time.sleep(0.02)
    wx.user("ailin").scan("door")

    with Session(wx.bot.engine) as session:
        assert session.execute(select(jobs.c.id)).all() == []


def test_answer_path_never_asks_the_database(wx: Wx, site: Receiver, hook: NewSecret) -> None:
    publisher = Publisher(wx.bot.engine)
    asked: list[str] = []
    publisher.look = lambda: asked.append(threading.current_thread().name)  # type: ignore[method-assign]

    # Nothing is known: it may be wanted, and somebody else looks.
    assert publisher.wants("default", ["scan"])
    publisher._known = (time.monotonic() - STALE_SECONDS, [])
    assert publisher.wants("default", ["scan"])
    publisher._known = (time.monotonic(), [])
    assert not publisher.wants("default", ["scan"])

    assert set(asked) <= {"webhooks"} and asked


@pytest.fixture
def working(wx: Wx) -> Iterator[None]:
    """Let a worker run beside the test."""
    worker = build_worker(wx.bot)
    thread = threading.Thread(target=worker.run)
    thread.start()
    yield
    worker.stop()
    thread.join()


def test_site_learns_within_a_second(wx: Wx, site: Receiver, hook: NewSecret, working: None) -> None:
    ailin = wx.user("ailin")
    site.usual = say(204, body=b"")
    waits = []
    for number in range(5):
        claim = make(wx, str(number))
        before = len(site.wait_for(3 * number + 1))
        ailin.scan(claim.scene)
        began = time.monotonic()
        site.wait_for(before + 1)
        waits.append(time.monotonic() - began)
        site.wait_for(3 * number + 3)

    assert sorted(waits)[2] < 1, waits
    assert kinds(site, hook) == ["claim.claimed"] * 5 + ["claim.made"] * 5 + ["scan"] * 5


def test_log_names_no_secret_and_nobody(
    wx: Wx, site: Receiver, hook: NewSecret, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    site.usual = say(500)
    ailin = wx.user("ailin")
    claim = make(wx)

    for act in (lambda: ailin.scan(claim.scene), lambda: ailin.say("only for the account")):
        act()
    for _ in range(20):
        wx.work()
        with wx.session() as session:
            session.execute(text("UPDATE jobs SET run_at = run_at - 100000, dispatched_at = NULL"))

    logged = "\n".join(logging.Formatter("%(name)s %(message)s").format(each) for each in caplog.records)
    with wx.session() as session:
        shown = str(session.execute(text("SELECT detail FROM webhook_attempts")).all())
        shown += str(session.execute(text("SELECT detail, arguments FROM jobs")).all())
    assert "is given up: answered 500" in logged
    signature = site.requests[0].headers["webhook-signature"].removeprefix("v1,")
    for private in (hook.secret, hook.secret.removeprefix("whsec_"), signature, ailin.openid, claim.scene):
        assert private not in logged + shown
    assert "only for the account" not in logged + shown
    assert site.url not in logged and hook.secret not in repr(hook)
