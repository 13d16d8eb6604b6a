"""A world that owns its time, and a callback that answers what a test tells it to."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from wxbot.emulator.clock import Clock
from wxbot.emulator.hand import Hand
from wxbot.emulator.push import PushResponse
from wxbot.emulator.wire import Sender
from wxbot.emulator.world import Account, World

NOON = 1668926536.0
Answer = bytes | PushResponse | Exception


class Callback:
    """Answers pushes from a list, the last answer again and again, and keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [b"success"]
        self.requests: list[SimpleNamespace] = []

    def post(self, url: str, query: str, body: bytes, headers: Mapping[str, str]) -> PushResponse:
        """Take one push."""
        self.requests.append(SimpleNamespace(url=url, query=query, body=body, headers=dict(headers)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, PushResponse) else PushResponse(status=200, body=answer)


@pytest.fixture
def time() -> SimpleNamespace:
    """The time of the emulated platform; a test sets `seconds`."""
    return SimpleNamespace(seconds=NOON)


@pytest.fixture
def world(time: SimpleNamespace) -> World:
    account = Account(mode="plain", callback_url="http://bot.example/wechat")
    return World(account=account, clock=Clock(lambda: time.seconds))


@pytest.fixture
def callback() -> Callback:
    return Callback()


@pytest.fixture
def hand(world: World, callback: Callback) -> Hand:
    return Hand(world, post=callback.post, sleep=lambda _: None)


@pytest.fixture
def who(world: World) -> Callable[[str], str]:
    """Return the openid of one of the three by the first name."""

    def openid(name: str) -> str:
        return next(person.openid for person in world.people.values() if person.name.startswith(name))

    return openid


@pytest.fixture
def sender() -> Callable[..., Sender]:
    """Make a sender of the account whose safe-mode traffic the vendor published."""

    def make(mode: Any = "plain") -> Sender:
        return Sender(
            appid="wx2c2769f8efd9abc2",
            token="spamtest",
            aes_key="abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
            gh_id="gh_xxx",
            mode=mode,
        )

    return make


@pytest.fixture
def reply() -> Callable[..., bytes]:
    """Write a reply by hand: the common elements, then what the test gives."""

    def write(inside: str, *, to: str = "oXXX", sender: str = "gh_xxx", created: str = "1668926537") -> bytes:
        names = f"<ToUserName>{to}</ToUserName><FromUserName>{sender}</FromUserName>"
        return f"<xml>{names}<CreateTime>{created}</CreateTime>{inside}</xml>".encode()

    return write
