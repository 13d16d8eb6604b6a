"""What users do for themselves and owners with users, and what the audit log says of it."""

import json
import re
import threading
from contextlib import nullcontext, suppress
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from tests.admin.conftest import PASSWORD, Office
from wxbot.admin import users
from wxbot.admin.roles import Role
from wxbot.admin.trail import Trail
from wxbot.admin.users import UserError, check_password
from wxbot.db.administration import audit

OTHER = "another tree and words"


def done(office: Office) -> list[tuple[str, str, str]]:
    with office.wx.bot.engine.connect() as connection:
        rows = connection.execute(select(audit.c.name, audit.c.action, audit.c.subject).order_by(audit.c.id))
        return [tuple(row) for row in rows if row.action != "login"]


@pytest.mark.parametrize(
    ("name", "password", "is_easy"),
    [
        ("li", "purple lion basket tree", False),
        ("a", "correct horse battery", False),
        ("li", "li-li-li-lion", True),
        ("abc", "Abc123ABC!", True),
        ("ailin", "my name is Ailin, hello", True),
        ("li", "1212121212", True),
    ],
)
def test_a_short_name_may_come_up_in_a_password_by_chance(name: str, password: str, is_easy: bool) -> None:
    with pytest.raises(UserError, match="too easy") if is_easy else nullcontext():
        assert check_password(password, name) == password


def test_devices_are_shown_in_the_language_of_the_page(office: Office) -> None:
    browser = office.browser()
    agent = "Mozilla/5.0 (Linux; Android 15) Chrome/142.0 Mobile MicroMessenger/8.0"
    browser.log_in("viewer", headers={"User-Agent": agent})

    english, chinese = (
        browser.get("/admin/me", headers={"Accept-Language": each}).text for each in ("en", "zh-CN")
    )

    assert "<td>WeChat · Android</td>" in english and "安卓" not in english
    assert "<td>微信 · 安卓</td>" in chinese


def test_somebody_sees_where_they_are_logged_in_and_ends_it(office: Office) -> None:
    here, there, others = (office.browser_of(name) for name in ("viewer", "viewer", "operator"))

    page = here.get("/admin/me").text
    (end,) = re.findall(r'action="(/admin/me/sessions/[0-9a-f]{64}/end)"', page)
    told = here.post(end, page="/admin/me")

    assert told.location == "/admin/me"
    assert "该设备已退出登录。" in here.get("/admin/me").text
    assert "该设备已退出登录。" not in here.get("/admin/me").text
    assert there.get("/admin/").status_code == 303
    assert others.get("/admin/").status_code == 200
    assert done(office) == [("viewer", "session.end", "viewer")]


def test_nobody_ends_sessions_of_others(office: Office) -> None:
    theirs = office.browser_of("owner")
    office.browser_of("owner")
    (end,) = re.findall(r'action="(/admin/me/sessions/\w+/end)"', theirs.get("/admin/me").text)

    viewer = office.browser_of("viewer")

    assert viewer.post(end, page="/admin/me").status_code == 404
    assert viewer.post("/admin/me/sessions/zz/end", page="/admin/me").status_code == 404
    assert theirs.get("/admin/").status_code == 200


def test_all_sessions_are_ended_everywhere(office: Office) -> None:
    browsers = [office.browser_of("viewer") for _ in range(3)]

    browsers[0].post("/admin/me/others/end", page="/admin/me")
    assert [each.get("/admin/").status_code for each in browsers] == [200, 303, 303]

    assert browsers[0].post("/admin/me/everywhere/end", page="/admin/me").location == "/admin/login"
    assert browsers[0].get("/admin/").status_code == 303


def test_a_password_is_changed_by_whoever_knows_it(office: Office) -> None:
    here, there = office.browser_of("viewer"), office.browser_of("viewer")

    sent = here.post("/admin/me/password", page="/admin/me", now=PASSWORD, new=OTHER, again=OTHER)

    assert sent.location == "/admin/me"
    assert (here.get("/admin/").status_code, there.get("/admin/").status_code) == (200, 303)
    assert there.log_in("viewer").status_code == 401
    assert there.log_in("viewer", OTHER).status_code == 303
    assert done(office) == [("viewer", "user.password", "viewer")]


@pytest.mark.parametrize(
    ("now", "new", "again", "told"),
    [
        ("wrong words", OTHER, OTHER, "当前密码不对"),
        (PASSWORD, OTHER, PASSWORD, "两次输入的不一样"),
        (PASSWORD, "short", "short", "太短，至少 10 个字符"),
        (PASSWORD, "viewer viewer", "viewer viewer", "太容易猜到"),
    ],
)
def test_a_password_stays_when_something_is_wrong(
    office: Office, now: str, new: str, again: str, told: str
) -> None:
    browser = office.browser_of("viewer")

    page = browser.post("/admin/me/password", page="/admin/me", now=now, new=new, again=again)

    assert page.status_code == 422
    assert told in page.text and 'aria-invalid="true"' in page.text
    assert office.users.verify("viewer", PASSWORD)
    assert done(office) == []


def test_a_change_that_is_under_way_does_not_replace_the_password_of_an_owner(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, matches = office.browser_of("viewer"), users._matches

    def slow(hashed: str, password: str) -> bool:
        is_right = matches(hashed, password)
        office.users.set_password("viewer", OTHER)
        return is_right

    with monkeypatch.context() as patched:
        patched.setattr(users, "_matches", slow)
        third = "a third tree of words"
        page = browser.post("/admin/me/password", page="/admin/me", now=PASSWORD, new=third, again=third)

    assert page.status_code == 422 and "当前密码不对" in page.text
    assert office.users.verify("viewer", OTHER)
    assert done(office) == []


def test_an_open_browser_does_not_help_to_guess(office: Office) -> None:
    browser = office.browser_of("viewer")
    token = browser.token("/admin/me")

    told = [
        browser.client.post(
            "/admin/me/password", data={"csrf": token, "now": "wrong words", "new": OTHER, "again": OTHER}
        ).text
        for _ in range(11)
    ]

    assert "试错次数太多" in told[-1] and "试错次数太多" not in told[-2]


def test_an_owner_makes_and_changes_users(office: Office) -> None:
    browser = office.browser_of("owner")

    def send(path: str, **values: str) -> int:
        return browser.post(path, page="/admin/users", **values).status_code

    assert send("/admin/users", name="Bo", role="viewer", password=OTHER) == 303
    assert send("/admin/users/bo/role", role="operator") == 303
    assert send("/admin/users/bo/password", password=PASSWORD) == 303
    bo = office.browser_of("bo")
    assert bo.get("/admin/audit").status_code == 200
    assert send("/admin/users/bo/disable") == 303

    assert bo.get("/admin/").status_code == 303
    assert send("/admin/users/bo/enable") == 303
    assert office.users.find("bo").role is Role.OPERATOR
    actions = ("user.create", "user.role", "user.password", "user.disable", "user.enable")
    assert done(office) == [("owner", action, "bo") for action in actions]


def test_two_owners_who_put_each_other_out_at_once_leave_one(office: Office) -> None:
    office.users.create("bo", password=OTHER, role=Role.OWNER)
    both, refused = threading.Barrier(2), []

    def look(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith("SELECT") and "FROM admin_users" in statement and "role = " in statement:
            with suppress(threading.BrokenBarrierError):
                both.wait(1)  # until the other one looks as well, if they may

    def disable(name: str) -> None:
        try:
            office.users.disable(name)
        except UserError as error:
            refused.append(error.reason)

    event.listen(office.wx.bot.engine, "after_cursor_execute", look)
    threads = [threading.Thread(target=disable, args=(name,)) for name in ("owner", "bo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert refused == ["last_owner"]
    owners = [each for each in office.users.all() if each.role is Role.OWNER]
    assert [each.disabled_at is None for each in owners].count(True) == 1


@pytest.mark.parametrize(
    ("path", "values", "told"),
    [
        ("/admin/users", {"name": "viewer", "role": "viewer", "password": OTHER}, "这个用户名已经有人用了"),
        ("/admin/users", {"name": "a/b", "role": "viewer", "password": OTHER}, "用户名只能用"),
        ("/admin/users", {"name": "bo", "role": "viewer", "password": "x"}, "太短"),
        ("/admin/users/viewer/password", {"password": "x"}, "太短"),
        ("/admin/users/owner/role", {"role": "viewer"}, "至少要保留一个所有者"),
        ("/admin/users/owner/disable", {}, "不能停用自己"),
        ("/admin/users/owner/password", {"password": OTHER}, "修改密码"),
    ],
)
def test_what_cannot_be_is_said_in_the_form(
    office: Office, path: str, values: dict[str, str], told: str
) -> None:
    page = office.browser_of("owner").post(path, page="/admin/users", **values)

    assert page.status_code == 422
    assert told in page.text and OTHER not in page.text
    assert done(office) == []


def test_the_audit_log_is_read_in_pages(office: Office) -> None:
    trail = Trail(office.wx.bot.engine, now=office.wx._now)
    for number in range(120):
        trail.add("channel.pause", f"door-{number}", user=None, account="default", why="<b>")
    browser = office.browser_of("operator")

    seen, path = [], "/admin/audit"
    while path:
        page = browser.get(path).text
        seen += re.findall(r"door-(\d+)", page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        path = older[1] if older else ""

    assert sorted(map(int, seen)) == list(range(120))
    assert "<b>" not in page and "&lt;b&gt;" in page
    mine = browser.get("/admin/audit?user=000000000001").text
    assert "登录" in mine and "door-" not in mine
    assert browser.get("/admin/audit?user=%00").status_code == 200
    for wrong in ("x", "W10", "WyJ6eiJd", "WzFd"):
        assert browser.get(f"/admin/audit?before={wrong}").status_code == 404


def test_an_entry_keeps_what_it_is_told_and_no_more(office: Office) -> None:
    trail = Trail(office.wx.bot.engine)
    trail.add("channel.change", "x" * 900, user=None, account="default", before={"title": "门"}, after=None)

    (entry,) = trail.newest(1)

    assert len(entry.subject) == 255 and json.dumps(entry.detail) == json.dumps(
        {"before": {"title": "门"}, "after": None}
    )


def test_old_lines_of_the_audit_log_are_deleted(office: Office) -> None:
    now = office.wx._now()
    for days, subject in ((200, "old"), (190, "older"), (179, "kept"), (0, "new")):
        Trail(office.wx.bot.engine, now=lambda at=now - timedelta(days=days): at).add(
            "channel.pause", subject, user=None
        )
    trail = Trail(office.wx.bot.engine, now=lambda: now)

    assert trail.forget_old(180) == 2
    assert [each.subject for each in trail.newest(9)] == ["new", "kept"]
