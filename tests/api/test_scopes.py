"""A key does what its scopes say and sees the accounts that it names; all else is as if it did not exist."""

import json
from typing import Any

import pytest

from wxbot.api.keys import SCOPES, Keys, KeyScopeError


def test_key_without_the_scope_is_refused(site: Any) -> None:
    site.key = site.keys.create("reader", scopes=["qrcodes:read", "claims:write"]).text

    answer = site.post("/qrcodes", {"scene": "a"})

    assert (answer.status_code, answer.json["code"]) == (403, "scope")
    assert "qrcodes:write" in answer.json["detail"]
    assert not site.world.codes.minted
    assert site.get("/qrcodes").status_code == 200


def test_scope_is_asked_for_before_the_request_is_read(site: Any) -> None:
    site.key = site.keys.create("nobody", scopes=["claims:read"]).text

    assert site.post("/qrcodes", {"no": "scene"}).status_code == 403
    assert site.get("/qrcodes", after="x").status_code == 403


def test_account_of_others_is_one_that_there_is_not(site: Any) -> None:
    site.post("/qrcodes", {"scene": "a"})
    site.key = site.keys.create("second", accounts=["second"]).text

    others = [
        site.get("/qrcodes/a", account="default"),
        site.post("/qrcodes", {"scene": "a", "account": "default"}),
    ]
    none = [
        site.get("/qrcodes/a", account="third"),
        site.post("/qrcodes", {"scene": "a", "account": "third"}),
    ]

    assert [each.status_code for each in others] == [404, 404]
    assert [each.json for each in others] == [each.json for each in none]


def test_only_account_of_a_key_need_not_be_named(site: Any) -> None:
    site.key = site.keys.create("second", accounts=["second"]).text

    assert site.post("/qrcodes", {"scene": "a"}).json["account"] == "second"


def test_list_has_the_accounts_of_the_key(site: Any) -> None:
    site.post("/qrcodes", {"scene": "a"})
    site.post("/qrcodes", {"scene": "b", "account": "second"})
    assert {item["scene"] for item in site.get("/qrcodes").json["items"]} == {"a", "b"}

    site.key = site.keys.create("second", accounts=["second"]).text

    assert [item["scene"] for item in site.get("/qrcodes").json["items"]] == ["b"]


def test_key_of_an_account_that_is_gone_sees_nothing(site: Any) -> None:
    site.post("/qrcodes", {"scene": "a"})
    site.key = site.keys.create("old", accounts=["gone"]).text

    assert site.get("/qrcodes").json["items"] == []
    assert site.post("/qrcodes", {"scene": "a"}).json["code"] == "no_account"


def test_scope_that_there_is_not_is_no_scope(site: Any) -> None:
    with pytest.raises(KeyScopeError, match="'qrcodes:admin'"):
        site.keys.create("shop", scopes=["qrcodes:admin"])


def test_key_keeps_its_limits(api_engine: Any) -> None:
    keys = Keys(api_engine)
    made = [keys.create("all"), keys.create("some", scopes=["claims:read"], accounts=["default"])]

    every, some = [keys.verify(each.text) for each in made]

    assert every and all(every.may(scope) for scope in SCOPES) and every.accounts is None
    assert some and [scope for scope in SCOPES if some.may(scope)] == ["claims:read"]
    assert some.accounts == ("default",)


def test_description_names_the_scope_of_every_call(site: Any) -> None:
    paths = site.client.get("/api/v1/openapi.json").json["paths"]

    for item in paths.values():
        for operation in item.values():
            ((scope,),) = (each["key"] for each in operation["security"])
            assert scope in SCOPES, json.dumps(operation)
