"""A site makes claims, sees who has claimed them, and ends them; each state allows what it should."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine, update

from wxbot.db.business import claims as table
from wxbot.db.statements import database_now
from wxbot.emulator.rules import Trouble
from wxbot.followers import person

AILIN = person("default", "ailin").hex()


def made(site: Any, **more: Any) -> dict[str, Any]:
    """Return a claim that was made just now."""
    answer = site.post("/claims", {"purpose": "order", "subject": "42", **more})
    assert answer.status_code == 201, answer.text
    claim: dict[str, Any] = answer.json
    return claim


def claimed(site: Any, claim: dict[str, Any]) -> None:
    """Let Ailin claim it."""
    assert site.claims.claim("default", claim["scene"], "ailin").outcome.is_success


def test_claim_comes_with_a_code_of_its_scene(site: Any) -> None:
    claim = made(site, expires_in=300, data={"total": "¥ 12"})

    code = site.world.codes.find(claim["code"]["ticket"])
    assert (code.scene, code.url, code.expire_seconds) == (claim["scene"], claim["code"]["url"], 300)
    assert claim["code"]["expires_at"] >= claim["expires_at"]
    assert (claim["state"], claim["person"], claim["data"]) == ("open", None, {"total": "¥ 12"})
    assert claim["scene"].startswith("order:") and "42" not in claim["scene"]
    assert claim["made_by"] == site.keys.all()[0].id


def test_claim_without_a_code_mints_none(site: Any) -> None:
    claim = made(site, with_code=False)

    assert claim["code"] is None and claim["scene"]
    assert not site.world.codes.minted


def test_who_claimed_is_told_by_digest_and_the_scene_no_more(site: Any) -> None:
    claim = made(site)
    claimed(site, claim)

    seen = site.get(f"/claims/{claim['id']}")

    assert (seen.json["state"], seen.json["person"], seen.json["scene"]) == ("claimed", AILIN, None)
    assert "ailin" not in seen.text and seen.json["claimed_at"]


@pytest.mark.parametrize("is_claimed", [False, True])
def test_link_is_not_confirmed_by_the_site(site: Any, *, is_claimed: bool) -> None:
    claim = made(site, purpose="link", with_code=False)
    if is_claimed:
        claimed(site, claim)

    answer = site.post(f"/claims/{claim['id']}/confirm")

    assert (answer.status_code, answer.json["code"]) == (409, "claim_purpose")
    assert site.get(f"/claims/{claim['id']}").json["state"] == ("claimed" if is_claimed else "open")


def test_steps_tell_what_happened(site: Any) -> None:
    claim = made(site)
    claimed(site, claim)
    site.post(f"/claims/{claim['id']}/confirm")
    site.post(f"/claims/{claim['id']}/release")

    steps = site.get(f"/claims/{claim['id']}/steps").json["items"]

    assert [each["step"] for each in steps] == ["made", "claimed", "confirmed", "released"]
    assert [each["person"] for each in steps] == [None, AILIN, AILIN, AILIN]


@pytest.mark.parametrize(
    ("before", "act", "after"),
    [
        ([], "cancel", "cancelled"),
        (["claim"], "cancel", "cancelled"),
        (["claim"], "confirm", "confirmed"),
        (["claim"], "release", "released"),
        (["claim", "confirm"], "release", "released"),
        ([], "confirm", None),
        ([], "release", None),
        (["claim", "confirm"], "cancel", None),
        (["cancel"], "cancel", None),
    ],
)
def test_state_decides_what_may_be_done(site: Any, before: list[str], act: str, after: str | None) -> None:
    claim = made(site, with_code=False)
    for each in before:
        if each == "claim":
            claimed(site, claim)
        else:
            site.post(f"/claims/{claim['id']}/{each}")
    state = site.get(f"/claims/{claim['id']}").json["state"]

    answer = site.post(f"/claims/{claim['id']}/{act}")

    seen = site.get(f"/claims/{claim['id']}").json
    if after is None:
        assert (answer.status_code, answer.json["code"], seen["state"]) == (409, "claim_state", state)
    else:
        assert (answer.status_code, answer.json) == (200, seen)
        assert seen["state"] == after


@pytest.mark.parametrize(
    ("is_claimed", "act", "said"),
    [
        (False, "cancel", "the claim is expired"),
        (False, "confirm", "the claim is expired"),
        (True, "confirm", "the claim was claimed, and its time is over"),
    ],
)
def test_late_claim_is_refused_with_what_is_true(
    site: Any, api_engine: Engine, *, is_claimed: bool, act: str, said: str
) -> None:
    claim = made(site, with_code=False)
    if is_claimed:
        claimed(site, claim)
    late = update(table).where(table.c.id == bytes.fromhex(claim["id"]))
    with api_engine.begin() as connection:
        connection.execute(late.values(expires_at=database_now()))
    before = site.get(f"/claims/{claim['id']}").json

    answer = site.post(f"/claims/{claim['id']}/{act}")

    assert (answer.status_code, answer.json["code"], answer.json["detail"]) == (409, "claim_state", said)
    assert site.get(f"/claims/{claim['id']}").json == before


def test_link_that_is_confirmed_is_not_released_without_its_binding(site: Any) -> None:
    claim = made(site, purpose="link", with_code=False)
    claimed(site, claim)
    site.claims.confirm("default", bytes.fromhex(claim["id"]))

    answer = site.post(f"/claims/{claim['id']}/release")

    assert (answer.status_code, answer.json["code"]) == (409, "claim_purpose")
    assert "DELETE /bindings" in answer.json["detail"]
    assert site.get(f"/claims/{claim['id']}").json["state"] == "confirmed"


def test_claims_are_found_by_subject_purpose_and_person(site: Any) -> None:
    claims = [made(site, subject=subject, with_code=False) for subject in ("1", "2", "1")]
    made(site, subject="1", purpose="link", with_code=False)
    claimed(site, claims[1])

    about = site.get("/claims", purpose="order", subject="1").json["items"]
    hers = site.get("/claims", person=AILIN).json["items"]

    assert {each["id"] for each in about} == {claims[0]["id"], claims[2]["id"]}
    assert [each["id"] for each in hers] == [claims[1]["id"]]
    assert len(site.get("/claims").json["items"]) == 4


def test_pages_hold_every_claim_once(site: Any) -> None:
    claims = {made(site, subject=str(number), with_code=False)["id"] for number in range(7)}

    seen, after = [], {}
    while after is not None:
        page = site.get("/claims", limit=3, **after).json
        seen += [item["id"] for item in page["items"]]
        after = {"after": page["next"]} if page["next"] else None

    assert len(seen) == 7 and set(seen) == claims


@pytest.mark.parametrize("after", ["x", "WzEsICJ6eiJd", "WzEsICIwMCJd"])
def test_made_up_place_in_the_list_is_refused(site: Any, after: str) -> None:
    assert site.get("/claims", after=after).json["code"] == "bad_cursor"


@pytest.mark.parametrize(
    "wrong",
    [
        {"purpose": "Order"},
        {"purpose": ""},
        {"subject": ""},
        {"subject": " 42"},
        {"subject": "4\u00002"},
        {"subject": "x" * 129},
        {"subject": 42},
        {"expires_in": 59},
        {"expires_in": 2592001},
        {"expires_in": True},
        {"with_code": "yes"},
        {"data": [1]},
        {"data": {"a": json.loads("[" * 40 + "]" * 40)}},
        {"nothing": 1},
    ],
)
def test_what_cannot_be_kept_is_refused(site: Any, wrong: dict[str, Any]) -> None:
    answer = site.post("/claims", {"purpose": "order", "subject": "42", **wrong})

    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert site.get("/claims").json["items"] == []


@pytest.mark.parametrize("data", ['{"a": NaN}', f'{{"a": "{"x" * 17000}"}}'])
def test_data_that_is_no_json_or_too_long_is_refused(site: Any, data: str) -> None:
    body = f'{{"purpose": "order", "subject": "42", "data": {data}}}'
    headers = {"Authorization": f"Bearer {site.key}", "Content-Type": "application/json"}

    answer = site.client.post("/api/v1/claims", data=body, headers=headers)

    assert (answer.status_code, answer.json["code"]) == (422, "claim_refused")


def test_body_nested_without_end_is_refused(site: Any) -> None:
    headers = {"Authorization": f"Bearer {site.key}", "Content-Type": "application/json"}

    answers = [
        site.client.post(path, data=body, headers={**headers, **more})
        for path in ("/api/v1/claims", "/api/v1/qrcodes")
        for body in ("[" * 60_000, '{"scene": ' + "[" * 30_000 + "]" * 30_000 + "}")
        for more in ({}, {"Idempotency-Key": "a"})
    ]

    assert {answer.status_code for answer in answers} == {422}


def test_claim_whose_code_cannot_be_minted_is_called_off(site: Any) -> None:
    site.world.trouble = Trouble(api_faults=("qrcode/create=-1",))

    answer = site.post("/claims", {"purpose": "order", "subject": "42"})

    assert answer.status_code == 503
    (claim,) = site.get("/claims").json["items"]
    assert claim["state"] == "cancelled"


def test_claims_of_others_are_as_if_they_did_not_exist(site: Any) -> None:
    claim = made(site, with_code=False)
    site.key = site.keys.create("second", accounts=["second"]).text
    nothing = "0" * 32

    calls = [("get", ""), ("get", "/steps"), ("get", "/stream")]
    calls += [("post", f"/{act}") for act in ("cancel", "confirm", "release")]
    answers = [
        (getattr(site, method)(f"/claims/{id}{path}"))
        for method, path in calls
        for id in (claim["id"], nothing)
    ]

    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}
    assert site.get("/claims").json["items"] == []
    assert site.get("/claims", account="default").json["code"] == "no_account"


def events(text: str) -> list[dict[str, Any]]:
    """Return the data of the events of a stream."""
    assert set(text.splitlines()) >= {"event: state"}
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data")]


def test_stream_tells_of_every_change_until_the_end(site: Any) -> None:
    claim = made(site, with_code=False)
    answer = site.get(f"/claims/{claim['id']}/stream")

    text = ""
    for part in answer.iter_encoded():
        text += part.decode()
        if '"open"' in part.decode():
            claimed(site, claim)
        elif '"claimed"' in part.decode():
            site.post(f"/claims/{claim['id']}/confirm")

    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    assert [each["state"] for each in events(text)] == ["open", "claimed", "confirmed"]
    assert answer.headers["X-Accel-Buffering"] == "no"


def test_stream_of_a_claim_that_has_ended_says_so_and_ends(site: Any) -> None:
    claim = made(site, with_code=False)
    site.post(f"/claims/{claim['id']}/cancel")

    assert [each["state"] for each in events(site.get(f"/claims/{claim['id']}/stream").text)] == ["cancelled"]


def test_streams_beyond_the_limit_are_sent_away_until_one_ends(site: Any) -> None:
    claim = made(site, with_code=False)
    path = f"/claims/{claim['id']}/stream"
    running = [site.get(path) for _ in range(2)]

    refused = site.get(path)
    running[0].close()
    again = site.get(path)

    assert (refused.status_code, refused.json["code"]) == (503, "streams")
    assert int(refused.headers["Retry-After"]) >= 1
    assert again.status_code == 200
    for each in (running[1], again):
        each.close()


def test_bindings_are_listed_and_ended(site: Any) -> None:
    site.bindings.bind("default", "user-1", "ailin")
    site.bindings.bind("default", "user-2", "bo")

    mine = site.get("/bindings", site_user="user-1").json["items"]
    hers = site.get("/bindings", person=AILIN).json["items"]
    ended = site.delete("/bindings", site_user="user-1", person=AILIN).json["items"]
    again = site.delete("/bindings", site_user="user-1").json["items"]

    assert mine == hers and (mine[0]["site_user"], mine[0]["ended_by"]) == ("user-1", None)
    assert [(each["id"], each["ended_by"]) for each in ended] == [(mine[0]["id"], "site")]
    assert again == []
    assert [each["site_user"] for each in site.get("/bindings").json["items"]] == ["user-2"]
    assert [each["id"] for each in site.get("/bindings", has_ended="true").json["items"]] == [mine[0]["id"]]


def test_binding_of_another_person_stays(site: Any) -> None:
    site.bindings.bind("default", "user-1", "ailin")

    ended = site.delete("/bindings", site_user="user-1", person=person("default", "bo").hex())

    assert ended.json["items"] == [] and len(site.get("/bindings").json["items"]) == 1


def test_pages_hold_every_binding_once(site: Any) -> None:
    for number in range(7):
        site.bindings.bind("default", f"user-{number}", f"person-{number}")

    seen, after = [], {}
    while after is not None:
        page = site.get("/bindings", limit=3, **after).json
        seen += [item["site_user"] for item in page["items"]]
        after = {"after": page["next"]} if page["next"] else None

    assert sorted(seen) == [f"user-{number}" for number in range(7)]


def test_bindings_of_others_are_as_if_they_did_not_exist(site: Any) -> None:
    site.bindings.bind("default", "user-1", "ailin")
    site.key = site.keys.create("second", accounts=["second"]).text

    assert site.get("/bindings", site_user="user-1").json["items"] == []
    assert site.delete("/bindings", site_user="user-1").json["items"] == []
    assert site.delete("/bindings", site_user="user-1", account="default").json["code"] == "no_account"
    assert len(site.bindings.of_user("default", "user-1")) == 1
