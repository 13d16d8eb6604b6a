"""All that can be asked of figures: the methods, the routes of the API, the pages of the dashboard."""

import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

from wxbot.admin.roles import Role
from wxbot.admin.users import Users
from wxbot.analytics.figures import EVERYTHING, Figures, Of, Period
from wxbot.api.keys import Keys
from wxbot.testing import Wx

Questions = dict[str, Callable[[], object]]
ACCOUNT = "default"
_LINK = re.compile(r'href="(/admin/[^"#]*)"')
# What ends the session, never ends, or is no page.
_LEFT_OUT = ("/admin/logout", "/admin/static", "/admin/events/stream", "/admin/login")


def of_figures(figures: Figures) -> Questions:
    """Return every method, for short and long periods, and for what has much and little of everything."""
    questions: Questions = {}
    today = figures.today()
    year = Period.days(365, today)
    busiest = figures.leaderboard(ACCOUNT, year, order="scans", limit=1).lines[0].of
    promoter = figures.leaderboard(ACCOUNT, year, by="promoter", limit=1).lines[0].of
    abouts = {"account": EVERYTHING, "channel": busiest, "group": Of("group", "门店"), "promoter": promoter}
    for days in (7, 30, 365):
        period = Period.days(days, today)
        questions |= _of_period(figures, period, f"{days} d")
        for name, of in abouts.items():
            questions[f"all about {name}, {days} d"] = _call(figures.about, ACCOUNT, of, period)
            questions[f"series of {name}, {days} d"] = _call(figures.series, ACCOUNT, period, of)
    return questions


def of_api(wx: Wx) -> Questions:
    """Return the lists and figures that the API answers with."""
    client = wx.app.test_client()
    headers = {"Authorization": f"Bearer {Keys(wx.bot.engine).create('bench').text}"}
    lists = ("channels", "promoters", "followers", "claims", "bindings", "events")
    paths = [f"/{name}" for name in lists] + ["/stats", "/stats?days=365", "/stats?of=group&name=门店"]
    paths += [f"/stats/{name}?days=365" for name in ("board", "retention", "hours", "suspects", "gap")]
    return {f"GET {path}": _get(client, f"/api/v1{path}", headers=headers) for path in paths}


def of_pages(wx: Wx) -> Questions:
    """Return the pages of the dashboard that its owner comes to by following links, one of each kind."""
    client = _logged_in(wx)
    return {f"page {rule}": _get(client, path) for rule, path in _pages(wx, client)}


def open_bot(folder: Path, url: str) -> Wx:
    """Return a bot on the database; close it at the end."""
    return Wx(folder, database_url=url)


def _of_period(figures: Figures, period: Period, name: str) -> Questions:
    questions: Questions = {
        f"overview, {name}": _call(figures.overview, ACCOUNT, period),
        f"suspects, {name}": _call(figures.suspects, ACCOUNT, period),
        f"gap, {name}": _call(figures.gap, ACCOUNT, period),
    }
    for by in ("channel", "group", "promoter", "scene"):
        questions[f"board by {by}, {name}"] = _call(figures.leaderboard, ACCOUNT, period, by=by)
    some = [line.of for line in figures.leaderboard(ACCOUNT, period, limit=5).lines]
    questions[f"compare five, {name}"] = _call(figures.compare, ACCOUNT, period, some)
    return questions


def _pages(wx: Wx, client: FlaskClient) -> Iterator[tuple[str, str]]:
    """Yield each route and a page of it, the first that a link leads to."""
    routes = wx.app.url_map.bind("localhost")
    seen: set[str] = set()
    waiting = ["/admin/"]
    while waiting:
        path = waiting.pop(0).replace("&amp;", "&")
        bare = path.partition("?")[0]
        try:
            rule = str(routes.match(bare, method="GET", return_rule=True)[0])
        except HTTPException:
            continue
        if rule in seen or bare.startswith(_LEFT_OUT):
            continue
        seen.add(rule)
        answer = client.get(path)
        if answer.status_code == 200 and answer.mimetype == "text/html":
            waiting += _LINK.findall(answer.text)
            yield rule, path


def new_owner(wx: Wx) -> tuple[str, str]:
    """Make an owner of the dashboard; return name and password."""
    name, password = f"bench-{secrets.token_hex(4)}", secrets.token_urlsafe()
    Users(wx.bot.engine).create(name, password=password, role=Role.OWNER)
    return name, password


def _logged_in(wx: Wx) -> FlaskClient:
    name, password = new_owner(wx)
    client = wx.app.test_client()
    token = re.search(r'name="csrf" value="([^"]+)"', client.get("/admin/login").text)
    assert token is not None
    client.post("/admin/login", data={"csrf": token[1], "name": name, "password": password})
    return client


def _get(client: FlaskClient, path: str, **options: Any) -> Callable[[], object]:
    def ask() -> object:
        answer = client.get(path, **options)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:200]}"
        return answer.data

    return ask


def _call(method: Callable[..., object], *arguments: object, **options: object) -> Callable[[], object]:
    return lambda: method(*arguments, **options)
