"""The phone page and its API: languages, security headers, gestures, and what the page is told."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

import wxbot.emulator
from wxbot.emulator.hand import Hand
from wxbot.emulator.judge import Bubble, Choice
from wxbot.emulator.push import PushResponse
from wxbot.emulator.server import create_emulator
from wxbot.emulator.words import WORDS
from wxbot.emulator.world import World

Who = Callable[[str], str]
FOLDER = Path(wxbot.emulator.__file__).parent


@pytest.fixture
def client(world: World, hand: Hand) -> FlaskClient:
    return create_emulator(world, hand=hand).test_client()


def state(client: FlaskClient, openid: str, since: str = "") -> Any:
    return client.get("/phone/api/state", query_string={"person": openid, "since": since}).json


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("", "en-GB,en;q=0.9", "en"),
        ("", "fr", "zh-CN"),
        ("en", "zh-CN", "en"),
        ("zh-CN", "en", "zh-CN"),
        ("xx", "en", "en"),
    ],
)
def test_page_speaks_the_language_of_its_reader(
    client: FlaskClient, asked: str, accepted: str, language: str
) -> None:
    page = client.get("/", query_string={"lang": asked}, headers={"Accept-Language": accepted})

    assert f'<html lang="{language}">' in page.text


def test_chosen_language_is_remembered(client: FlaskClient) -> None:
    client.get("/?lang=en")

    assert '<html lang="en">' in client.get("/", headers={"Accept-Language": "zh-CN"}).text


def test_page_allows_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/")

    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    addresses = re.findall(r'(?:src|href)="([^"#?][^"]*)"', page.text)
    assert addresses
    assert all(address.startswith("/static/") for address in addresses)


def test_page_has_no_script_or_style_inside(client: FlaskClient) -> None:
    found: list[tuple[str, dict[str, str | None]]] = []

    class Inline(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            values = dict(attrs)
            is_script = tag == "script" and "src" not in values and values.get("type") != "application/json"
            if is_script or tag == "style" or any(name == "style" or name[:2] == "on" for name in values):
                found.append((tag, values))

    Inline().feed(client.get("/").text)

    assert found == []


def test_every_word_exists_in_both_languages_and_is_used() -> None:
    sources = [(FOLDER / "templates/phone.html").read_text(), (FOLDER / "static/phone.js").read_text()]
    used = set(re.findall(r"""\bt\.(\w+)|\bsay\("(\w+)\"""", " ".join(sources)))
    named = {first or second for first, second in used}

    assert all(chinese.strip() and english.strip() for chinese, english in WORDS.values())
    assert named <= set(WORDS)


def test_every_reason_of_the_judge_has_words() -> None:
    code = "".join((FOLDER / name).read_text() for name in ("judge.py", "push.py", "hand.py", "phone.py"))

    reasons = set(re.findall(r'BadAnswer\("(\w+)"|reason="(\w+)"', code))
    impossible = set(re.findall(r'ImpossibleError\("(\w+)"', code))

    assert {f"reason_{a or b}" for a, b in reasons} <= set(WORDS)
    assert {f"error_{slug}" for slug in impossible} <= set(WORDS)
    assert len(reasons) > 15


def test_state_is_short_when_nothing_has_changed(client: FlaskClient, who: Who) -> None:
    full = state(client, who("Ailin"))

    assert set(state(client, who("Ailin"), since=str(full["version"]))) == {"version", "now"}


def test_scan_of_a_stranger_shows_the_follow_sheet_first(client: FlaskClient, world: World, who: Who) -> None:
    made = client.post("/phone/api/codes", json={"kind": "QR_STR_SCENE", "scene": "vip"}).json
    path = f"/phone/api/people/{who('Bo')}/scan"

    asked = client.post(path, json={"ticket": made["ticket"]}).json  # type: ignore[index]
    done = client.post(path, json={"ticket": made["ticket"], "follows": True}).json  # type: ignore[index]

    assert (asked, done) == ({"page": "follow"}, {"page": "chat"})
    told = state(client, who("Bo"))
    assert [(entry["action"], entry["scene"]) for entry in told["entries"]] == [("follow_by_scan", "vip")]
    assert told["codes"][0]["scans"] == 1
    assert told["people"][1]["state"] == "following"


def test_exchange_stands_under_the_last_entry_of_its_push(
    client: FlaskClient, world: World, callback: Any, who: Who
) -> None:
    callback.answers = [b"<html>"]

    client.post(f"/phone/api/people/{who('Ailin')}/text", json={"content": "hi"})

    person, fault = state(client, who("Ailin"))["entries"]
    assert person["exchanges"] == []
    exchange = fault["exchanges"][0]
    assert (exchange["attempt"], exchange["status"], exchange["reason"]) == (1, 200, "not_xml")
    assert exchange["request_xml"].startswith("<xml><ToUserName>")
    assert exchange["reply_xml"] == "<html>"


def test_push_can_be_delivered_again_from_the_page(client: FlaskClient, callback: Any, who: Who) -> None:
    client.post(f"/phone/api/people/{who('Ailin')}/text", json={"content": "hi"})
    number = state(client, who("Ailin"))["entries"][0]["delivery"]

    again = client.post(f"/phone/api/deliveries/{number}/again", json={})

    assert again.json == {"same": True}
    exchanges = state(client, who("Ailin"))["entries"][0]["exchanges"]
    assert [(item["is_repeat"], item["is_same"]) for item in exchanges] == [(False, None), (True, True)]


def test_page_calls_no_failure_the_same_answer(client: FlaskClient, callback: Any, who: Who) -> None:
    callback.answers = [b"success", PushResponse(status=500, body=b"")]
    client.post(f"/phone/api/people/{who('Ailin')}/text", json={"content": "hi"})
    number = state(client, who("Ailin"))["entries"][0]["delivery"]

    again = client.post(f"/phone/api/deliveries/{number}/again", json={})

    assert again.json == {"same": False}
    assert [item["is_same"] for item in state(client, who("Ailin"))["entries"][0]["exchanges"]] == [
        None,
        False,
    ]


def test_everybody_can_follow_write_tap_and_leave(
    client: FlaskClient, world: World, callback: Any, who: Who
) -> None:
    world.menu = {"button": [{"type": "click", "name": "Help", "key": "HELP", "sub_button": []}]}
    path = f"/phone/api/people/{who('Chen')}"

    for gesture, body in (
        ("follow", {}),
        ("text", {"content": "hi"}),
        ("menu", {"path": [0]}),
        ("unfollow", {}),
    ):
        assert client.post(f"{path}/{gesture}", json=body).status_code == 200

    assert len(callback.requests) == 4
    assert world.person(who("Chen")).state == "left"


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("people", {"name": ""}, 409, "name"),
        ("people", {"name": "x" * 41}, 409, "name"),
        ("people", {"name": "Bo 小博"}, 400, "bad_request"),
        ("people/oNobody/follow", {}, 404, "no_such_person"),
        ("people/oNobody/text", {"content": "hi"}, 404, "no_such_person"),
        ("deliveries/77/again", {}, 409, "no_such_delivery"),
        ("codes", {"kind": "QR_SCENE", "scene": "abc"}, 400, "refused"),
        ("codes", {"kind": "QR_ROUND", "scene": "abc"}, 400, "refused"),
        ("codes", [], 400, "bad_request"),
    ],
)
def test_what_cannot_be_done_is_explained(
    client: FlaskClient, *, path: str, body: Any, status: int, error: str
) -> None:
    answer = client.post(f"/phone/api/{path}", json=body)

    assert (answer.status_code, answer.json["error"]) == (status, error)  # type: ignore[index]


def test_person_is_added_as_a_stranger(client: FlaskClient, world: World) -> None:
    openid = client.post("/phone/api/people", json={"name": "Dana"}).json["openid"]  # type: ignore[index]

    assert world.person(openid).state == "stranger"


def test_number_in_the_form_makes_a_number_scene(client: FlaskClient, world: World) -> None:
    client.post("/phone/api/codes", json={"kind": "QR_LIMIT_SCENE", "scene": "1001"})

    code = next(iter(world.codes.minted.values()))
    assert (code.kind, code.scene, code.expire_seconds) == ("QR_LIMIT_SCENE", "1001", 0)


def test_url_is_verified_on_request(client: FlaskClient, callback: Any) -> None:
    callback.answers = [b"no echo"]

    answer = client.post("/phone/api/verify", json={}).json

    assert answer["is_verified"] is False  # type: ignore[index]
    assert (answer["reason"], answer["answer"]) == ("echostr", "no echo")  # type: ignore[index]


def test_words_cannot_end_the_script_that_carries_them(client: FlaskClient) -> None:
    block = re.search(r'<script type="application/json" id="words">(.*?)</script>', client.get("/").text)

    assert block
    assert "<" not in block[1]
    assert json.loads(block[1])["title"]


def test_item_of_a_menu_message_is_tapped_on_the_page(
    client: FlaskClient, world: World, callback: Any, who: Who
) -> None:
    bubble = Bubble(kind="msgmenu", text="?", choices=(Choice(id="7", content="是"),))
    world.note(who("Ailin"), side="account", action="message", bubble=bubble)
    entry = state(client, who("Ailin"))["entries"][-1]
    path = f"/phone/api/people/{who('Ailin')}/choice"

    tapped = client.post(path, json={"entry": entry["number"], "choice": "7"})
    missed = client.post(path, json={"entry": entry["number"], "choice": "8"})
    wrong = client.post(path, json={"entry": "x", "choice": "7"})

    assert [answer.status_code for answer in (tapped, missed, wrong)] == [200, 409, 400]
    assert len(callback.requests) == 1


def test_every_kind_of_bubble_and_line_has_words() -> None:
    code = "".join((FOLDER / name).read_text() for name in ("judge.py", "messages.py", "hand.py"))

    kinds = set(re.findall(r'Bubble\(\s*kind="(\w+)"', code)) - {"text", "fault"}
    system = set(re.findall(r'side="system", action="(\w+)"', code))

    assert {"news", "wxcard"} <= kinds and "refused" in system
    assert {f"kind_{kind}" for kind in kinds} | {f"did_{action}" for action in system} <= set(WORDS)
