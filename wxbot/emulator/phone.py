"""The phone in the browser: one page, and the small JSON API that it speaks."""

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request

from wxbot.emulator.codes import Code
from wxbot.emulator.control import asked, state_of
from wxbot.emulator.hand import Hand, ImpossibleError
from wxbot.emulator.judge import Bubble
from wxbot.emulator.push import Delivery, Exchange
from wxbot.emulator.refusals import Refusal
from wxbot.emulator.words import LANGUAGES, words_for
from wxbot.emulator.world import Entry, Person, World

Answer = dict[str, Any]
SHOWN_ENTRIES = 80
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def phone_face(world: World, hand: Hand) -> Blueprint:
    """Return the page at `/` and `/phone/api/` of a world as a blueprint."""
    face = Blueprint("phone", __name__)

    @face.get("/")
    def page() -> Response:
        """Show the phone page in the reader's language."""
        language = language_of_reader()
        words = words_for(language)
        data = json.dumps(words, ensure_ascii=False).replace("<", "\\u003c")
        html = render_template("phone.html", t=words, lang=language, words=data, site=world.site_url)
        response = Response(html, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})
        response.headers["Cache-Control"] = "no-store"
        response.set_cookie("lang", language, max_age=31536000, samesite="Lax")
        return response

    @face.get("/phone/api/state")
    def state() -> Response:
        """Tell what the page shows for one person, or only the version when nothing has changed."""
        with world.lock:
            if request.args.get("since") == str(world.version):
                return jsonify(version=world.version, now=world.clock.now())
            return jsonify(_state(world, request.args.get("person", "")))

    _add_gestures(face, Gestures(world, hand))
    return face


class Gestures:
    """What the page can ask for. Each takes what is in its path, and the JSON body of the request."""

    def __init__(self, world: World, hand: Hand) -> None:
        self._world = world
        self._hand = hand

    def add_person(self) -> Answer:
        """Add somebody with a name."""
        name = _text("name")
        if not name or len(name) > 40:
            raise ImpossibleError("name")
        return {"openid": self._world.add_person(name).openid}

    def follow(self, openid: str) -> Answer:
        """Let somebody follow without a code."""
        self._hand.follow(openid)
        return {"page": "chat"}

    def unfollow(self, openid: str) -> Answer:
        """Let somebody stop following."""
        self._hand.unfollow(openid)
        return {"page": "chat"}

    def scan(self, openid: str) -> Answer:
        """Let somebody scan a code; `follows` is the consent to follow with it."""
        body = asked()
        return {
            "page": self._hand.scan(openid, str(body.get("ticket")), follows=body.get("follows") is True).page
        }

    def say(self, openid: str) -> Answer:
        """Let somebody write a text."""
        self._hand.say(openid, _text("content"))
        return {"page": "chat"}

    def tap(self, openid: str) -> Answer:
        """Let somebody tap a menu button, given as the list of positions."""
        path = asked().get("path")
        if not isinstance(path, list) or not all(type(position) is int for position in path):
            raise ValueError("path is a list of positions")
        self._hand.tap(openid, *path)
        return {"page": "chat"}

    def choose(self, openid: str) -> Answer:
        """Let somebody tap an item of a menu message: the number of its `entry`, and the item's id."""
        body = asked()
        entry = body.get("entry")
        if type(entry) is not int:
            raise ValueError("entry is a number")
        self._hand.choose(openid, entry, str(body.get("choice")))
        return {"page": "chat"}

    def redeliver(self, number: int) -> Answer:
        """Deliver a push once more."""
        return {"same": self._hand.redeliver(number).repeats_agree()}

    def add_code(self) -> Answer:
        """Mint a code from what the form holds."""
        body = asked()
        kind, scene = str(body.get("kind")), str(body.get("scene", "")).strip()
        is_text = "STR" in kind
        value: object = scene if is_text or not scene.isdecimal() else int(scene)
        wanted = {
            "action_name": kind,
            "action_info": {"scene": {"scene_str" if is_text else "scene_id": value}},
            "expire_seconds": body.get("expire_seconds", 604800),
        }
        world = self._world
        with world.changing():
            code = world.codes.create(wanted, now=world.clock.seconds(), rules=world.rules)
        return {"ticket": code.ticket}

    def verify(self) -> Answer:
        """Verify the callback URL."""
        asked()
        result = self._hand.verify()
        return {
            "is_verified": result.is_verified,
            "reason": result.reason,
            "status": result.status,
            "milliseconds": round(result.seconds * 1000),
            "answer": result.answer[:200].decode("utf-8", "replace"),
        }


def _add_gestures(face: Blueprint, gestures: Gestures) -> None:
    def add(path: str, gesture: Callable[..., Answer]) -> None:
        face.add_url_rule(f"/phone/api{path}", gesture.__name__, _answered(gesture), methods=["POST"])

    add("/people", gestures.add_person)
    add("/people/<openid>/follow", gestures.follow)
    add("/people/<openid>/unfollow", gestures.unfollow)
    add("/people/<openid>/scan", gestures.scan)
    add("/people/<openid>/text", gestures.say)
    add("/people/<openid>/menu", gestures.tap)
    add("/people/<openid>/choice", gestures.choose)
    add("/deliveries/<int:number>/again", gestures.redeliver)
    add("/codes", gestures.add_code)
    add("/verify", gestures.verify)


def _answered(gesture: Callable[..., Answer]) -> Callable[..., tuple[Response, int]]:
    @wraps(gesture)
    def view(**place: Any) -> tuple[Response, int]:
        try:
            asked()
            return jsonify(gesture(**place)), 200
        except ImpossibleError as error:
            return jsonify(error=error.reason), 409
        except Refusal as error:
            return jsonify(error="refused", detail=f"{error.errcode} {error.errmsg}"), 400
        except LookupError:
            return jsonify(error="no_such_person"), 404
        except ValueError as error:
            return jsonify(error="bad_request", detail=str(error)), 400

    return view


def language_of_reader() -> str:
    """Return the language that the reader of the present page chose, or else the browser's."""
    wanted = request.args.get("lang") or request.cookies.get("lang")
    if wanted in LANGUAGES:
        return wanted
    best = request.accept_languages.best_match(["zh-CN", "zh", "en"], default="zh-CN")
    return "en" if best == "en" else "zh-CN"


def _text(name: str) -> str:
    value = asked().get(name)
    return value.strip() if isinstance(value, str) else ""


def _state(world: World, openid: str) -> Answer:
    now = world.clock.now()
    conversation = world.conversations.get(openid)
    entries = conversation.entries[-SHOWN_ENTRIES:] if conversation else []
    ends = {entry.delivery: entry.number for entry in entries if entry.delivery}
    return {
        **state_of(world),
        "version": world.version,
        "people": [_person(world, person) for person in world.people.values()],
        "person": openid,
        "waiting": conversation.waiting if conversation else 0,
        "typing_until": conversation.typing_until if conversation else 0,
        "entries": [
            _entry(world, entry, is_end=ends.get(entry.delivery) == entry.number) for entry in entries
        ],
        "codes": [_code(world, code, now) for code in reversed(world.codes.minted.values())],
        "menu": world.menu["button"] if world.menu else [],
    }


def _person(world: World, person: Person) -> Answer:
    conversation = world.conversations[person.openid]
    entries = conversation.entries
    last = next((entry.bubble for entry in reversed(entries) if entry.bubble), None)
    return {
        **asdict(person),
        "tags": [world.tags[tag_id] for tag_id in sorted(world.tags_of[person.openid])],
        "windows": [asdict(window) for window in conversation.windows.open_at(world.clock.now())],
        "preview": _preview(last)[:60] if last else "",
        "kind": last.kind if last else "",
        "at": entries[-1].at if entries else None,
        "waiting": conversation.waiting,
    }


def _preview(bubble: Bubble) -> str:
    return bubble.text or bubble.title or (bubble.articles[0].title if bubble.articles else "")


def _code(world: World, code: Code, now: float) -> Answer:
    return {**asdict(code), "is_expired": code.is_expired(now), "scans": world.scans.get(code.ticket, 0)}


def _entry(world: World, entry: Entry, *, is_end: bool) -> Answer:
    """Return an entry for the page; the exchanges go under the last entry of their push."""
    delivery = world.deliveries.get(entry.delivery) if is_end else None
    return {**asdict(entry), "exchanges": _exchanges(delivery) if delivery else []}


def _exchanges(delivery: Delivery) -> list[Answer]:
    return [_exchange(item, delivery) for item in delivery.exchanges]


def _exchange(item: Exchange, delivery: Delivery) -> Answer:
    return {
        "attempt": item.attempt,
        "at": item.started_at,
        "milliseconds": round(item.seconds * 1000),
        "status": item.status,
        "outcome": item.verdict.outcome,
        "reason": item.verdict.reason,
        "detail": item.verdict.detail,
        "is_repeat": item.is_repeat,
        "is_same": delivery.agrees(item) if item.is_repeat else None,
        "query": item.query,
        "request_xml": item.request_xml,
        "reply_xml": item.reply_xml,
    }
