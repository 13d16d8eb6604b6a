"""The face: WeChat's HTTP API as the account's software meets it, answered from the world."""

import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from flask import Blueprint, Flask, Response, abort, request

from wxbot.emulator.codes import picture
from wxbot.emulator.control import control_face
from wxbot.emulator.faults import happen
from wxbot.emulator.hand import Hand
from wxbot.emulator.menu import checked_menu
from wxbot.emulator.phone import phone_face
from wxbot.emulator.refusals import Refusal
from wxbot.emulator.rules import API_FAULTS
from wxbot.emulator.world import World

Answer = dict[str, Any]
OK: Answer = {"errcode": 0, "errmsg": "ok"}


def create_emulator(world: World, *, hand: Hand | None = None) -> Flask:
    """Return the emulator as one application: `/cgi-bin/`, the phone page at `/`, and `/control/`."""
    app = Flask(__name__, static_url_path="/static")
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    hand = hand or Hand(world)
    app.register_blueprint(api_face(world))
    app.register_blueprint(phone_face(world, hand))
    app.register_blueprint(control_face(world))
    return app


def api_face(world: World) -> Blueprint:
    """Return WeChat's API of a world as a blueprint."""
    face = Blueprint("api", __name__, url_prefix="/cgi-bin")
    calls = Calls(world)

    def route(path: str, call: Callable[[], Answer]) -> None:
        face.add_url_rule(path, path, _as_wechat(world, call), methods=["GET", "POST"])

    @face.before_request
    def befall() -> Response | None:
        """Count the call, and let happen to it what control asked for."""
        path = request.path.removeprefix("/cgi-bin/")
        with world.lock:
            world.asked[path] += 1
            fault = world.trouble.fault_of(path)
        if fault in API_FAULTS:
            return happen(fault)
        return _said(world, _refused(Refusal(int(fault), request.remote_addr or ""))) if fault else None

    route("/token", calls.token)
    route("/stable_token", calls.stable_token)
    route("/qrcode/create", calls.create_code)
    route("/openapi/quota/get", calls.read_quota)
    route("/clear_quota", calls.clear_quota)
    route("/getcallbackip", calls.read_callback_ips)
    route("/callback/check", calls.check_callback)
    route("/menu/create", calls.create_menu)
    route("/menu/get", calls.read_menu)
    route("/menu/delete", calls.delete_menu)
    face.add_url_rule("/showqrcode", "showqrcode", calls.show_code)
    return face


class Calls:
    """The API calls, named after what they do. Each raises Refusal where WeChat gives an error code."""

    def __init__(self, world: World) -> None:
        self._world = world

    def token(self) -> Answer:
        """GET token: the classic access token."""
        asked = request.args
        self._check_client(asked.get("grant_type"), asked.get("appid"), secret=asked.get("secret"))
        world = self._world
        world.calls.count("token", limit=world.rules.token_calls_a_day, now=world.clock.now())
        text, seconds = world.tokens.issue_classic(world.clock.now())
        return {"access_token": text, "expires_in": seconds}

    def stable_token(self) -> Answer:
        """POST stable_token: the same token for everybody who asks, until it nears its end or is forced."""
        asked = _json_body()
        self._check_client(asked.get("grant_type"), asked.get("appid"), secret=asked.get("secret"))
        is_forced = asked.get("force_refresh") is True
        text, seconds = self._world.tokens.issue_stable(self._world.clock.now(), is_forced=is_forced)
        return {"access_token": text, "expires_in": seconds}

    def create_code(self) -> Answer:
        """POST qrcode/create: one code of any of the four kinds."""
        world = self._world
        self._check_token()
        asked = _json_body()
        if not world.rules.is_verified_service:
            raise Refusal(48001)
        world.calls.count("qrcode/create", limit=world.rules.code_calls_a_day, now=world.clock.now())
        limit = world.rules.code_calls_a_minute
        world.minute_calls.count("qrcode/create", limit=limit, now=world.clock.now())
        with world.changing():
            code = world.codes.create(asked, now=world.clock.seconds(), rules=world.rules)
        if code.expire_seconds:
            return {"ticket": code.ticket, "expire_seconds": code.expire_seconds, "url": code.url}
        return {"ticket": code.ticket, "url": code.url}

    def read_quota(self) -> Answer:
        """POST openapi/quota/get: what is left of today's calls of one API."""
        world = self._world
        self._check_token()
        path, rules = str(_json_body().get("cgi_path")), world.rules
        limits = {
            "token": rules.token_calls_a_day,
            "qrcode/create": rules.code_calls_a_day,
            "menu/create": rules.menu_calls_a_day,
        }
        api = path.removeprefix("/cgi-bin/")
        if not path.startswith("/cgi-bin/") or api not in limits:
            raise Refusal(76021)
        used = world.calls.used(api, world.clock.now())
        quota = {"daily_limit": limits[api], "used": used, "remain": max(0, limits[api] - used)}
        return {**OK, "quota": quota}

    def clear_quota(self) -> Answer:
        """POST clear_quota: all daily quotas begin anew."""
        self._check_token()
        if _json_body().get("appid") != self._world.account.appid:
            raise Refusal(40013)
        self._world.calls.clear()
        return OK

    def read_callback_ips(self) -> Answer:
        """GET getcallbackip: where pushes come from."""
        self._check_token()
        return {"ip_list": ["127.0.0.1"]}

    def check_callback(self) -> Answer:
        """POST callback/check: whether the callback's name and address can be found."""
        self._check_token()
        _json_body()
        if not self._world.account.callback_url:
            raise Refusal(40201)
        found = {"ip": "127.0.0.1", "real_operator": "DEFAULT"}
        ping = {"ip": "127.0.0.1", "from_operator": "DEFAULT", "package_loss": "0%", "time": "0.1ms"}
        return {"dns": [found], "ping": [ping]}

    def create_menu(self) -> Answer:
        """POST menu/create: replace the menu."""
        world = self._world
        self._check_token()
        menu = checked_menu(_json_body(), request.get_data())
        world.calls.count("menu/create", limit=world.rules.menu_calls_a_day, now=world.clock.now())
        with world.changing():
            world.menu = menu
        return OK

    def read_menu(self) -> Answer:
        """GET menu/get: the menu, or 46003 when there is none."""
        self._check_token()
        if self._world.menu is None:
            raise Refusal(46003)
        return {"menu": self._world.menu}

    def delete_menu(self) -> Answer:
        """GET menu/delete: remove the menu; fine when there is none."""
        self._check_token()
        with self._world.changing():
            self._world.menu = None
        return OK

    def show_code(self) -> Response:
        """GET showqrcode: the picture of a ticket, 404 for one that is unknown or has expired."""
        world = self._world
        code = world.codes.find(request.args.get("ticket", ""))
        if code is None:
            abort(404)
        if code.is_expired(world.clock.now()) and not world.rules.shows_expired_images:
            abort(404)
        headers = {"Cache-control": "max-age=604800"}
        return Response(picture(code), content_type="image/jpg", headers=headers)

    def _check_client(self, grant_type: object, appid: object, *, secret: object) -> None:
        account, rules = self._world.account, self._world.rules
        if grant_type != "client_credential":
            raise Refusal(40002)
        if not appid:
            raise Refusal(41002)
        if not secret:
            raise Refusal(41004)
        if appid != account.appid:
            raise Refusal(40013)
        if secret != account.secret:
            raise Refusal(40125)
        caller = request.remote_addr or ""
        if rules.ip_whitelist and caller not in rules.ip_whitelist:
            raise Refusal(40164, caller)

    def _check_token(self) -> None:
        world = self._world
        errcode = world.rules.unknown_token_errcode
        world.tokens.check(request.args.get("access_token"), world.clock.now(), unknown_errcode=errcode)


def _as_wechat(world: World, call: Callable[[], Answer]) -> Callable[[], Response]:
    """Answer as WeChat does: HTTP 200 and raw UTF-8 JSON, errors as a code and a text with a `rid`."""

    @wraps(call)
    def view() -> Response:
        try:
            with world.lock:
                _fail_on_request(world)
                answer = call()
        except Refusal as refusal:
            answer = _refused(refusal)
        return _said(world, answer)

    return view


def _refused(refusal: Refusal) -> Answer:
    errmsg = f"{refusal.errmsg} rid: {'-'.join(secrets.token_hex(4) for _ in range(3))}"
    return {"errcode": refusal.errcode, "errmsg": errmsg}


def _said(world: World, answer: Answer) -> Response:
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    return Response(text, content_type=world.rules.answer_content_type)


def _fail_on_request(world: World) -> None:
    errors = world.trouble.api_errors
    if errors:
        with world.changing():
            world.trouble = replace(world.trouble, api_errors=errors[1:])
        raise Refusal(errors[0])


def _json_body() -> dict[str, Any]:
    if request.method != "POST":
        raise Refusal(43002)
    body = request.get_data()
    if not body:
        raise Refusal(44002)
    try:
        # Whatever the Content-Type says: most clients send JSON without naming it.
        asked = json.loads(body.decode("utf-8"))
    except ValueError:
        raise Refusal(47001) from None
    if not isinstance(asked, dict):
        raise Refusal(47001)
    return asked
