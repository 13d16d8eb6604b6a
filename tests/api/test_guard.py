"""Nothing of the API answers without a key but its description, and every refusal has one shape."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CALLS = [
    ("GET", "/qrcodes"),
    ("POST", "/qrcodes"),
    ("GET", "/qrcodes/a"),
    ("POST", "/claims"),
    ("GET", f"/claims/{'0' * 32}"),
    ("GET", f"/claims/{'0' * 32}/stream"),
    ("DELETE", "/bindings"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wxb_0123456789ab_" + "x" * 43,
        "Basic eDp5",
        "{key}",
        "Token {key}",
    ],
)
def test_call_without_a_key_is_refused(site: Any, method: str, path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.format(key=site.key)}

    answer = site.client.open(f"/api/v1{path}", method=method, json={"scene": "a"}, headers=headers)

    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert not site.world.codes.minted


def test_revoked_key_is_refused_at_once(site: Any) -> None:
    assert site.get("/qrcodes").status_code == 200

    site.keys.revoke(site.keys.all()[0].id)

    assert site.get("/qrcodes").status_code == 401


def test_key_in_the_address_is_no_key(site: Any) -> None:
    assert site.client.get("/api/v1/qrcodes", query_string={"key": site.key}).status_code == 401


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0")))
def test_whatever_is_sent_as_authorization_is_refused(site: Any, header: str) -> None:
    answer = site.client.get("/api/v1/qrcodes", headers={"Authorization": header})

    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/v1/nothing", 404), ("PUT", "/api/v1/qrcodes", 405), ("GET", "/api/v2/qrcodes", 404)],
)
def test_wrong_address_is_a_problem_too(site: Any, method: str, path: str, status: int) -> None:
    answer = site.client.open(path, method=method)

    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.json["status"] == status
    assert ("Allow" in answer.headers) == (status == 405)


def test_wrong_address_elsewhere_gets_one_line(site: Any) -> None:
    answer = site.client.get("/nothing")

    assert (answer.status_code, answer.get_data()) == (404, b"not found\n")


def test_answers_are_not_kept_by_anybody(site: Any) -> None:
    assert site.get("/qrcodes").headers["Cache-Control"] == "no-store"
    assert site.client.get("/api/v1/qrcodes").headers["Cache-Control"] == "no-store"


def test_neither_key_nor_appsecret_is_in_any_answer(site: Any) -> None:
    said = [
        site.post("/qrcodes", {"scene": "ord:42"}),
        site.get("/qrcodes"),
        site.get("/qrcodes/a"),
    ]

    for answer in said:
        assert site.key not in answer.text and site.world.account.secret not in answer.text


def test_description_says_that_every_call_needs_a_key(site: Any) -> None:
    answer = site.client.get("/api/v1/openapi.json")

    assert answer.status_code == 200
    operations = [
        (path, method, operation)
        for path, item in answer.json["paths"].items()
        for method, operation in item.items()
    ]
    assert {(method.upper(), path) for path, method, _ in operations} >= {
        ("GET", "/api/v1/qrcodes"),
        ("POST", "/api/v1/qrcodes"),
        ("GET", "/api/v1/qrcodes/{scene}"),
    }
    schemes = answer.json["components"]["securitySchemes"]
    for _, _, operation in operations:
        assert [list(each) for each in operation["security"]] == [list(schemes)]
        assert {"401", "403", "422", "503"} <= set(operation["responses"])
        assert {"200", "201", "202"} & set(operation["responses"])
        assert operation["summary"]


def test_description_refers_to_what_it_has(site: Any) -> None:
    description = site.client.get("/api/v1/openapi.json")

    named = {each.split('"')[0] for each in description.text.split("#/components/schemas/")[1:]}
    assert named and named <= set(description.json["components"]["schemas"])


def test_description_has_the_bounds_that_are_checked(site: Any) -> None:
    schema = site.client.get("/api/v1/openapi.json").json["components"]["schemas"]["WantedCode"]

    number, text = schema["properties"]["scene"]["anyOf"]
    assert (number["minimum"], number["maximum"]) == (1, 4294967295)
    assert text["pattern"] == "^[A-Za-z0-9_.:=-]{1,64}$"
    assert schema["properties"]["expires_in"]["anyOf"][0]["maximum"] == 2592000
