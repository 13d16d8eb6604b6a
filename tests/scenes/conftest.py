"""Events that happen to Ailin, and registries made of the plugins of one test."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import pytest
from sqlalchemy.orm import Session

from wxbot.errors import PluginError
from wxbot.scenes.inject import Defer
from wxbot.scenes.plugin import Plugin
from wxbot.scenes.registry import Registry
from wxbot.wechat.api import ApiAccount, ApiClient
from wxbot.wechat.events import Click, Event, Follow, ImageMessage, Scan, TextMessage, Unfollow, Unknown

Happened = TypeVar("Happened", bound=Event)


class Happenings:
    """Makes events of Ailin, at the account `default` unless told otherwise."""

    def scan(self, scene: str, *, when: Literal["follow", "scan"] = "scan", account: str = "default") -> Scan:
        """Ailin scans a code."""
        return self._make(Scan, account=account, scene=scene, when=when)

    def text(self, content: str) -> TextMessage:
        """Ailin writes something."""
        return self._make(TextMessage, msg_type="text", content=content)

    def image(self) -> ImageMessage:
        """Ailin sends a picture."""
        return self._make(ImageMessage, msg_type="image", picture_url="", media_id="m")

    def click(self, key: str) -> Click:
        """Ailin taps a menu item."""
        return self._make(Click, name="CLICK", event_key=key)

    def unknown(self, name: str) -> Unknown:
        """Something happens that wxbot has no class for."""
        return self._make(Unknown, name=name)

    def follow(self) -> Follow:
        """Ailin follows without a code."""
        return self._make(Follow, name="subscribe")

    def unfollow(self) -> Unfollow:
        """Ailin unfollows."""
        return self._make(Unfollow, name="unsubscribe")

    def _make(self, kind: type[Happened], **values: Any) -> Happened:
        base = {
            "account": "default",
            "to_user": "gh_1",
            "openid": "openid-of-ailin",
            "created_at": datetime(2026, 11, 1, tzinfo=UTC),
            "msg_type": "event",
            "digest": b"0" * 16,
            "body": b"<xml/>",
        }
        return kind(**{**base, **values})


class NoToken:
    """Stands in for an access token that nobody uses."""

    def current(self) -> str:
        """Return a token."""
        return "token"

    def refused(self, token: str) -> str:
        """Return another token."""
        return token


@dataclass(frozen=True)
class Run:
    """What a run has to offer, for handlers that are called without a database."""

    session: Callable[[], Session]
    follower: object
    defer: Defer
    wechat: Callable[[], ApiClient]
    key: str = "the key"
    deferred: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def flush(self) -> None:
        """There is nothing to send."""

    def close(self) -> None:
        """There is nothing to roll back."""


@pytest.fixture(autouse=True)
def checkout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in the checkout, to which the places in messages are relative."""
    monkeypatch.chdir(request.config.rootpath)


@pytest.fixture
def ailin() -> Happenings:
    """Return the maker of events."""
    return Happenings()


@pytest.fixture
def run() -> Run:
    """Return a run whose session is new each time it is asked for, and whose follower is a word."""
    client = ApiClient(ApiAccount(name="default", appid="wx1", secret="s"), token=NoToken())
    deferred: list[tuple[str, dict[str, object]]] = []

    def defer(function: Callable[..., object], /, **arguments: object) -> None:
        deferred.append((function.__name__, arguments))

    return Run(
        session=Session, follower="the follower", defer=defer, wechat=lambda: client, deferred=deferred
    )


@pytest.fixture
def build() -> Callable[..., Registry]:
    """Return what mounts plugins, for one account and with one key unless told otherwise."""

    def build_registry(
        *plugins: Plugin,
        accounts: Mapping[str, Sequence[str]] | None = None,
        keys: Sequence[str] = ("key of today",),
        configs: Mapping[str, Mapping[str, Any]] | None = None,
        **options: Any,
    ) -> Registry:
        return Registry.build(
            plugins, accounts=accounts or {"default": []}, keys=keys, configs=configs or {}, **options
        )

    return build_registry


@pytest.fixture
def faults(build: Callable[..., Registry]) -> Callable[..., tuple[str, ...]]:
    """Return what tells why plugins cannot be mounted."""

    def faults_of(*plugins: Plugin, **options: Any) -> tuple[str, ...]:
        with pytest.raises(PluginError) as refused:
            build(*plugins, **options)
        return refused.value.faults

    return faults_of
