"""`/api/v1/stats` and the client's `stats`, in front of the whole application."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.stats.conftest import LAST
from wxbot.analytics.figures import Figures, Of, Period
from wxbot.analytics.plain import plain
from wxbot.api.keys import Keys
from wxbot.api.models import stats as models
from wxbot.client.stats import Stats
from wxbot.testing import Wx

DAYS = {"days": 30, "last": LAST.isoformat()}
PERIOD = Period.days(30, LAST)


class Site:
    """A program that uses the API with a key; also what the client calls with."""

    def __init__(self, wx: Wx) -> None:
        self._client = wx.app.test_client()
        self._keys = Keys(wx.bot.engine)
        self.use("stats:read")

    def use(self, *scopes: str, accounts: tuple[str, ...] = ()) -> None:
        """Go on with a key of these scopes and accounts."""
        self.key = self._keys.create("site", scopes=scopes, accounts=accounts or None).text

    def get(self, path: str, **query: Any) -> TestResponse:
        """GET a path below /api/v1/stats."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return self._client.get(f"/api/v1/stats{path}", query_string=query, headers=headers)

    def call(self, _method: str, path: str, *, query: dict[str, Any]) -> Any:
        """Do what wxbot.client.calls.Calls does, without a socket."""
        given = {name: value for name, value in query.items() if value is not None}
        return self.get(path.removeprefix("/stats"), **given).json


@pytest.fixture
def site(wx: Wx) -> Site:
    return Site(wx)


def test_totals_are_those_of_the_figures(site: Site, figures: Figures) -> None:
    account = site.get("", **DAYS).json
    group = site.get("", of="group", name="门店", **DAYS).json
    nobody = site.get("", of="channel", name="no-such-channel", **DAYS).json

    assert account["totals"] == plain(figures.totals("default", PERIOD))
    assert account["before"] == plain(figures.totals("default", PERIOD.before()))
    assert account["days"] == plain(figures.series("default", PERIOD))
    assert (account["timezone"], account["attribution"]) == ("Asia/Shanghai", "first")
    assert account["counted_until"] == "2026-11-19T16:00:00Z"
    assert group["totals"] == plain(figures.totals("default", PERIOD, Of("group", "门店")))
    assert 0 < group["totals"]["new"] < account["totals"]["new"]
    assert nobody["totals"]["scans"] == 0


def test_answers_are_what_the_description_says(site: Site, figures: Figures) -> None:
    told = {
        models.ShownStats: site.get("", **DAYS),
        models.ShownRetention: site.get("/retention", **DAYS),
        models.ShownHours: site.get("/hours", of="promoter", name="promoter-001", **DAYS),
        models.BoardPage: site.get("/board", by="promoter", **DAYS),
        models.SuspectList: site.get("/suspects", **DAYS),
        models.ShownGap: site.get("/gap", **DAYS),
    }

    for model, answer in told.items():
        assert answer.status_code == 200, answer.json
        assert model.model_validate(answer.json).model_dump(mode="json") == answer.json
    assert told[models.ShownRetention].json == plain(figures.retention("default", PERIOD))
    assert told[models.SuspectList].json["items"] == plain(figures.suspects("default", PERIOD))


def test_board_is_read_page_by_page(site: Site, figures: Figures) -> None:
    expected = plain(figures.leaderboard("default", PERIOD, order="scans", limit=500).lines)
    found, after = [], None
    while True:
        page = site.get("/board", order="scans", limit=7, **DAYS, **({"after": after} if after else {})).json
        found += page["items"]
        after = page["next"]
        if after is None:
            break

    assert found == expected
    assert page["total"] == len(expected) > 14


def test_client_returns_the_same(site: Site, figures: Figures) -> None:
    stats = Stats(site, None)  # type: ignore[arg-type]

    board = [line.of.name for line in stats.board("group", order="net", last=LAST)]

    assert stats.find(last=LAST).totals.new == figures.totals("default", PERIOD).new
    assert stats.retention("group", "门店", last=LAST).left > 0
    assert len(stats.hours(last=LAST).cells) == 7
    assert board == [
        line.of.name for line in figures.leaderboard("default", PERIOD, by="group", order="net").lines
    ]
    assert {suspect.promoter for suspect in stats.suspects(last=LAST)} == {"promoter-004"}
    assert stats.gap(last=LAST).days == []


def test_thirty_days_until_today_unless_said_otherwise(site: Site) -> None:
    period = site.get("").json["period"]

    assert period["length"] == 30


def test_days_before_there_was_wechat_are_empty(site: Site) -> None:
    told = site.get("", last="0001-01-01", days=1100).json

    assert told["period"]["last"] == "2010-01-01"
    assert told["totals"]["scans"] == 0


def test_days_that_are_too_late_are_the_last_there_is(site: Site) -> None:
    assert site.get("", last="9999-12-31", days=7).json["period"]["last"] == "2200-12-31"


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("", {"days": "0"}, 422, "invalid"),
        ("/hours", {"days": "1101"}, 422, "invalid"),
        ("", {"last": "0"}, 422, "invalid"),
        ("/gap", {"last": "2026-13-01"}, 422, "invalid"),
        ("/retention", {"of": "city", "name": "x"}, 422, "invalid"),
        ("", {"of": "channel", "name": "a\0b"}, 422, "invalid"),
        ("/board", {"limit": "201"}, 422, "invalid"),
        ("/board", {"after": "x"}, 404, "bad_cursor"),
        ("/board", {"after": "Wy0xXQ"}, 404, "bad_cursor"),
        ("", {"account": "other"}, 404, "no_account"),
        ("/gap", {"nothing": "1"}, 422, "invalid"),
    ],
)
def test_wrong_questions_are_refused(
    site: Site, path: str, query: dict[str, str], status: int, code: str
) -> None:
    answer = site.get(path, **query)

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.content_type.startswith("application/problem+json")


def test_key_needs_the_scope(site: Site) -> None:
    site.use("channels:read")

    assert site.get("").json["code"] == "scope"
