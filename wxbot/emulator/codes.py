"""Parametric QR codes of the emulated account: what may be minted, the tickets, and the picture."""

import base64
import io
import re
import secrets
import struct
from dataclasses import dataclass
from typing import Any, Literal

import segno
from PIL import Image

from wxbot.emulator.refusals import Refusal
from wxbot.emulator.rules import Rules

Kind = Literal["QR_SCENE", "QR_STR_SCENE", "QR_LIMIT_SCENE", "QR_LIMIT_STR_SCENE"]
KINDS: tuple[Kind, ...] = ("QR_SCENE", "QR_STR_SCENE", "QR_LIMIT_SCENE", "QR_LIMIT_STR_SCENE")
LONGEST_EXPIRY = 2592000
LARGEST_NUMBER = 4294967295
LARGEST_PERMANENT_NUMBER = 100000
PICTURE_PIXELS = 430
PRINTABLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, kw_only=True)
class Code:
    """A code that was minted; `expire_seconds` 0 means permanent, `url` is what the picture contains."""

    kind: Kind
    scene: str
    ticket: str
    url: str
    created_at: int
    expire_seconds: int

    def is_expired(self, now: float) -> bool:
        """Say whether a temporary code has run out at this time of the platform."""
        return self.expire_seconds > 0 and now >= self.created_at + self.expire_seconds


def make_ticket(code: str, created: int, expire: int) -> str:
    """Return the ticket of a code as WeChat builds it: URL, creation, expiry and checksum in base64."""
    url = b"http://weixin.qq.com/q/" + code.encode("ascii") + b"\0"
    body = bytes([1, len(url)]) + url
    body += b"\x02\x04" + struct.pack("<I", created) + b"\x03\x04" + struct.pack("<I", expire)
    checksum = ~sum(octet - 256 if octet > 127 else octet for octet in body) & 0xFFFF
    return base64.urlsafe_b64encode(b"\x81\x01" + struct.pack("<HII", checksum, len(body), 0) + body).decode()


class Codes:
    """All codes of the account, oldest first. There is no way to delete one, as on the real platform."""

    def __init__(self) -> None:
        self.minted: dict[str, Code] = {}

    def create(self, request: dict[str, Any], *, now: int, rules: Rules) -> Code:
        """Mint the code that the body of `qrcode/create` asks for; Refusal 40052, 40053 or 45029."""
        kind = request.get("action_name")
        if kind not in KINDS:
            raise Refusal(40052)
        scene = _scene(kind, request.get("action_info"), rules)
        expire = 0 if _is_permanent(kind) else _expiry(request, rules)
        if _is_permanent(kind):
            taken = self._taken(kind)
            if rules.reuses_permanent_codes and scene in taken:
                return taken[scene]
            quota = rules.permanent_text_quota if _is_text(kind) else rules.permanent_number_quota
            if len(taken) >= quota:
                raise Refusal(45029)
        return self._mint(kind, scene, expire=expire, now=now)

    def find(self, ticket: str) -> Code | None:
        """Return the code of a ticket, expired or not."""
        return self.minted.get(ticket)

    def _taken(self, kind: Kind) -> dict[str, Code]:
        return {code.scene: code for code in self.minted.values() if code.kind == kind}

    def _mint(self, kind: Kind, scene: str, *, expire: int, now: int) -> Code:
        name = _name_of_code(is_permanent=expire == 0)
        ticket = make_ticket(name, now, expire)
        url = f"http://weixin.qq.com/q/{name}"
        code = Code(kind=kind, scene=scene, ticket=ticket, url=url, created_at=now, expire_seconds=expire)
        self.minted[ticket] = code
        return code


def picture(code: Code) -> bytes:
    """Return the JPEG of a code: 430 pixels square, with a quiet zone, readable by any scanner."""
    # Micro QR codes are smaller, and WeChat cannot read them.
    matrix = segno.make(code.url, error="l", micro=False)
    scale = PICTURE_PIXELS // matrix.symbol_size(border=4)[0]
    drawn = io.BytesIO()
    matrix.save(drawn, kind="png", scale=scale, border=4)
    canvas = Image.new("L", (PICTURE_PIXELS, PICTURE_PIXELS), 255)
    with Image.open(drawn) as symbol:
        margin = (PICTURE_PIXELS - symbol.width) // 2
        canvas.paste(symbol.convert("L"), (margin, margin))
    jpeg = io.BytesIO()
    canvas.save(jpeg, "JPEG", quality=92)
    return jpeg.getvalue()


def _is_permanent(kind: Kind) -> bool:
    return "LIMIT" in kind


def _is_text(kind: Kind) -> bool:
    return "STR" in kind


def _name_of_code(*, is_permanent: bool) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    letters = "".join(secrets.choice(alphabet) for _ in range(20))
    return f"02{letters[:11]}10000{letters[16:]}" if is_permanent else f"02{letters}"


def _expiry(request: dict[str, Any], rules: Rules) -> int:
    seconds = request.get("expire_seconds", rules.default_expire_seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise Refusal(40053)
    if 1 <= seconds <= LONGEST_EXPIRY:
        return seconds
    if rules.long_expiry == "clamp":
        return max(1, min(seconds, LONGEST_EXPIRY))
    raise Refusal(40053)


def _scene(kind: Kind, action_info: object, rules: Rules) -> str:
    scene = action_info.get("scene") if isinstance(action_info, dict) else None
    if not isinstance(scene, dict):
        if rules.lenient_scenes:
            return "0"
        raise Refusal(40053)
    if _is_text(kind):
        return _text_scene(scene.get("scene_str"), rules)
    largest = LARGEST_PERMANENT_NUMBER if _is_permanent(kind) else LARGEST_NUMBER
    return _number_scene(scene.get("scene_id"), largest, is_lenient=rules.lenient_scenes)


def _text_scene(value: object, rules: Rules) -> str:
    if not isinstance(value, str) or not value:
        raise Refusal(40053)
    length = len(value.encode("utf-8", "replace")) if rules.scene_length == "bytes" else len(value)
    if length > 64 or (rules.scene_texts == "ascii" and not PRINTABLE.fullmatch(value)):
        raise Refusal(40053)
    return value


def _number_scene(value: object, largest: int, *, is_lenient: bool) -> str:
    if is_lenient and isinstance(value, str):
        # int() takes no more than 4,300 digits, and twenty are larger than any scene.
        digits = value.lstrip("0")[:20] or "0"
        return str(min(int(digits), largest)) if value.isascii() and value.isdigit() else "0"
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refusal(40053)
    if is_lenient and value > largest:
        return str(largest)
    if not 1 <= value <= largest:
        raise Refusal(40053)
    return str(value)
