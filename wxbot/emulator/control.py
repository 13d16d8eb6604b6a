"""Trouble on request: the switches of the emulated platform over HTTP, for people and for tests."""

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import wraps
from typing import Any

from flask import Blueprint, Response, jsonify, request

from wxbot.emulator.bodies import parsed
from wxbot.emulator.rules import changed
from wxbot.emulator.world import World

CHANGEABLE = ("callback_url", "mode", "appid", "secret", "token", "aes_key", "gh_id", "oauth_domain")


def control_face(world: World) -> Blueprint:
    """Return `/control/` of a world as a blueprint; a POST takes a JSON object and returns the new state."""
    face = Blueprint("control", __name__, url_prefix="/control")

    @face.get("/state")
    def state() -> Response:
        """Tell how everything is switched."""
        with world.lock:
            return jsonify(state_of(world))

    @face.get("/calls")
    def calls() -> Response:
        """Tell the calls of the API one by one: those of a `path`, those after the number `since`."""
        path, since = request.args.get("path", ""), request.args.get("since", 0, type=int)
        with world.lock:
            return jsonify(calls=[asdict(call) for call in world.ledger.calls(path, since=since)])

    changes = Changes(world)
    every: tuple[Callable[[], None], ...] = (
        changes.trouble,
        changes.rules,
        changes.account,
        changes.clock,
        changes.expire_tokens,
        changes.reset,
    )
    for change in every:
        path = "/" + change.__name__.replace("_", "-")
        face.add_url_rule(path, change.__name__, _stated(world, change), methods=["POST"])
    return face


class Changes:
    """What control can change, named after the paths. Each reads the request; ValueError refuses it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def trouble(self) -> None:
        """Switch trouble on or off: any of the fields of `Trouble`."""
        self._world.trouble = changed(self._world.trouble, asked())

    def rules(self) -> None:
        """Change how the platform behaves: any of the fields of `Rules`."""
        self._world.rules = changed(self._world.rules, asked())

    def account(self) -> None:
        """Change the account: its callback URL, its mode or its secrets."""
        changes: dict[str, Any] = checked_account(asked())
        account = replace(self._world.account, **changes)
        # Its key is read here, so that a bad one is refused now and not at the next push.
        account.sender.cipher.encrypt(b"")
        self._world.account = account

    def clock(self) -> None:
        """Move the platform's clock: `offset_seconds` from the system's time."""
        seconds = asked().get("offset_seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise ValueError("offset_seconds is a number")
        self._world.clock.move(seconds)

    def expire_tokens(self) -> None:
        """Let every access token end now."""
        asked()
        self._world.tokens.expire_all(self._world.clock.now())

    def reset(self) -> None:
        """Begin anew: people, codes, conversations and trouble; tokens too, unless `keeps_tokens`."""
        self._world.reset(keeps_tokens=asked().get("keeps_tokens") is True)


def state_of(world: World) -> dict[str, Any]:
    """Return how a world is switched, without the account's secrets."""
    return {
        "trouble": asdict(world.trouble),
        "rules": asdict(world.rules),
        "offset_seconds": world.clock.offset_seconds,
        "now": world.clock.now(),
        "calls": dict(world.asked),
        "account": {
            "appid": world.account.appid,
            "gh_id": world.account.gh_id,
            "mode": world.account.mode,
            "callback_url": world.account.callback_url,
            "oauth_domain": world.account.oauth_domain,
        },
    }


def asked() -> dict[str, Any]:
    """Return the JSON object of the request; ValueError for anything else.

    Only `application/json` is read, which a page from elsewhere cannot send without asking first.
    """
    try:
        body = parsed(request.get_data()) if request.is_json else None
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ValueError("send a JSON object with Content-Type: application/json")
    return body


def checked_account(changes: dict[str, Any]) -> dict[str, str]:
    """Return changes of an account that can be made; ValueError names the one that cannot."""
    for name, value in changes.items():
        if name not in CHANGEABLE or not isinstance(value, str):
            raise ValueError(f"{name!r} cannot be set; texts are taken for: {', '.join(CHANGEABLE)}")
    if changes.get("mode", "safe") not in ("safe", "compatible", "plain"):
        raise ValueError("mode is safe, compatible or plain")
    return changes


def _stated(world: World, change: Callable[[], None]) -> Callable[[], tuple[Response, int]]:
    """Make a view of a change: done under the world's lock, answered with the new state or with the fault."""

    @wraps(change)
    def view() -> tuple[Response, int]:
        # A body may be long in coming, and nobody else waits for it: it is read before the lock is taken.
        request.get_data()
        try:
            with world.changing():
                change()
        except ValueError as error:
            return jsonify(error=str(error)), 400
        return jsonify(state_of(world)), 200

    return view
