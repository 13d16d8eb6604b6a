"""The pages with which a bot is run: what they show, what they change, and who may."""

import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from sqlalchemy import insert, select

from tests.admin.conftest import Browser, Office
from tests.admin.operating import AT, PERSON, Work, elements
from wxbot.channels.store import Wanted
from wxbot.db.administration import audit
from wxbot.db.models import events, jobs
from wxbot.db.paging import LOOKED_AT
from wxbot.jobs import listing

SECOND = {"appid": "wx0123456789abcdef", "token": "secondsecondtoken22", "mode": "plain"}


@pytest.fixture
def work(office: Office) -> Work:
    return Work(office.wx)


@pytest.fixture
def operator(office: Office) -> Browser:
    return office.browser_of("operator")


def rows(page: str) -> int:
    """Return how many lines the tables of a page have, without their headings."""
    return page.count("<tr><td")


def audited(office: Office) -> list[str]:
    with office.wx.session() as session:
        return list(session.execute(select(audit.c.action).order_by(audit.c.id)).scalars())


def states(office: Office) -> list[str]:
    with office.wx.session() as session:
        return sorted(session.execute(select(jobs.c.state)).scalars())


def test_events_are_filtered_by_each_field(work: Work, operator: Browser) -> None:
    work.event(scene="door", kind="subscribe")
    work.event(outcome="failed", handler="shop.other")
    work.event(state="running", outcome=None, seconds=None)
    for query, count in (
        ("", 3),
        ("scene=door", 1),
        ("kind=subscribe", 1),
        ("outcome=failed", 1),
        ("outcome=open", 1),
        ("handler=shop.other", 1),
        (f"person={PERSON.hex()}", 3),
        (f"person={'0' * 32}", 0),
        ("since=2026-09-21T00:00", 3),
        ("until=2026-09-01T00:00", 0),
        ("since=nonsense&kind=nonsense&outcome=nonsense", 3),
    ):
        assert rows(operator.get(f"/admin/events?{query}").text) == count, query


def test_events_are_paged_from_the_newest_to_the_oldest(work: Work, operator: Browser) -> None:
    ids = [work.event() for _ in range(60)]

    first = operator.get("/admin/events").text
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older is not None
    second = operator.get(older[1].replace("&amp;", "&")).text

    assert re.findall(r"/admin/events/([0-9a-f]{16})", first + second) == ids[::-1]
    assert operator.get("/admin/events?before=bogus").status_code == 404


def test_rare_event_is_found_page_by_page(office: Office, work: Work, operator: Browser) -> None:
    rare = work.event(scene="rare")
    common = [
        {
            "key": number.to_bytes(16, "big"),
            "account": "default",
            "person": PERSON,
            "kind": "scan",
            "scene": "common",
            "created_at": AT + 100,
            "recorded_at": AT + 100,
            "state": "done",
            "run": b"r" * 16,
            "reply": "{}",
        }
        for number in range(LOOKED_AT)
    ]
    with office.wx.bot.engine.begin() as connection:
        connection.execute(insert(events), common)

    first = operator.get("/admin/events?scene=rare").text
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older is not None and rare not in first
    assert rare in operator.get(older[1].replace("&amp;", "&")).text


def test_one_event_tells_its_reply_and_its_jobs(work: Work, operator: Browser) -> None:
    key = b"k" * 16
    id = work.event(key=key, scene="door")
    job = work.job(event_key=key)

    page = operator.get(f"/admin/events/{id}").text

    assert "欢迎" in page and "door" in page and f"/admin/jobs/{job}" in page and PERSON.hex()[:8] in page
    assert "/replay" not in page  # its document is gone
    assert operator.get("/admin/events/0000000000000000").status_code == 404


def test_failed_event_is_run_again_and_noted(office: Office, work: Work, operator: Browser) -> None:
    id = work.event(outcome="failed", body=b"<xml/>")
    page = f"/admin/events/{id}"

    answer = operator.post(f"{page}/replay", page=page)
    again = operator.get(answer.location).text

    assert answer.status_code == 303 and "wxbot.replay" in again
    assert audited(office)[-1] == "event.replay" and states(office) == ["waiting"]


def test_event_that_is_sent_twice_to_be_run_again_is_run_once(
    office: Office, work: Work, operator: Browser
) -> None:
    page = f"/admin/events/{work.event(outcome='failed', body=b'<xml/>')}"
    token = operator.token(page)

    sent = [operator.client.post(f"{page}/replay", data={"csrf": token}).location for _ in range(2)]

    assert (sent, states(office)) == ([page, page], ["waiting"])
    assert "这次事件现在不能重新处理。" in operator.get(page).text
    assert audited(office).count("event.replay") == 1


def test_stream_says_when_something_has_changed(work: Work, operator: Browser, office: Office) -> None:
    stream = operator.client.get("/admin/events/stream", buffered=False)
    lines = iter(stream.response)
    first = next(lines)
    work.event()

    second = next(lines)

    assert stream.content_type.startswith("text/event-stream")
    assert first.startswith(b"event: events\n") and second.startswith(b"event: events\n") and first != second
    stream.close()


def test_beyond_the_streams_there_are_the_page_asks_again(office: Office, operator: Browser) -> None:
    office.app.extensions["wxbot.streams"].allow(0)

    refused = operator.get("/admin/events/stream")

    assert refused.status_code == 503 and refused.headers["Retry-After"]


def test_jobs_are_listed_by_state_with_their_reasons(work: Work, operator: Browser) -> None:
    work.job()
    work.job(state="done", detail=None)
    work.job(state="unknown", name="shop.other", detail="no answer")

    aside = operator.get("/admin/jobs").text

    assert rows(aside) == 2 and "ValueError" in aside and "no answer" in aside
    assert rows(operator.get("/admin/jobs?state=done").text) == 1
    assert rows(operator.get("/admin/jobs?name=shop.other").text) == 1


@pytest.mark.parametrize("overrides", [{"accounts": {"second": SECOND}}])
def test_jobs_of_another_account_are_not_counted(work: Work, operator: Browser) -> None:
    for _ in range(37):
        work.job(account="second")

    pages = [operator.get(path).text for path in ("/admin/jobs", "/admin/")]
    theirs = [operator.get(f"{path}?account=second").text for path in ("/admin/jobs", "/admin/")]

    counted = [bool(re.search("(失败 37|有 37 个任务)", page)) for page in (*pages, *theirs)]
    assert counted == [False, False, True, True]


def test_number_that_there_is_not_cannot_be_given_back(operator: Browser) -> None:
    answers = [
        operator.post(f"/admin/numbers/{number}/release", page="/admin/audit")
        for number in (0, 100_001, 99_999_999_999_999_999_999)
    ]

    assert [each.status_code for each in answers] == [404, 404, 404]


def test_only_the_dead_jobs_that_are_listed_are_done_again(
    office: Office, work: Work, operator: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A page looks at so many only: those of a rare name lie behind.
    monkeypatch.setattr("wxbot.jobs.listing._ORDER", replace(listing._ORDER, looked_at=2))
    work.job(name="shop.notify")
    others = [work.job(name="other.thing") for _ in range(5)]
    page = "/admin/jobs?state=dead&name=shop.notify"
    while "shop.notify</a>" not in (html := operator.get(page).text):
        page = unescape(re.findall(r'rel="next" href="([^"]*)"', html)[0])

    assert "名称为 shop.notify 的失败任务" in html
    form = re.search(r'action="(/admin/jobs/replay-dead)".*?name="name" value="([^"]*)"', html, re.DOTALL)
    assert form is not None
    told = operator.post(form[1], page=page, name=form[2])

    assert told.location == "/admin/jobs?state=waiting&name=shop.notify"
    assert sorted(states(office)) == ["dead"] * len(others) + ["waiting"]


def test_dead_jobs_are_done_again_one_and_all(office: Office, work: Work, operator: Browser) -> None:
    first, *_ = [work.job() for _ in range(3)]
    page = f"/admin/jobs/{first}"

    one = operator.post(f"{page}/replay", page=page)
    assert one.status_code == 303 and states(office) == ["dead", "dead", "waiting"]
    operator.post("/admin/jobs/replay-dead", page="/admin/jobs?state=dead")

    assert states(office) == ["waiting"] * 3
    assert audited(office)[-2:] == ["job.replay", "job.replay_dead"]
    assert "openid" in operator.get(page).text  # the name of the argument, and not what it holds


def test_replay_of_a_dead_delivery_sends_it_again(office: Office, work: Work, operator: Browser) -> None:
    id = work.delivery(work.webhook("shop"), "silent")
    work.job(id=bytes.fromhex(id), name="wxbot.webhook")

    operator.post(f"/admin/jobs/{id}/replay", page=f"/admin/jobs/{id}")

    delivery = office.wx.bot.hooks.deliveries.find(bytes.fromhex(id))
    assert delivery is not None and delivery.state == "waiting" and states(office) == ["waiting"]


def test_claims_are_found_and_ended(office: Office, work: Work, operator: Browser) -> None:
    taken, open_ = work.claim("A-1"), work.claim("A-2", is_claimed=False)

    assert rows(operator.get("/admin/claims").text) == 2
    assert rows(operator.get("/admin/claims?subject=A-1").text) == 1
    assert rows(operator.get("/admin/claims?state=open&purpose=order").text) == 1
    for id, what in ((taken, "release"), (open_, "cancel")):
        page = f"/admin/claims/{id}"
        assert operator.post(f"{page}/{what}", page=page).status_code == 303
        operator.post(f"{page}/{what}", page=page)

    claims = office.wx.bot.claims
    found = [claims.find("default", bytes.fromhex(id)) for id in (taken, open_)]
    assert [each.state for each in found if each is not None] == ["released", "cancelled"]
    assert audited(office)[-2:] == ["claim.release", "claim.cancel"]


def test_link_that_is_confirmed_is_not_released(office: Office, work: Work, operator: Browser) -> None:
    id = work.claim("42", purpose="link")
    page, claims = f"/admin/claims/{id}", office.wx.bot.claims
    assert f"{page}/release" in operator.get(page).text

    claims.confirm("default", bytes.fromhex(id))

    assert f"{page}/release" not in operator.get(page).text
    operator.post(f"{page}/release", page=page)
    assert "账号已经绑定" in operator.get(page).text
    found = claims.find("default", bytes.fromhex(id))
    assert found is not None and found.state == "confirmed"
    assert audited(office) == ["login"]


def test_open_claims_code_is_on_no_page(office: Office, work: Work, operator: Browser) -> None:
    id = work.claim("A-1", is_claimed=False)
    claim = office.wx.bot.claims.find("default", bytes.fromhex(id))

    assert claim is not None
    assert claim.scene not in operator.get(f"/admin/claims/{id}").text + operator.get("/admin/claims").text


def test_webhook_is_tested_resent_and_switched(office: Office, work: Work, operator: Browser) -> None:
    id = work.webhook("shop")
    dead = [work.delivery(id, "refused") for _ in range(2)]
    page = f"/admin/webhooks/{id}"

    assert rows(operator.get(f"{page}?state=dead").text) == 2
    for what, at in (
        ("test", page),
        (f"{dead[0]}/resend", f"{page}/{dead[0]}"),
        ("resend-dead", f"{page}?state=dead"),
        ("disable", page),
        ("enable", page),
    ):
        assert operator.post(f"{page}/{what}", page=at).status_code == 303, what

    assert states(office) == ["waiting"] * 3
    assert [each.partition(".")[2] for each in audited(office)[-5:]] == [
        *("test", "resend", "resend_dead", "disable", "enable")
    ]
    assert operator.post(f"{page}/rotate", page=page).status_code == 403


def test_nothing_is_sent_again_to_what_is_disabled(office: Office, work: Work, operator: Browser) -> None:
    id = work.webhook("shop")
    dead, page = work.delivery(id, "refused"), f"/admin/webhooks/{id}"
    operator.post(f"{page}/disable", page=page)

    for what, at in ((f"{dead}/resend", f"{page}/{dead}"), ("resend-dead", f"{page}?state=dead")):
        assert operator.post(f"{page}/{what}", page=at).status_code == 303
        assert "请先启用" in operator.get(page).text

    assert states(office) == []
    assert audited(office)[-1] == "webhook.disable"


def test_new_secret_is_shown_once_and_kept_nowhere(office: Office, work: Work) -> None:
    owner, id = office.browser_of("owner"), work.webhook("shop")
    page = f"/admin/webhooks/{id}"

    shown = owner.post(f"{page}/rotate", page=page)
    secret = office.wx.bot.hooks.webhooks.keys_of(id)[0]

    assert shown.status_code == 200 and secret in shown.text
    assert secret not in owner.get(page).text
    with office.wx.session() as session:
        assert secret not in str(session.execute(select(audit)).all())


@pytest.mark.parametrize("overrides", [{}, {"accounts": {"second": SECOND}}])
def test_older_deliveries_are_found_below_a_new_secret(
    office: Office, work: Work, overrides: dict[str, Any]
) -> None:
    owner, id = office.browser_of("owner"), work.webhook("shop")
    for _ in range(53):
        work.delivery(id, "refused")
    page = f"/admin/webhooks/{id}"

    shown = owner.post(f"{page}/rotate", page=page).text
    older = owner.get(link_to_older(shown))

    assert (rows(shown), older.status_code, rows(older.text)) == (50, 200, 3)
    dead = link_to_older(owner.get(f"{page}?state=dead").text)
    assert "state=dead" in dead and rows(owner.get(dead).text) == 3


def link_to_older(page: str) -> str:
    """Return where the link of a page leads that goes on with what is older."""
    found = re.search(r'rel="next" href="([^"]+)"', page)
    assert found
    return unescape(found[1])


def test_number_is_given_back_and_rests(office: Office, operator: Browser) -> None:
    number = office.wx.bot.numbers.take("default", "shop", "window").number
    page = f"/admin/numbers/{number}"

    answer = operator.post(f"{page}/release", page=page)

    assert answer.status_code == 303 and audited(office)[-1] == "number.release"
    assert "window" in operator.get("/admin/numbers?state=resting").text
    assert "window" not in operator.get("/admin/numbers").text
    assert operator.get("/admin/numbers/100001").status_code == 404


def test_numbers_above_all_that_are_taken_are_not_taken_for_none_at_all(
    office: Office, operator: Browser
) -> None:
    none_yet = operator.get("/admin/numbers?number=1").text
    office.wx.bot.numbers.take("default", "shop", "window", 1)

    above = operator.get("/admin/numbers?number=500").text

    assert "还没有用过永久编号" in none_yet
    assert "还没有用过永久编号" not in above and "没有符合条件的内容" in above


def test_number_of_a_channel_is_not_given_back(office: Office, operator: Browser) -> None:
    office.wx.bot.channels.book.create("default", Wanted(name="shop-1", scene="7"))
    office.wx.bot.numbers.take("default", "channel:shop-1", "", 7)

    operator.post("/admin/numbers/7/release", page="/admin/numbers/7")

    assert "场景值" in operator.get("/admin/numbers/7").text
    assert [each.number for each in office.wx.bot.numbers.taken("default")] == [7]


def test_numbers_are_listed_from_any_of_them_on(office: Office, operator: Browser) -> None:
    for number in range(60):
        office.wx.bot.numbers.take("default", "shop", f"window {number + 1}")

    first = operator.get("/admin/numbers").text
    later = re.search(r'rel="next" href="([^"]+)"', first)
    assert later is not None
    second = operator.get(later[1].replace("&amp;", "&")).text
    found = operator.get("/admin/numbers?number=42").text

    assert (rows(first), rows(second), rows(found)) == (50, 10, 19)
    assert "window 42<" in found and "window 41<" not in found
    assert rows(operator.get("/admin/numbers?number=-1").text) == 50


def test_scene_is_explained_and_routes_are_listed(operator: Browser) -> None:
    page = operator.get("/admin/routes?scene=nobody-knows").text

    assert "nobody-knows" in page and "@" in page  # a decorator to paste
    assert "可以这样写一个处理函数" in page


@pytest.mark.parametrize("overrides", [{"handlers": {"packages": ["handlers"]}}])
@pytest.mark.parametrize("scene", ["没有", "ord:forged"])
def test_scene_without_a_handler_to_paste_promises_none(operator: Browser, scene: str) -> None:
    page = operator.get(f"/admin/routes?scene={scene}").text

    assert "no handler answers scene" in page
    assert "可以这样写一个处理函数" not in page


@pytest.mark.parametrize(
    "overrides",
    [
        {
            "handlers": {"plugins": ["link"]},
            "plugins": {"link": {"site": "小店", "login_url": "https://shop.example.com/login"}},
        }
    ],
)
def test_text_that_is_asked_first_is_marked_as_such(operator: Browser) -> None:
    rows = re.findall(r"<tr>.*?</tr>", operator.get("/admin/routes").text)

    marked = [row for row in rows if "先问" in row]
    assert marked and all("<td>text " in row and "link." in row for row in marked)
    assert len(marked) < len([row for row in rows if "link." in row])


def test_health_says_what_the_doctor_says(operator: Browser, office: Office) -> None:
    before = operator.get("/admin/health").text
    asked = operator.post("/admin/health/wechat", page="/admin/health")

    assert "wxbot worker" in before and asked.status_code == 200
    assert rows(asked.text) > rows(before)
    assert audited(office)[-1] == "health.ask_wechat"


def test_health_is_told_in_the_language_of_the_reader(office: Office) -> None:
    viewer: Any = office.browser_of("viewer")

    chinese = viewer.get("/admin/health", headers={"Accept-Language": "zh-CN"}).text
    english = viewer.get("/admin/health", headers={"Accept-Language": "en"}).text

    for zh, en in (("全部加载成功", "all loaded"), ("没有 worker 在运行", "none is at work")):
        assert zh in chinese and en not in chinese
        assert en in english and zh not in english


@pytest.mark.parametrize(
    ("peer", "forwarded", "is_told"),
    [
        ("127.0.0.1", "203.0.113.9", True),
        ("10.0.0.2", "203.0.113.9, 10.0.0.9", True),
        ("127.0.0.1", None, False),
        ("8.8.8.8", "203.0.113.9", False),  # anybody may send the header
    ],
)
def test_proxy_that_the_settings_do_not_know_is_told_of(
    office: Office, peer: str, forwarded: str | None, is_told: bool
) -> None:
    viewer: Any = office.browser_of("viewer")
    headers = {"Accept-Language": "en"} | ({"X-Forwarded-For": forwarded} if forwarded else {})

    page = viewer.get("/admin/health", headers=headers, environ_base={"REMOTE_ADDR": peer}).text

    assert ("[server] proxies is 0" in page) is is_told


def test_viewers_see_it_all_and_change_nothing(office: Office, work: Work) -> None:
    viewer, id, job = office.browser_of("viewer"), work.event(outcome="failed", body=b"<xml/>"), work.job()
    claim, hook = work.claim("A-1"), work.webhook("shop")
    number = office.wx.bot.numbers.take("default", "shop", "window").number
    changes = (
        *(f"events/{id}/replay", f"jobs/{job}/replay", "jobs/replay-dead", f"claims/{claim}/cancel"),
        *(f"claims/{claim}/release", f"webhooks/{hook}/test", f"webhooks/{hook}/disable", "health/wechat"),
        *(f"webhooks/{hook}/enable", f"webhooks/{hook}/resend-dead", f"numbers/{number}/release"),
    )
    before = states(office)

    assert {viewer.post(f"/admin/{each}").status_code for each in changes} == {403}
    for path in (f"events/{id}", f"jobs/{job}", f"claims/{claim}", f"webhooks/{hook}", "health"):
        page = viewer.get(f"/admin/{path}").text
        forms = [each for each in elements(page) if each[0] == "form" and "action" in each[1]]
        assert len(forms) == 1, path  # to log out
    assert states(office) == before and "webhook.disable" not in audited(office)


def test_each_page_is_in_both_languages(office: Office, work: Work) -> None:
    viewer: Any = office.browser_of("viewer")
    work.event()
    for path in ("events", "jobs", "claims", "webhooks", "numbers", "routes", "health"):
        chinese = viewer.get(f"/admin/{path}", headers={"Accept-Language": "zh-CN"}).text
        english = viewer.get(f"/admin/{path}", headers={"Accept-Language": "en"}).text
        assert 'lang="zh-CN"' in chinese and 'lang="en"' in english
        assert elements(chinese) == elements(english), path
