"""What WeChat promises about access tokens, tried on whatever platform is configured."""

from typing import Any

import pytest

WRONG = [
    ({"grant_type": "password"}, 40002),
    ({"appid": ""}, 41002),
    ({"secret": ""}, 41004),
    ({"appid": "wx0000000000000bad"}, 40013),
    ({"secret": "wrong"}, 40125),
]


def test_stable_token_lives_at_most_two_hours(api: Any) -> None:
    answer = api.post("/cgi-bin/stable_token", api.client())

    assert set(answer) == {"access_token", "expires_in"}
    assert 300 <= answer["expires_in"] <= 7200
    assert len(answer["access_token"]) <= 512


def test_stable_token_is_the_same_for_everybody_who_asks(api: Any) -> None:
    first, second = (api.post("/cgi-bin/stable_token", api.client()) for _ in range(2))

    assert first["access_token"] == second["access_token"]


@pytest.mark.parametrize(("changes", "errcode"), WRONG)
def test_wrong_client_gets_no_stable_token(api: Any, changes: dict[str, str], errcode: int) -> None:
    assert api.post("/cgi-bin/stable_token", api.client(**changes))["errcode"] == errcode


@pytest.mark.parametrize(("changes", "errcode"), WRONG)
def test_wrong_client_gets_no_classic_token(api: Any, changes: dict[str, str], errcode: int) -> None:
    assert api.get("/cgi-bin/token", **api.client(**changes))["errcode"] == errcode


def test_classic_token_is_new_every_time_and_the_last_one_still_works(api: Any) -> None:
    first, second = (api.get("/cgi-bin/token", **api.client()) for _ in range(2))

    assert first["access_token"] != second["access_token"]
    assert second["expires_in"] == 7200
    for token in (first["access_token"], second["access_token"], api.token):
        answer = api.get("/cgi-bin/menu/get", access_token=token)
        assert answer.get("errcode") in (None, 46003)


def test_stable_token_needs_post_and_json(api: Any) -> None:
    assert api.get("/cgi-bin/stable_token")["errcode"] == 43002
    assert api.post("/cgi-bin/stable_token", b"")["errcode"] == 44002
    assert api.post("/cgi-bin/stable_token", b"grant_type=client_credential")["errcode"] == 47001
