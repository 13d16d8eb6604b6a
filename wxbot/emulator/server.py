"""The face: WeChat's HTTP API as the account's software meets it, answered from the world."""

from collections.abc import Callable

from flask import Blueprint, Flask, Response, abort, request

from wxbot.emulator.authorize import authorize_face
from wxbot.emulator.calling import OK, Answer, calls_below, check_token, count_call, json_body
from wxbot.emulator.codes import picture
from wxbot.emulator.control import control_face
from wxbot.emulator.datacube import datacube_face
from wxbot.emulator.hand import Hand
from wxbot.emulator.menu import checked_menu
from wxbot.emulator.messages import MessageCalls
from wxbot.emulator.phone import phone_face
from wxbot.emulator.refusals import Refusal
from wxbot.emulator.sns import sns_face
from wxbot.emulator.tags import TagCalls
from wxbot.emulator.users import UserCalls
from wxbot.emulator.world import World

CLEARS_A_MONTH = 10


def create_emulator(world: World, *, hand: Hand | None = None) -> Flask:
    """Return the emulator as one application: WeChat's API and pages, the phone page, and `/control/`."""
    app = Flask(__name__, static_url_path="/static")
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    hand = hand or Hand(world)
    app.register_blueprint(api_face(world))
    app.register_blueprint(datacube_face(world))
    app.register_blueprint(sns_face(world))
    app.register_blueprint(authorize_face(world))
    app.register_blueprint(phone_face(world, hand))
    app.register_blueprint(control_face(world))
    return app


def api_face(world: World) -> Blueprint:
    """Return WeChat's API of a world as a blueprint."""
    calls = Calls(world)
    face = calls_below("/cgi-bin", world, {**_account_calls(calls), **_people_calls(world)})
    face.add_url_rule("/showqrcode", "showqrcode", calls.show_code)
    return face


def _account_calls(calls: "Calls") -> dict[str, Callable[[], Answer]]:
    return {
        "token": calls.token,
        "stable_token": calls.stable_token,
        "qrcode/create": calls.create_code,
        "openapi/quota/get": calls.read_quota,
        "clear_quota": calls.clear_quota,
        "getcallbackip": calls.read_ips,
        "get_api_domain_ip": calls.read_ips,
        "callback/check": calls.check_callback,
        "menu/create": calls.create_menu,
        "menu/get": calls.read_menu,
        "menu/delete": calls.delete_menu,
    }


def _people_calls(world: World) -> dict[str, Callable[[], Answer]]:
    messages, tags, users = MessageCalls(world), TagCalls(world), UserCalls(world)
    return {
        "message/custom/send": messages.send,
        "message/custom/typing": messages.show_typing,
        "tags/create": tags.create,
        "tags/get": tags.read,
        "tags/update": tags.rename,
        "tags/delete": tags.delete,
        "tags/members/batchtagging": tags.tag,
        "tags/members/batchuntagging": tags.untag,
        "tags/getidlist": tags.read_of_person,
        "user/tag/get": tags.read_members,
        "user/info": users.read_info,
        "user/info/batchget": users.read_infos,
        "user/get": users.read_followers,
    }


class Calls:
    """The API calls, named after what they do. Each raises Refusal where WeChat gives an error code."""

    def __init__(self, world: World) -> None:
        self._world = world

    def token(self) -> Answer:
        """GET token: the classic access token."""
        asked = request.args
        self._check_client(asked.get("grant_type"), asked.get("appid"), secret=asked.get("secret"))
        world = self._world
        count_call(world, "token")
        text, seconds = world.tokens.issue_classic(world.clock.now())
        return {"access_token": text, "expires_in": seconds}

    def stable_token(self) -> Answer:
        """POST stable_token: the same token for everybody who asks, until it nears its end or is forced."""
        asked = json_body()
        self._check_client(asked.get("grant_type"), asked.get("appid"), secret=asked.get("secret"))
        world = self._world
        count_call(world, "stable_token")
        limit = world.rules.stable_calls_a_minute
        world.minute_calls.count("stable_token", limit=limit, now=world.clock.now())
        is_forced = asked.get("force_refresh") is True
        text, seconds = world.tokens.issue_stable(world.clock.now(), is_forced=is_forced)
        return {"access_token": text, "expires_in": seconds}

    def create_code(self) -> Answer:
        """POST qrcode/create: one code of any of the four kinds."""
        world = self._world
        check_token(self._world)
        asked = json_body()
        if not world.rules.is_verified_service:
            raise Refusal(48001)
        count_call(world, "qrcode/create")
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
        check_token(self._world)
        path, limits = str(json_body().get("cgi_path")), world.rules.calls_a_day
        api = path.removeprefix("/cgi-bin/")
        if not path.startswith("/cgi-bin/") or api not in limits:
            raise Refusal(76021)
        used = world.calls.used(api, world.clock.now())
        quota = {"daily_limit": limits[api], "used": used, "remain": max(0, limits[api] - used)}
        return {**OK, "quota": quota}

    def clear_quota(self) -> Answer:
        """POST clear_quota: all daily quotas begin anew."""
        check_token(self._world)
        if json_body().get("appid") != self._world.account.appid:
            raise Refusal(40013)
        self._world.quota_clears.count("clear_quota", limit=CLEARS_A_MONTH, now=self._world.clock.now())
        self._world.calls.clear()
        return OK

    def read_ips(self) -> Answer:
        """GET getcallbackip and get_api_domain_ip: where pushes come from, and where the API is."""
        check_token(self._world)
        return {"ip_list": ["127.0.0.1"]}

    def check_callback(self) -> Answer:
        """POST callback/check: whether the callback's name can be found (`dns`), and reached (`ping`)."""
        check_token(self._world)
        asked = json_body()
        action, operator = asked.get("action"), asked.get("check_operator")
        if not self._world.account.callback_url:
            raise Refusal(40201)
        if action not in ("dns", "ping", "all"):
            raise Refusal(40202)
        if operator not in ("CHINANET", "UNICOM", "CAP", "DEFAULT"):
            raise Refusal(40203)
        found = {"ip": "127.0.0.1", "real_operator": "DEFAULT"}
        ping = {"ip": "127.0.0.1", "from_operator": operator, "package_loss": "0%", "time": "0.1ms"}
        told = {"dns": [found], "ping": [ping]}
        return {what: told[what] for what in told if action in (what, "all")}

    def create_menu(self) -> Answer:
        """POST menu/create: replace the menu."""
        world = self._world
        check_token(self._world)
        menu = checked_menu(json_body(), request.get_data())
        count_call(world, "menu/create")
        with world.changing():
            world.menu = menu
        return OK

    def read_menu(self) -> Answer:
        """GET menu/get: the menu, or 46003 when there is none."""
        check_token(self._world)
        if self._world.menu is None:
            raise Refusal(46003)
        return {"menu": self._world.menu}

    def delete_menu(self) -> Answer:
        """GET menu/delete: remove the menu; fine when there is none."""
        check_token(self._world)
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
            raise Refusal(rules.wrong_secret_errcode)
        caller = request.remote_addr or ""
        if rules.ip_whitelist and caller not in rules.ip_whitelist:
            raise Refusal(40164, caller)
