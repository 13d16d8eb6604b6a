"""Webhooks as the shop takes them: by the specification's own example, and nothing that is not the bot's."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from werkzeug.datastructures import Headers

from wxbot.demo.hooks import BadHookError, Hooks

# The worked example of the Standard Webhooks libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AT = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
SENT = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": str(AT),
    "webhook-signature": SIGNATURE,
}


@pytest.fixture
def time() -> SimpleNamespace:
    return SimpleNamespace(seconds=AT)


@pytest.fixture
def hooks(time: SimpleNamespace) -> Hooks:
    made = Hooks(now=lambda: datetime.fromtimestamp(time.seconds, UTC))
    made.secret = SECRET
    return made


def test_example_of_the_specification_is_opened_once(hooks: Hooks) -> None:
    assert hooks.open(Headers(SENT), BODY) == {"test": 2432232314}
    assert hooks.open(Headers(SENT), BODY) is None


def test_one_good_signature_of_several_is_enough(hooks: Hooks) -> None:
    several = {**SENT, "webhook-signature": f"v1,AAAA {SIGNATURE} v2,zzz"}

    assert hooks.open(Headers(several), BODY) == {"test": 2432232314}


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        ({}, b'{"test": 2432232315}'),
        ({"webhook-id": "msg_other"}, BODY),
        ({"webhook-timestamp": str(AT + 1)}, BODY),
        ({"webhook-timestamp": "soon"}, BODY),
        ({"webhook-timestamp": ""}, BODY),
        ({"webhook-id": ""}, BODY),
        ({"webhook-signature": ""}, BODY),
        ({"webhook-signature": SIGNATURE.removeprefix("v1,")}, BODY),
        ({"webhook-signature": "v1,签"}, BODY),
    ],
)
def test_what_was_changed_is_refused(hooks: Hooks, changes: dict[str, str], body: bytes) -> None:
    with pytest.raises(BadHookError):
        hooks.open(Headers({**SENT, **changes}), body)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_what_is_old_or_early_is_refused(hooks: Hooks, time: SimpleNamespace, seconds: int) -> None:
    time.seconds += seconds

    with pytest.raises(BadHookError, match="too old"):
        hooks.open(Headers(SENT), BODY)


def test_nothing_is_good_without_a_secret(hooks: Hooks) -> None:
    hooks.secret = ""

    with pytest.raises(BadHookError):
        hooks.open(Headers(SENT), BODY)
