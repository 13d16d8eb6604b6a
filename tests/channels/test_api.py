"""Channels and promoters over the HTTP API, in front of the whole application."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from wxbot import Channel
from wxbot.analytics.counting import Counting
from wxbot.api.keys import Keys
from wxbot.db.business import channels
from wxbot.db.models import permanent_numbers
from wxbot.testing import Wx

Make = Callable[..., Channel]
ACCOUNT = {"appid": "wx0000000000000002", "token": "ab12cd34ef56gh78", "mode": "plain"}
NEWS = {"type": "news", "articles": [{"title": "新品", "url": "https://shop.example.com/"}]}


class Site:
    """A program that uses the API with a key."""

    def __init__(self, wx: Wx) -> None:
        self._client = wx.app.test_client()
        self._keys = Keys(wx.bot.engine)
        self.use()

    def use(self, *scopes: str, accounts: tuple[str, ...] = ()) -> None:
        """Go on with a key of these scopes and accounts; without, of all."""
        self.key = self._keys.create("site", scopes=scopes or None, accounts=accounts or None).text

    def send(self, method: str, path: str, body: Any = None, *, once: str = "", **query: Any) -> TestResponse:
        """Send a request below /api/v1."""
        headers = {"Authorization": f"Bearer {self.key}"} | ({"Idempotency-Key": once} if once else {})
        return self._client.open(
            f"/api/v1{path}", method=method, json=body, query_string=query, headers=headers
        )

    def get(self, path: str, **query: Any) -> TestResponse:
        """GET a path."""
        return self.send("GET", path, **query)

    def post(self, path: str, body: Any = None, **query: Any) -> TestResponse:
        """POST JSON to a path."""
        return self.send("POST", path, body, **query)

    def patch(self, path: str, body: Any, **query: Any) -> TestResponse:
        """PATCH a path with JSON."""
        return self.send("PATCH", path, body, **query)


@pytest.fixture
def wx_settings() -> Mapping[str, Any]:
    """Let there be a second account."""
    return {"accounts": {"second": ACCOUNT}, "server": {"public_url": "https://bot.example.com"}}


@pytest.fixture
def site(wx: Wx) -> Site:
    """Return a program with a key that may do everything."""
    return Site(wx)


def test_channel_is_made_found_changed_archived_and_restored(site: Site) -> None:
    site.post("/promoters", {"name": "li"})
    wanted = {
        "name": "shop-1",
        "title": "一号店",
        "group": "华东",
        "owner": "王",
        "promoter": "li",
        "reply": {"type": "text", "content": "欢迎"},
        "reply_new": NEWS,
        "tag": "一号店",
        "starts_at": "2026-01-01T00:00:00+08:00",
        "ends_at": "2099-01-01T00:00:00Z",
    }

    made = site.post("/channels", wanted)
    changed = site.patch(
        "/channels/shop-1", {"tag": None, "title": None, "reply": {"type": "image", "media_id": "m"}}
    )
    archived = site.post("/channels/shop-1/archive")
    found = site.get("/channels/shop-1")
    restored = site.post("/channels/shop-1/restore")

    assert made.status_code == 201
    article = {"title": "新品", "description": "", "image_url": "", "url": "https://shop.example.com/"}
    assert {name: made.json[name] for name in wanted} == wanted | {
        "reply_new": {"type": "news", "articles": [article]},
        "starts_at": "2025-12-31T16:00:00Z",
    }
    assert (made.json["scene"], made.json["account"], made.json["state"]) == ("shop-1", "default", "live")
    assert made.json["figures"] == {"scanners": 0, "new": 0, "gone": 0, "scans": 0}
    assert (changed.json["tag"], changed.json["title"], changed.json["reply"]["type"]) == (
        None,
        "shop-1",
        "image",
    )
    assert (changed.json["group"], changed.json["ends_at"]) == ("华东", "2099-01-01T00:00:00Z")
    assert (archived.json["state"], found.json) == ("archived", archived.json)
    assert (restored.json["state"], restored.json["archived_at"]) == ("live", None)


def test_channel_made_over_the_api_answers_at_once(wx: Wx, site: Site) -> None:
    site.post("/channels", {"name": "shop-1", "reply": {"type": "text", "content": "欢迎"}})
    ailin = wx.user("ailin")

    first = ailin.scan("shop-1").text
    site.patch("/channels/shop-1", {"reply": {"type": "text", "content": "再见"}})
    second = ailin.scan("shop-1").text
    site.post("/channels/shop-1/archive")

    assert (first, second) == ("欢迎", "再见")
    assert ailin.scan("shop-1").text not in (first, second)


def test_channel_may_take_a_number_which_is_given_back_if_it_is_not_made(wx: Wx, site: Site) -> None:
    made = site.post("/channels", {"name": "shop-1", "takes_number": True})
    taken = site.post("/channels", {"name": "shop-1", "takes_number": True})
    both = site.post("/channels", {"name": "shop-2", "takes_number": True, "scene": "a"})
    number = site.post("/channels", {"name": "shop-3", "scene": 100_000})

    assert (made.json["scene"], number.json["scene"]) == ("1", "100000")
    assert (taken.status_code, both.status_code) == (409, 409)
    with wx.bot.engine.connect() as connection:
        taken = connection.execute(select(permanent_numbers.c.number)).scalars().all()
    assert sorted(taken) == [1, 100_000]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "店"}, 422, "invalid"),
        ({"name": "a", "colour": "red"}, 422, "invalid"),
        ({"name": "a", "scene": "一"}, 422, "invalid"),
        ({"name": "a", "scene": "qrscene_1"}, 409, "channel_refused"),
        ({"name": "a", "tag": "字" * 31}, 422, "invalid"),
        ({"name": "a", "title": "a\nb"}, 422, "invalid"),
        ({"name": "a", "promoter": "nobody"}, 409, "channel_refused"),
        ({"name": "a", "reply": {"type": "music", "thumb_media_id": "m"}}, 422, "invalid"),
        ({"name": "a", "reply": {"type": "text", "content": "\u200b"}}, 422, "invalid"),
        ({"name": "a", "reply": {"type": "text", "content": "字" * 683}}, 409, "channel_refused"),
        ({"name": "a", "reply": {"type": "news", "articles": []}}, 422, "invalid"),
        ({"name": "a", "starts_at": "2026-01-01T00:00:00"}, 422, "invalid"),
        ({"name": "a", "starts_at": "0001-01-01T00:00:00Z"}, 409, "channel_refused"),
        (
            {"name": "a", "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"},
            409,
            "channel_refused",
        ),
        ({"name": "there"}, 409, "name_taken"),
        ({"name": "a", "scene": "there"}, 409, "name_taken"),
        ({"name": "a", "account": "third"}, 404, "no_account"),
    ],
    ids=range(17),
)
def test_channel_that_cannot_be_is_a_problem(site: Site, body: Any, status: int, code: str) -> None:
    site.post("/channels", {"name": "there"})

    answer = site.post("/channels", body)

    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    assert [each["name"] for each in site.get("/channels").json["items"]] == ["there"]


def test_what_is_not_there_is_not_found(site: Site) -> None:
    answers = [
        site.get("/channels/nobody"),
        site.patch("/channels/nobody", {"tag": "x"}),
        site.post("/channels/nobody/archive"),
        site.post("/channels/nobody/code", {}),
        site.get("/promoters/nobody"),
        site.patch("/promoters/nobody", {"target": 5}),
        site.post("/promoters/nobody/restore"),
    ]

    assert {(each.status_code, each.json["code"]) for each in answers} == {(404, "not_found")}


def test_channels_of_others_are_as_if_they_did_not_exist(site: Site) -> None:
    site.post("/channels", {"name": "shop-1"})
    site.post("/channels", {"name": "shop-2", "account": "second"})
    assert [each["name"] for each in site.get("/channels").json["items"]] == ["shop-1", "shop-2"]

    site.use(accounts=("second",))

    assert [each["name"] for each in site.get("/channels").json["items"]] == ["shop-2"]
    assert site.get("/channels/shop-1").json == site.get("/channels/shop-0").json | {
        "detail": "account 'second' has no channel 'shop-1'"
    }
    others, none = (site.get("/channels/shop-1", account=name) for name in ("default", "third"))
    assert (others.status_code, others.json) == (404, none.json)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/channels", {"name": "b"}),
        ("PATCH", "/channels/a", {"title": "x"}),
        ("POST", "/channels/a/archive", None),
        ("POST", "/channels/a/restore", None),
        ("POST", "/channels/a/code", {}),
        ("POST", "/promoters", {"name": "b"}),
        ("PATCH", "/promoters/a", {"title": "x"}),
        ("POST", "/promoters/a/archive", None),
        ("POST", "/promoters/a/restore", None),
    ],
    ids=str,
)
def test_key_that_may_read_may_not_write(site: Site, method: str, path: str, body: Any) -> None:
    site.post("/channels", {"name": "a"})
    site.post("/promoters", {"name": "a"})
    site.use("channels:read", "qrcodes:write")

    assert site.send(method, path, body).status_code == 403
    assert site.get("/channels/a").json["title"] == "a"
    assert site.get("/promoters/a").status_code == 200
    site.use("claims:read")
    assert site.get("/channels").status_code == site.get("/promoters/a").status_code == 403


def test_lists_come_in_pages(site: Site) -> None:
    for number in range(5):
        site.post("/channels", {"name": f"shop-{number}", "group": "东" if number % 2 else "西"})
        site.post("/promoters", {"name": f"p-{number}"})
    site.post("/channels/shop-4/archive")
    site.post("/promoters/p-4/archive")

    for path in ("/channels", "/promoters"):
        first = site.get(path, limit=3).json
        second = site.get(path, limit=3, after=first["next"]).json
        assert [each["name"][-1] for each in (*first["items"], *second["items"])] == ["0", "1", "2", "3"]
        assert second["next"] is None
        assert [each["name"][-1] for each in site.get(path, is_archived=True).json["items"]] == ["4"]
        assert site.get(path, after="nonsense").status_code == 404
    assert [each["name"] for each in site.get("/channels", group="东").json["items"]] == ["shop-1", "shop-3"]


def test_figures_and_progress_are_told(wx: Wx, site: Site) -> None:
    site.post("/promoters", {"name": "li", "title": "李推广", "target": 4})
    site.post("/channels", {"name": "shop-1", "promoter": "li"})
    wx.user("ailin").scan("shop-1")
    wx.user("bo", follows=False).scan("shop-1")
    Counting(wx.bot.engine, wx.bot.settings.analytics, rest=0).count_all()

    figures = {"scanners": 2, "new": 1, "gone": 0, "scans": 2}
    li = site.get("/promoters/li").json
    assert site.get("/channels/shop-1").json["figures"] == figures
    assert (li["figures"], li["reached"], li["channels"], li["target"]) == (figures, 0.25, 1, 4)
    assert site.get("/promoters").json["items"] == [li]
    assert site.get("/promoters/li", since="2099-01-01T00:00:00Z").json["figures"]["new"] == 0
    assert site.get("/channels", until="2000-01-01T00:00:00Z").json["items"][0]["figures"]["scanners"] == 0
    changed = site.patch("/promoters/li", {"target": None, "title": None}).json
    assert (changed["target"], changed["reached"], changed["title"]) == (None, None, "li")


def test_channel_whose_scene_would_be_counted_with_others_is_refused(site: Site) -> None:
    refused = site.post("/channels", {"name": "one", "scene": f"store:{'x' * 21}w"})
    made = site.post("/channels", {"name": "two", "scene": "store:shanghai-nanjing-road1"})

    assert (refused.status_code, refused.json["code"]) == (409, "channel_refused")
    assert "scene: " in refused.text and "'store:*'" in refused.text
    assert made.status_code == 201


def test_repeat_with_an_idempotency_key_makes_one_channel(wx: Wx, site: Site) -> None:
    body = {"name": "shop-1", "takes_number": True}

    answers = [site.send("POST", "/channels", body, once="k") for _ in range(2)]

    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    with wx.bot.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(channels)).scalar_one() == 1
        assert connection.execute(select(func.count()).select_from(permanent_numbers)).scalar_one() == 1


def test_code_of_a_channel_is_living_or_permanent(wx: Wx, site: Site) -> None:
    site.post("/channels", {"name": "shop-1"})
    site.post("/channels", {"name": "shop-2", "takes_number": True})

    living = site.post("/channels/shop-1/code", {})
    again = site.post("/channels/shop-1/code", {"living": "window"})
    permanent = site.post("/channels/shop-2/code", {"is_permanent": True})
    taken = site.post("/channels/shop-2/code", {"living": "window"})

    assert living.json["image"] == "https://bot.example.com/q/shop-1.png"
    assert (again.json["url"], again.json["image"]) == (
        living.json["url"],
        "https://bot.example.com/q/window.png",
    )
    assert (permanent.json["scene"], permanent.json["expires_at"], permanent.json["image"]) == (
        "1",
        None,
        None,
    )
    assert (taken.status_code, taken.json["code"]) == (409, "name_taken")
    assert wx.app.test_client().get("/q/shop-1.png").status_code == 200
    kinds = sorted(code.kind for code in wx.world.codes.minted.values())
    assert kinds == ["QR_LIMIT_SCENE", "QR_STR_SCENE"]


def test_code_of_another_account_is_told_by_nothing_but_its_name(site: Site) -> None:
    site.post("/channels", {"name": "canary-scene"})
    site.post("/channels/canary-scene/code", {"living": "door"})
    site.use(accounts=("second",))
    site.post("/channels", {"name": "mine", "account": "second"})

    taken = site.post("/channels/mine/code", {"living": "door"}, account="second")

    assert (taken.status_code, taken.json["code"]) == (409, "name_taken")
    assert "'door'" in taken.text
    assert "canary" not in taken.text and "default" not in taken.text
