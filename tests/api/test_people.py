"""A site sees who follows and what they did, without texts and ids of WeChat, and sends them messages."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as listening
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from tests.services import fresh_database_url
from wxbot import Plugin
from wxbot.api.keys import Keys
from wxbot.db.business import follower_tags
from wxbot.db.models import events, followers, jobs
from wxbot.db.statements import database_now
from wxbot.emulator.rules import Trouble
from wxbot.followers import person
from wxbot.testing import Wx

plugin = Plugin("shop")


@plugin.scene("door")
def door(scan: object) -> str:
    """Answer."""
    return "欢迎"


class Bot(Wx):
    """A bot, and a site with a key for its API."""

    key = ""

    def get(self, path: str, **query: Any) -> TestResponse:
        """GET a path below /api/v1."""
        return self.app.test_client().get(f"/api/v1{path}", query_string=query, headers=self._headers())

    def send(self, content: str, *, to: dict[str, str], **more: Any) -> TestResponse:
        """Send somebody a text."""
        body = {"to": to, "message": {"type": "text", "content": content}, **more}
        return self.app.test_client().post("/api/v1/messages", json=body, headers=self._headers())

    def use_key(self, **limits: Any) -> None:
        """Take a new key."""
        self.key = Keys(self.bot.engine).create("site", **limits).text

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@pytest.fixture
def bot(tmp_path: Path) -> Any:
    """Return a bot with two accounts, and a key for both."""
    second = {"appid": "wx0000000000000002", "token": "anothertokenfortests", "mode": "plain"}
    url = fresh_database_url(tmp_path)
    bot = Bot(tmp_path, plugins=[plugin], overrides={"accounts": {"second": second}}, database_url=url)
    bot.use_key()
    yield bot
    bot.close()


def digest(user: Any) -> str:
    """Return the digest of somebody."""
    return person("default", user.openid).hex()


def test_follower_is_shown_without_their_openid(bot: Bot) -> None:
    ailin = bot.user("ailin", follows=False)
    ailin.scan("door")

    seen = bot.get(f"/followers/{digest(ailin)}")

    assert (seen.json["state"], seen.json["first_scene"], seen.json["follows"]) == ("new", "door", 1)
    assert seen.json["openid"] is not None
    bot.use_key(scopes=["followers:read"])
    seen = bot.get(f"/followers/{digest(ailin)}")
    assert seen.json["openid"] is None and ailin.openid not in seen.text
    assert ailin.openid not in bot.get("/followers").text


def test_followers_are_listed_by_where_they_stand(bot: Bot) -> None:
    new, existing, returning, left = (
        bot.user(name, follows=name == "existing") for name in ("new", "existing", "returning", "left")
    )
    for each in (new, returning, left):
        each.scan("door")
    existing.scan("door")
    for each in (returning, left):
        each.unfollow()
    returning.scan("door")

    listed = {
        state: bot.get("/followers", state=state).json["items"]
        for state in ("new", "existing", "returning", "left")
    }

    wanted = {"new": new, "existing": existing, "returning": returning, "left": left}
    assert {state: [each["person"] for each in found] for state, found in listed.items()} == {
        state: [digest(user)] for state, user in wanted.items()
    }
    assert all(each["state"] == state for state, found in listed.items() for each in found)
    assert listed["left"][0]["openid"] is None
    assert len(bot.get("/followers").json["items"]) == 4


def test_tags_of_a_follower_are_shown(bot: Bot) -> None:
    ailin = bot.user("ailin")
    ailin.scan("door")
    who = person("default", ailin.openid)
    with bot.session() as session:
        for tag in ("vip", "door"):
            row = {"account": "default", "person": who, "tag": tag, "tagged_at": 1}
            session.execute(follower_tags.insert().values(row))

    assert bot.get(f"/followers/{digest(ailin)}").json["tags"] == ["door", "vip"]
    assert bot.get("/followers").json["items"][0]["tags"] == ["door", "vip"]


def keep_followers(
    bot: Bot, numbers: Iterable[int], *, account: str = "default", is_gone: bool = False
) -> None:
    """Put people on record whose places in lists are these numbers."""
    known = {"account": account, "first_seen_at": 5, "followed_at": 5, "follows": 1}
    known["unfollowed_at"] = 9 if is_gone else None
    with bot.bot.engine.begin() as connection:
        rows = [{**known, "person": number.to_bytes(16, "big")} for number in numbers]
        connection.execute(followers.insert(), rows)


def test_followers_who_are_rare_are_found_by_pages_that_do_not_read_everything(bot: Bot) -> None:
    keep_followers(bot, range(1, 1011))
    keep_followers(bot, [3], account="second", is_gone=True)

    first = bot.get("/followers", state="left").json
    second = bot.get("/followers", state="left", after=first["next"]).json

    assert first["items"] == [] and second["next"] is None
    assert [(each["account"], each["person"]) for each in second["items"]] == [("second", f"{3:032x}")]


def test_pages_of_followers_go_on_in_the_next_account(bot: Bot) -> None:
    keep_followers(bot, [1, 2, 3])
    keep_followers(bot, [1, 2], account="second")

    first = bot.get("/followers", limit=3).json
    second = bot.get("/followers", limit=3, after=first["next"]).json

    pages = [
        [(each["account"], int(each["person"], 16)) for each in page["items"]] for page in (first, second)
    ]
    assert pages == [[("default", 1), ("default", 2), ("default", 3)], [("second", 1), ("second", 2)]]
    assert second["next"] is None


@pytest.mark.sqlite_only
def test_tags_of_followers_are_found_by_the_person(bot: Bot) -> None:
    keep_followers(bot, [1])
    asked: list[tuple[str, Any]] = []
    listening.listen(bot.bot.engine, "before_cursor_execute", lambda *seen: asked.append((seen[2], seen[3])))

    bot.get("/followers")

    [(query, values)] = [each for each in asked if "FROM follower_tags" in each[0]]
    with bot.bot.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all()
    assert "SEARCH follower_tags" in str(plan) and "SCAN" not in str(plan)


@pytest.mark.parametrize(("path", "name"), [("/followers", "person"), ("/events", "id")])
def test_pages_hold_everything_once(bot: Bot, path: str, name: str) -> None:
    for number in range(7):
        bot.user(f"user {number}").scan("door")

    seen, after = [], {}
    while after is not None:
        page = bot.get(path, limit=3, **after).json
        seen += [item[name] for item in page["items"]]
        after = {"after": page["next"]} if page["next"] else None

    assert len(seen) == len(set(seen)) == 7


def test_event_says_what_became_of_it_and_nothing_that_was_written(bot: Bot) -> None:
    ailin = bot.user("ailin")
    ailin.scan("door")
    ailin.say("my number is 12345")

    listed = bot.get("/events")

    scan = next(item for item in listed.json["items"] if item["kind"] == "scan")
    assert (scan["scene"], scan["outcome"], scan["handler"]) == ("door", "handled", "shop.door")
    assert scan["person"] == digest(ailin) and bot.get(f"/events/{scan['id']}").json == scan
    assert "12345" not in listed.text and ailin.openid not in listed.text


def test_events_are_found_by_person_kind_scene_and_time(bot: Bot) -> None:
    ailin, bo = bot.user("ailin"), bot.user("bo")
    ailin.scan("door")
    bo.scan("door")
    bo.scan("window")
    ailin.say("hello")

    def found(**query: str) -> int:
        return len(bot.get("/events", **query).json["items"])

    assert (found(), found(person=digest(bo)), found(kind="text"), found(scene="door")) == (4, 2, 1, 2)
    assert found(person=digest(bo), scene="door") == 1
    assert found(since="2000-01-01T00:00:00Z") == 4 and found(until="2000-01-01T00:00:00+08:00") == 0
    assert found(since="2999-01-01T00:00:00Z") == 0
    assert bot.get("/events", since="2000-01-01").status_code == 422


def test_what_belongs_to_others_is_as_if_it_did_not_exist(bot: Bot) -> None:
    ailin = bot.user("ailin")
    ailin.scan("door")
    event = bot.get("/events").json["items"][0]["id"]
    message = bot.send("hello", to={"person": digest(ailin)}).json["id"]
    bot.use_key(accounts=["second"])

    for path, id in (("/followers", digest(ailin)), ("/events", event), ("/messages", message)):
        theirs, none = bot.get(f"{path}/{id}"), bot.get(f"{path}/{'0' * 32}")
        assert (theirs.status_code, theirs.text) == (404, none.text)
    assert bot.get("/followers").json["items"] == bot.get("/events").json["items"] == []
    assert bot.send("hello", to={"person": digest(ailin)}).status_code == 404
    assert bot.send("hello", to={"openid": ailin.openid}).status_code == 404


@pytest.mark.parametrize("by", ["person", "openid"])
def test_message_goes_out_in_the_window_of_a_scan(bot: Bot, by: str) -> None:
    ailin = bot.user("ailin")
    ailin.scan("door")

    sent = bot.send("您的订单已发货", to={by: digest(ailin) if by == "person" else ailin.openid})
    before = bot.get(f"/messages/{sent.json['id']}").json
    bot.work()

    after = bot.get(f"/messages/{sent.json['id']}").json
    assert (sent.status_code, sent.json["state"], sent.json) == (202, "waiting", before)
    assert (after["state"], after["detail"], after["person"]) == ("sent", None, digest(ailin))
    assert [each.text for each in ailin.messages] == ["您的订单已发货"]


def test_messages_count_against_what_wechat_takes(bot: Bot) -> None:
    ailin = bot.user("ailin")
    ailin.scan("door")

    ids = [bot.send(f"{number}", to={"person": digest(ailin)}).json["id"] for number in range(5)]
    bot.work()

    states = [bot.get(f"/messages/{id}").json["state"] for id in ids]
    assert sorted(states) == ["kept"] * 2 + ["sent"] * 3
    ailin.say("more")
    bot.work()
    assert [bot.get(f"/messages/{id}").json["state"] for id in ids] == ["sent"] * 5
    assert sorted(each.text for each in ailin.messages) == ["0", "1", "2", "3", "4"]


def test_message_outside_of_a_window_waits_for_the_next_contact(bot: Bot) -> None:
    ailin = bot.user("ailin")
    ailin.scan("door")
    with bot.session() as session:
        session.execute(update(events).values(recorded_at=database_now() - 60))

    sent = bot.send("您好", to={"person": digest(ailin)}).json["id"]
    bot.work()
    kept = bot.get(f"/messages/{sent}").json
    ailin.scan("door")
    bot.work()

    assert (kept["state"], bool(kept["detail"])) == ("kept", True)
    assert bot.get(f"/messages/{sent}").json["state"] == "sent"
    assert [each.text for each in ailin.messages] == ["您好"]


def test_message_to_somebody_who_left_is_refused_or_dropped(bot: Bot) -> None:
    ailin = bot.user("ailin")
    ailin.scan("door")
    sent = bot.send("您好", to={"person": digest(ailin)}).json["id"]
    ailin.unfollow()
    bot.work()

    assert bot.get(f"/messages/{sent}").json["state"] == "dropped"
    refused = bot.send("您好", to={"person": digest(ailin)})
    assert (refused.status_code, refused.json["code"]) == (404, "not_found")


def test_message_whose_answer_was_lost_is_not_sent_twice(bot: Bot) -> None:
    ailin = bot.user("ailin")
    ailin.scan("door")
    bot.world.trouble = Trouble(api_faults=("message/custom/send=lost",))

    sent = bot.send("您好", to={"person": digest(ailin)}).json["id"]
    bot.work()
    bot.world.trouble = Trouble()
    bot.work()

    assert bot.get(f"/messages/{sent}").json["state"] == "unknown"
    assert [each.text for each in ailin.messages] == ["您好"]


@pytest.mark.parametrize(
    "message",
    [
        {"type": "text", "content": ""},
        {"type": "text", "content": " \u200b"},
        {"type": "text", "content": "长" * 700},
        {"type": "text", "content": 1},
        {"type": "image", "media_id": ""},
        {"type": "news", "articles": []},
        {"type": "news", "articles": [{"title": "a", "url": "javascript:alert(1)"}]},
        {"type": "transfer"},
        {"type": "text", "content": "a", "touser": "b"},
    ],
)
def test_message_that_wechat_would_not_show_is_refused(bot: Bot, message: dict[str, Any]) -> None:
    ailin = bot.user("ailin")
    ailin.scan("door")

    answer = bot.send("", to={"person": digest(ailin)}, message=message)

    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    with bot.session() as session:
        assert session.execute(select(jobs.c.id)).all() == []


@pytest.mark.parametrize(
    "message",
    [
        {"type": "image", "media_id": "MEDIA"},
        {"type": "voice", "media_id": "MEDIA"},
        {"type": "video", "media_id": "MEDIA", "title": "标题"},
        {"type": "news", "articles": [{"title": "订单 42", "url": "https://shop.example.com/42"}]},
    ],
    ids=lambda message: message["type"],
)
def test_messages_of_every_kind_are_sent(bot: Bot, message: dict[str, Any]) -> None:
    ailin = bot.user("ailin")
    ailin.scan("door")

    sent = bot.send("", to={"person": digest(ailin)}, message=message)
    bot.work()

    assert bot.get(f"/messages/{sent.json['id']}").json["state"] == "sent", sent.text
    assert len(ailin.messages) == 1


@pytest.mark.parametrize("to", [{}, {"person": "x"}, {"openid": "a", "person": "0" * 32}, "ailin"])
def test_one_person_is_named_in_one_way(bot: Bot, to: Any) -> None:
    assert bot.send("您好", to=to).status_code == 422


def test_openid_is_in_no_job(bot: Bot) -> None:
    ailin = bot.user("ailin")
    ailin.scan("door")

    bot.send("您好", to={"openid": ailin.openid})

    with bot.session() as session:
        assert ailin.openid not in repr(session.execute(select(jobs)).all())
        assert session.execute(select(followers.c.openid)).scalar_one() == ailin.openid
