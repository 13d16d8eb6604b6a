"""Callback token and AES key change without a scan being refused, and the old ones end when they should."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from tests.callback.conftest import Line
from tests.callback.test_refusals import REFUSAL
from wxbot import settings
from wxbot.emulator import wire
from wxbot.errors import ConfigurationError

OLD_TOKEN, OLD_KEY = "formerly0the0callback0token", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefg"
MODES = ["safe", "compatible", "plain"]


def rotating(mode: str, *, ends_in: timedelta = timedelta(hours=1)) -> dict[str, Any]:
    """Return settings in which an old token and an old key still count for a while."""
    account = {
        "mode": mode,
        "token_fallbacks": [OLD_TOKEN],
        "aes_key_fallbacks": [OLD_KEY],
        "fallbacks_until": (datetime.now(UTC) + ends_in).isoformat(),
    }
    return {"accounts": {"default": account}}


def senders(line: Line) -> list[wire.Sender]:
    """Return the account as WeChat may know it while it is changed, the new one first."""
    new = line.wx.world.account.sender
    both = product((new.token, OLD_TOKEN), (new.aes_key, OLD_KEY))
    return [replace(new, token=token, aes_key=key) for token, key in both]


@pytest.mark.parametrize("mode", MODES)
def test_old_and_new_credentials_are_accepted_and_answered_in_kind(
    make_line: Callable[..., Line], mode: str
) -> None:
    line = make_line(mode, rotating(mode))

    for number, sender in enumerate(senders(line)):
        request = wire.sealed(
            wire.scan(f"o{number}", line.now(), scene="vip", ticket="t"), sender, timestamp=line.now()
        )
        status, body, _ = line.post(request.query, request.body)

        if mode == "safe":
            body = sender.cipher.decrypt(body.split(b"CDATA[")[1].split(b"]]>")[0].decode())
        assert status == 200
        assert "收到" in body.decode()
    assert len(line.runs) == 4


@pytest.mark.parametrize("mode", MODES)
def test_old_credentials_end_at_their_time(make_line: Callable[..., Line], mode: str) -> None:
    line = make_line(mode, rotating(mode))
    line.wx.world.clock.offset_seconds = 3700
    push = wire.scan("o1", line.now(), scene="vip", ticket="t")
    new, *others = senders(line)
    former = [each for each in others if mode != "plain" or each.token == OLD_TOKEN]
    requests = [wire.sealed(push, each, timestamp=line.now()) for each in former]

    assert [line.post(each.query, each.body) for each in requests] == [REFUSAL] * len(requests)
    assert line.get(wire.verification(former[-1], timestamp=line.now(), echostr="123")) == REFUSAL
    request = wire.sealed(push, new, timestamp=line.now())
    assert line.post(request.query, request.body)[0] == 200


@pytest.mark.parametrize("mode", MODES)
def test_old_token_verifies_the_url_while_it_counts(make_line: Callable[..., Line], mode: str) -> None:
    line = make_line(mode, rotating(mode))

    for sender in senders(line):
        query = wire.verification(sender, timestamp=line.now(), echostr="4375120948345356249")

        assert line.get(query)[:2] == (200, b"4375120948345356249")


@pytest.mark.parametrize(
    "wrong",
    [
        {"fallbacks_until": ""},
        {"fallbacks_until": "soon"},
        {"fallbacks_until": "2030-01-31T18:00"},
        {"token_fallbacks": ["short"]},
        {"aes_key_fallbacks": ["x" * 42]},
        {"aes_key_fallbacks": [""]},
    ],
    ids=str,
)
def test_fallbacks_that_count_for_ever_or_can_be_guessed_are_refused(wrong: dict[str, Any]) -> None:
    account = {
        "appid": "wx0000000000000001",
        "token": "a0callback0token0of0tests",
        "aes_key": "aB3" * 14 + "z",
    }
    key = {"secret_key": "the secret key of these tests, long enough"}

    given = rotating("safe")["accounts"]["default"]
    assert settings.from_data(key | {"accounts": {"default": account | given}})
    with pytest.raises(ConfigurationError) as refused:
        settings.from_data(key | {"accounts": {"default": account | given | wrong}})
    assert next(iter(wrong)) in str(refused.value) or "fallbacks_until" in str(refused.value)


def test_old_token_of_one_account_is_no_token_of_another() -> None:
    first = {"appid": "wx0000000000000001", "token": "a0callback0token0of0tests", "aes_key": "aB3" * 14 + "z"}
    second = first | {"token": "another0callback0token", "token_fallbacks": [first["token"]]}
    second["fallbacks_until"] = "2030-01-31T18:00+08:00"

    with pytest.raises(ConfigurationError, match="have the same token"):
        settings.from_data(
            {
                "secret_key": "the secret key of these tests, long enough",
                "accounts": {"default": first, "shop": second},
            }
        )
