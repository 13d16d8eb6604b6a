"""What all calls of the API share: token, body, quota, the form of an answer, and what befalls them."""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import ClientDisconnected

from wxbot.emulator.bodies import parsed
from wxbot.emulator.faults import happen
from wxbot.emulator.ledger import Call
from wxbot.emulator.refusals import Refusal
from wxbot.emulator.rules import API_FAULTS
from wxbot.emulator.world import SECRET, World

Answer = dict[str, Any]
OK: Answer = {"errcode": 0, "errmsg": "ok"}
# Calls whose body is nothing but credentials, whatever it names them.
SECRET_PATHS = re.compile("(stable_)?token/*|sns/.*")
SECRET_NAMES = re.compile("(secret|token)$", re.IGNORECASE)
# A backslash that is not itself escaped, before a `u`.
ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\u")


def calls_below(prefix: str, world: World, calls: Mapping[str, Callable[[], Answer]]) -> Blueprint:
    """Return calls by their paths below a prefix as a blueprint.

    Whatever else is called there is answered, counted and befallen in the same way, as unknown.
    """
    face = Blueprint(prefix.strip("/"), __name__, url_prefix=prefix)
    face.before_request(lambda: befall(world))
    face.after_request(lambda response: answered(world, response))
    for path, call in calls.items():
        face.add_url_rule(f"/{path}", path, as_wechat(world, call), methods=["GET", "POST"])
    every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    face.add_url_rule("/<path:unknown>", "unknown", as_wechat(world, _refuse_unknown), methods=every)
    return face


def as_wechat(world: World, call: Callable[[], Answer]) -> Callable[..., Response]:
    """Answer as WeChat does: HTTP 200 and raw UTF-8 JSON, errors as a code and a text with a `rid`."""

    @wraps(call)
    def view(**_place: str) -> Response:
        # A body may be long in coming, and nobody else waits for it: it is read before the lock is taken.
        request.get_data()
        try:
            with world.lock:
                _fail_on_request(world)
                answer = call()
        except Refusal as refusal:
            answer = _refused(refusal)
        return _said(world, answer)

    return view


def befall(world: World) -> Response | None:
    """Count the present call, and let happen to it what control asked for, before WeChat sees it."""
    path = _path()
    with world.lock:
        world.asked[path] += 1
        fault = world.trouble.fault_of(path, nth=world.asked[path])
    if fault == "lost":
        g.is_lost = True
        return None
    if fault in API_FAULTS:
        # Noted now: some of them take longer than anybody waits.
        enter(world, None, fault=fault)
        return happen(fault)
    return _said(world, _refused(Refusal(int(fault), request.remote_addr or ""))) if fault else None


def answered(world: World, response: Response) -> Response:
    """Note the end of the present call, and lose its answer if that was asked for."""
    if "is_entered" not in g:
        decided = 0 if response.status_code == 200 else None
        enter(world, g.get("errcode", decided), fault="lost" if "is_lost" in g else "")
    return happen("reset") if "is_lost" in g else response


def enter(world: World, errcode: int | None, *, fault: str) -> None:
    """Write the present call into the ledger."""
    g.is_entered = True
    path = _path()
    with world.lock:
        secret = world.account.secret
    query = _without_secrets({name: value for name, value in request.args.items() if name != "code"}, secret)
    body = None if SECRET_PATHS.fullmatch(path) else _without_secrets(_sent(), secret)
    with world.lock:
        number, at = world.new_number(), world.clock.now()
        world.ledger.enter(
            Call(number=number, at=at, path=path, query=query, body=body, errcode=errcode, fault=fault)
        )


def check_token(world: World) -> None:
    """Pass a call with a good access token; Refusal 40001, 40014, 41001 or 42001."""
    errcode = world.rules.unknown_token_errcode
    world.tokens.check(request.args.get("access_token"), world.clock.now(), unknown_errcode=errcode)


def check_verified(world: World) -> None:
    """Pass a verified account; Refusal 48001."""
    if not world.rules.is_verified:
        raise Refusal(48001)


def count_call(world: World, api: str) -> None:
    """Count one call of the day; Refusal 45009 when all are used."""
    world.calls.count(api, limit=world.rules.calls_a_day[api], now=world.clock.now())


def json_body(*, keeps_escapes: bool = False) -> Answer:
    r"""Return the JSON object that was posted; Refusal 43002, 44002 or 47001.

    `keeps_escapes`: a `\u4f60` stays what it is, since WeChat shows these six characters to people.
    """
    if request.method != "POST":
        raise Refusal(43002)
    body = request.get_data()
    if not body:
        raise Refusal(44002)
    if keeps_escapes:
        body = ESCAPE.sub(rb"\1\\\\u", body)
    try:
        # Whatever the Content-Type says: most clients send JSON without naming it.
        asked = parsed(body)
    except ValueError:
        raise Refusal(47001) from None
    if not isinstance(asked, dict):
        raise Refusal(47001)
    return asked


def _refuse_unknown() -> Answer:
    # Not documented; libraries that called a path which WeChat does not have were told 40066 (wechatpy #179).
    raise Refusal(40066 if request.method in ("GET", "POST") else 43002)


def _sent() -> Any:
    try:
        return parsed(request.get_data())
    except (ValueError, ClientDisconnected):
        return None


def _without_secrets(sent: Any, secret: str) -> Any:
    """Return what was sent without what is called a secret or a token, or is the account's own secret."""
    if isinstance(sent, dict):
        told = {name: inner for name, inner in sent.items() if SECRET_NAMES.search(name) is None}
        return {name: _without_secrets(inner, secret) for name, inner in told.items()}
    if isinstance(sent, list):
        return [_without_secrets(inner, secret) for inner in sent]
    # The one that the emulator has unless it is told another is known to everybody, and an ordinary word.
    return None if sent == secret != SECRET else sent


def _path() -> str:
    return request.path.removeprefix("/cgi-bin/").lstrip("/")


def _refused(refusal: Refusal) -> Answer:
    errmsg = f"{refusal.errmsg} rid: {'-'.join(secrets.token_hex(4) for _ in range(3))}"
    return {"errcode": refusal.errcode, "errmsg": errmsg, **refusal.more}


def _said(world: World, answer: Answer) -> Response:
    g.errcode = answer.get("errcode", 0)
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    return Response(text, content_type=world.rules.answer_content_type)


def _fail_on_request(world: World) -> None:
    errors = world.trouble.api_errors
    if errors:
        with world.changing():
            world.trouble = replace(world.trouble, api_errors=errors[1:])
        raise Refusal(errors[0], request.remote_addr or "")
