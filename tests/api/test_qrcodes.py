"""The API mints, finds and lists codes; what it refuses is a problem with a code and advice."""

import re
from dataclasses import replace
from typing import Any

import pytest


def test_minted_code_has_everything_a_site_needs(site: Any) -> None:
    answer = site.post("/qrcodes", {"scene": "ord:42", "expires_in": 3600})

    assert answer.status_code == 200
    code = answer.json
    minted = site.world.codes.find(code["ticket"])
    assert (minted.kind, minted.scene, minted.expire_seconds) == ("QR_STR_SCENE", "ord:42", 3600)
    assert code["url"] == minted.url
    assert (code["account"], code["is_integer"], code["is_permanent"]) == ("default", False, False)
    assert all(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", code[name]) for name in ("created_at", "expires_at")
    )


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"scene": 4294967295}, "QR_SCENE"),
        ({"scene": 7.0, "expires_in": 60.0}, "QR_SCENE"),
        ({"scene": "7"}, "QR_STR_SCENE"),
        ({"scene": 100000, "expires_in": None}, "QR_LIMIT_SCENE"),
        ({"scene": "door", "expires_in": None}, "QR_LIMIT_STR_SCENE"),
    ],
)
def test_type_of_the_scene_and_lifetime_decide_the_kind(site: Any, body: dict[str, Any], kind: str) -> None:
    code = site.post("/qrcodes", body).json

    assert site.world.codes.find(code["ticket"]).kind == kind
    assert (code["expires_at"] is None) == code["is_permanent"] == ("LIMIT" in kind)


def test_same_request_returns_the_same_code(site: Any) -> None:
    answers = [site.post("/qrcodes", {"scene": "ord:42"}).json for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert len(site.world.codes.minted) == 1


def test_code_that_ends_soon_is_renewed(site: Any) -> None:
    first = site.post("/qrcodes", {"scene": "ord:42", "expires_in": 3600}).json
    site.pass_time(1801)

    second = site.post("/qrcodes", {"scene": "ord:42", "expires_in": 3600}).json

    assert second["ticket"] != first["ticket"]


def test_minted_code_is_found_until_and_after_it_ends(site: Any) -> None:
    code = site.post("/qrcodes", {"scene": "ord:42", "expires_in": 60}).json
    site.pass_time(61)

    assert site.get("/qrcodes/ord:42").json == code
    assert site.get("/qrcodes/ord:42", is_permanent="false").json == code
    assert site.get("/qrcodes/ord:42", is_permanent="true").status_code == 404


@pytest.mark.parametrize("scene", ["ord:43", "ord%0043"])
def test_code_that_was_never_minted_is_not_found(site: Any, scene: str) -> None:
    answer = site.get(f"/qrcodes/{scene}")

    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert answer.json["code"] == "not_found"


def test_code_of_another_account_is_not_found(site: Any) -> None:
    site.post("/qrcodes", {"scene": "ord:42"})

    assert site.get("/qrcodes/ord:42", account="second").status_code == 404


def test_pages_hold_every_code_once(site: Any) -> None:
    for number in range(1, 8):
        site.post("/qrcodes", {"scene": number})
        site.pass_time(1)

    seen, after = [], {}
    while after is not None:
        page = site.get("/qrcodes", limit=3, **after).json
        seen += [int(item["scene"]) for item in page["items"]]
        after = {"after": page["next"]} if page["next"] else None

    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_list_of_nothing_is_empty(site: Any) -> None:
    assert site.get("/qrcodes").json == {"items": [], "next": None}
    assert site.get("/qrcodes", account="second").json["items"] == []


@pytest.mark.parametrize("after", ["x", "", "é", "bnVsbA", "WzEsMiwzLDRd", "W10", "eyJhIjoxfQ"])
def test_made_up_place_in_the_list_is_refused(site: Any, after: str) -> None:
    answer = site.get("/qrcodes", after=after)

    assert (answer.status_code, answer.json["code"]) == (404, "bad_cursor")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"scene": ""},
        {"scene": "店"},
        {"scene": "x" * 65},
        {"scene": 0},
        {"scene": 4294967296},
        {"scene": 1.5},
        {"scene": True},
        {"scene": None},
        {"scene": ["a"]},
        {"scene": "a", "expires_in": 59},
        {"scene": "a", "expires_in": 2592001},
        {"scene": "a", "expires_in": "60"},
        {"scene": "a", "expires_in": True},
        {"scene": "a", "expire_seconds": 60},
        {"scene": "a", "account": 5},
        {"scene": "a\n"},
        [],
        "scene",
        None,
        7,
    ],
    ids=repr,
)
def test_body_that_does_not_fit_is_refused(site: Any, body: Any) -> None:
    answer = site.post("/qrcodes", body)

    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert answer.json["code"] == "invalid"
    assert {each["field"] for each in answer.json["errors"]} <= {
        "",
        *(body if isinstance(body, dict) else ()),
        "scene",
    }
    assert not site.world.codes.minted


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"scene=a"])
def test_body_that_is_no_json_is_refused(site: Any, data: bytes) -> None:
    answer = site.client.post("/api/v1/qrcodes", data=data, headers={"Authorization": f"Bearer {site.key}"})

    assert (answer.status_code, answer.json["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'{"scene": "a"}', "application/x-www-form-urlencoded"),
        (b'{"scene": "a"}', None),
        (b'{"scene": "a"', "application/json"),
        (b'["a"]', "application/json"),
        (b"", "application/json"),
    ],
    ids=["as curl sends it", "no type", "half", "list", "nothing"],
)
def test_body_that_is_no_object_is_told_so(site: Any, data: bytes, kind: str | None) -> None:
    headers = {"Authorization": f"Bearer {site.key}"}

    answer = site.client.post("/api/v1/qrcodes", data=data, content_type=kind, headers=headers)

    assert answer.status_code == 422 and answer.json["code"] == "invalid"
    message = "the body must be a JSON object, sent as `Content-Type: application/json`"
    assert answer.json["errors"] == [{"field": "", "message": message}]


def test_body_that_is_huge_is_refused(site: Any) -> None:
    answer = site.post("/qrcodes", {"scene": "x" * 70_000})

    assert (answer.status_code, answer.json["code"]) == (413, "too_large")


@pytest.mark.parametrize("behind", [0, 70_000], ids=["whole", "with more behind"])
def test_body_that_does_not_tell_its_length_is_taken_whole_or_refused(site: Any, behind: int) -> None:
    headers = {"Authorization": f"Bearer {site.key}", "Transfer-Encoding": "chunked"}
    data = b'{"scene": "a"}' + b" " * behind

    answer = site.client.post(
        "/api/v1/qrcodes",
        data=data,
        content_type="application/json",
        headers=headers,
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert answer.status_code == (413 if behind else 200)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"scene": "qrscene_a"}, 422, "scene_refused"),
        ({"scene": 100001, "expires_in": None}, 422, "scene_refused"),
        ({"scene": "a", "account": "nobody"}, 404, "no_account"),
    ],
)
def test_scene_that_must_not_be_minted_is_explained(
    site: Any, body: dict[str, Any], status: int, code: str
) -> None:
    answer = site.post("/qrcodes", body)

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert len(answer.json["detail"]) > 20


def test_number_and_text_of_the_same_digits_are_not_both_minted(site: Any) -> None:
    site.post("/qrcodes", {"scene": 7})

    answer = site.post("/qrcodes", {"scene": "7"})

    assert (answer.status_code, answer.json["code"]) == (409, "taken")


@pytest.mark.parametrize(
    ("errcode", "status", "code"),
    [(48001, 502, "wechat_refused"), (45009, 503, "quota"), (45029, 502, "wechat_refused")],
)
def test_refusal_by_wechat_is_passed_on_with_advice(site: Any, errcode: int, status: int, code: str) -> None:
    site.world.trouble = replace(site.world.trouble, api_errors=(errcode,))

    answer = site.post("/qrcodes", {"scene": "ord:42"})

    assert (answer.status_code, answer.json["code"], answer.json["errcode"]) == (status, code, errcode)
    assert ("Retry-After" in answer.headers) == (status == 503)


def test_unknown_query_parameter_is_named(site: Any) -> None:
    answer = site.get("/qrcodes", acount="default")

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "acount"
