"""Table A: who is speaking. Changed queries, captured ones, other modes, broken envelopes."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.hostile.case import ENCRYPTED, SIGNED_ALONE, Case, End
from tests.hostile.forging import Forger, Request
from wxbot.emulator import wire

_Other = Callable[[Forger, wire.Push], wire.Push]

_SIGNATURES = {
    "missing": None,
    "empty": "",
    "zeros": "0" * 40,
    "short": "0" * 39,
    "long": "0" * 41,
    "longest": "0" * 3000,
    "accents": "é" * 40,
    "full-width": "０" * 40,
    "nul": "\0" * 40,
    "not-utf-8": b"\xff" * 40,
    "surrogate": "\ud800" * 40,
    "markup": "<script>alert(1)</script>",
    "header": "a\r\nSet-Cookie: a=b",
    "sql": "' OR 1=1 --",
}
_TIMES = {
    "missing": None,
    "empty": "",
    "word": "now",
    "negative": "-1",
    "zero": "0000000000",
    "nine-digits": "999999999",
    "2014": "1400000000",
    "2038": "2147483648",
    "2100": "4102444800",
    "last": "9999999999",
    "eleven-digits": "17000000000",
    "endless": "9" * 4000,
    "float": "1.7e9",
    "hex": "0x65000000",
    "infinite": "inf",
    "arabic": "١٧٠٠٠٠٠٠٠٠",
}
_NONCES = {
    "missing": None,
    "empty": "",
    "33": "7" * 33,
    "space": "1 2",
    "line": "1\n",
    "nul": "1\0",
    "cdata": "1]]>",
    "markup": "<a>",
    "accent": "é",
    "emoji": "😀",
    "not-utf-8": b"\xff",
    "path": "../1",
    "percent": "%31",
    "dash": "1-2",
}
_ECHOES = {
    "markup": "<script>alert(1)</script>",
    "entity": "&lt;",
    "quote": "a'b",
    "space": "a b",
    "line": "a\r\nSet-Cookie: a=b",
    "empty": "",
    "129": "1" * 129,
    "accent": "é",
    "nul": "a\0",
    "missing": None,
}

_OUTER = {
    "nothing": " ",
    "no xml": "junk",
    "no Encrypt": "<xml/>",
    "empty Encrypt": "<xml><Encrypt></Encrypt></xml>",
    "two": "<xml><Encrypt>{encrypted}</Encrypt><Encrypt>{encrypted}</Encrypt></xml>",
    "nested": "<xml><Encrypt><a>{encrypted}</a></Encrypt></xml>",
    "deeper": "<xml><a><Encrypt>{encrypted}</Encrypt></a></xml>",
    "other root": "<wx><Encrypt>{encrypted}</Encrypt></wx>",
    "doctype": "<!DOCTYPE xml><xml><Encrypt>{encrypted}</Encrypt></xml>",
    "cut off": "<xml><Encrypt>{encrypted}",
    "in small letters": "<xml><encrypt>{encrypted}</encrypt></xml>",
}
_CIPHERTEXTS = {
    "not base64": "!" * 64,
    "base64 of nothing": "=",
    "one block": "A" * 22 + "==",
    "17 bytes": "A" * 23 + "=",
    "zeros": "A" * 128,
    "accents": "é" * 64,
    "url-safe": "-_" * 32,
    "other account's": "",
}


def cases() -> Iterator[Case]:
    """Yield the cases of table A."""
    yield from _signatures()
    yield from _stamps()
    yield from _queries()
    yield from _replays()
    yield from _modes()
    yield from _envelopes()
    yield from _verifications()


def _signatures() -> Iterator[Case]:
    for name, value in _SIGNATURES.items():
        both = {"signature": value, "msg_signature": value}
        yield Case("A1", f"signature {name}", End.REFUSED, lambda it, v=both: it.genuine().changed(**v))
        for one, where in (("signature", SIGNED_ALONE), ("msg_signature", ENCRYPTED)):
            alone = {one: value}
            yield Case(
                "A1", f"{one} alone {name}", End.REFUSED, lambda it, v=alone: it.genuine().changed(**v), where
            )
    yield Case("A1", "signature in capitals", End.REFUSED, _in_capitals)
    yield Case("A1", "no query", End.REFUSED, lambda it: replace(it.genuine(), query=b""))
    yield Case("A1", "another token", End.REFUSED, lambda it: _as_other(it, token="another0callback0token"))
    yield Case("A1", "empty token", End.REFUSED, lambda it: _as_other(it, token=""))
    for path in ("/wechat/nobody", "/wechat/Default", "/wechat/%00", "/wechat/" + "x" * 900):
        yield Case(
            "A1", f"account {path[:20]}", End.REFUSED, lambda it, p=path: replace(it.genuine(), path=p)
        )


def _stamps() -> Iterator[Case]:
    for name, value in _TIMES.items():
        stamp = {"timestamp": value}
        yield Case("A2", f"signed time {name}", End.REFUSED, lambda it, s=stamp: it.document(_scan(it), s))
    for name, value in _NONCES.items():
        stamp = {"nonce": value}
        yield Case("A2", f"signed nonce {name}", End.REFUSED, lambda it, s=stamp: it.document(_scan(it), s))
    for seconds in (-86400, -3600, -310, 330, 3600, 86400):
        yield Case(
            "A2",
            f"{seconds} s aside",
            End.REFUSED,
            lambda it, s=seconds: it.dated(timestamp=str(it.now() + s)),
        )
    for name, form in (("space before", " {}"), ("line behind", "{}\n"), ("plus", "+{}"), ("zero", "0{}")):
        yield Case(
            "A2", f"time with {name}", End.REFUSED, lambda it, f=form: it.dated(timestamp=f.format(it.now()))
        )


def _queries() -> Iterator[Case]:
    for name in ("timestamp", "nonce"):
        yield Case("A1", f"doubled {name}", End.REFUSED, lambda it, n=name: _doubled(it, n))
        yield Case("A1", f"{name} as a list", End.REFUSED, lambda it, n=name: _renamed(it, n, f"{n}[]"))
        yield Case("A1", f"{name} in capitals", End.REFUSED, lambda it, n=name: _renamed(it, n, n.upper()))
    yield Case("A1", "doubled signature", End.REFUSED, lambda it: _doubled(it, "signature"))
    yield Case(
        "A1", "doubled msg_signature", End.REFUSED, lambda it: _doubled(it, "msg_signature"), ENCRYPTED
    )
    yield Case("A1", "all doubled", End.REFUSED, _all_doubled)
    yield Case("A1", "doubled in disguise", End.REFUSED, lambda it: _more(it, b"&%6eonce=1"))
    yield Case("A1", "semicolons", End.REFUSED, _with_semicolons)
    yield Case("A1", "5000 bytes", End.REFUSED, lambda it: _more(it, b"&x=" + b"1" * 5000))
    yield Case("A1", "in the body", End.REFUSED, lambda it: Request(b"", it.genuine().query))


def _replays() -> Iterator[Case]:
    others: dict[str, _Other] = {
        "scene": lambda it, _: it.push("other"),
        "person": lambda it, _: it.push(),
        "follow": lambda it, _: wire.follow(it.openid(), it.now()),
        "unfollow": lambda it, push: wire.unfollow(push.openid, it.now()),
        "text": lambda it, push: wire.text(push.openid, it.now(), content="hello", msg_id=7),
        "later": lambda it, push: replace(push, created=push.created + 1),
    }
    for name, other in others.items():
        yield Case("A3", f"captured query, {name}", End.REFUSED, lambda it, o=other: _swapped(it, o))
        yield Case("A4", f"dated anew, {name}", End.REFUSED, lambda it, o=other: _redated(it, o))
    for name, body in (("nothing", b""), ("junk", b"junk"), ("no xml", b"{}")):
        yield Case(
            "A3",
            f"captured query, {name}",
            End.REFUSED,
            lambda it, b=body: replace(it.captured(), body=b),
        )
    yield Case(
        "A3",
        "captured query, ambiguous document",
        End.REFUSED,
        lambda it: replace(it.captured(), body=it.fields("<Event>a</Event><Event>b</Event>")),
    )
    yield Case("A3", "plain twin of a captured one", End.REFUSED, _plain_twin, ENCRYPTED)
    yield Case("A3", "verification and event", End.REFUSED, _verified, SIGNED_ALONE)
    yield Case("A3", "identical", End.REPEATED, lambda it: it.captured())
    for name, seconds in (("an hour", 3600), ("a day", 86_400), ("a year", 31_536_000)):
        yield Case(
            "A4", f"held back for {name}", End.REFUSED, lambda it, s=seconds: _held_back(it, s), ENCRYPTED
        )
    yield Case("A4", "dated anew, the same", End.REPEATED, lambda it: _redated(it, lambda _, push: push))


def _modes() -> Iterator[Case]:
    yield Case("A5", "plain", End.REFUSED, lambda it: it.genuine(mode="plain"), ENCRYPTED)
    for value in ("aes", "raw", "", "AES"):
        yield Case(
            "A5",
            f"plain, encrypt_type={value}",
            End.REFUSED,
            lambda it, v=value: it.genuine(mode="plain").changed(encrypt_type=v),
            ENCRYPTED,
        )
        yield Case(
            "A5",
            f"plain with a signature of its own, encrypt_type={value}",
            End.REFUSED,
            lambda it, v=value: _twice_signed(it).changed(encrypt_type=v),
            ENCRYPTED,
        )
        yield Case(
            "A5",
            f"encrypted, encrypt_type={value}",
            End.ANSWERED,
            lambda it, v=value: it.genuine().changed(encrypt_type=v),
            ENCRYPTED,
        )
    yield Case("A5", "encrypted", End.KEPT, lambda it: it.genuine(mode="safe"), ("plain",))
    yield Case(
        "A5", "no msg_signature", End.REFUSED, lambda it: it.genuine().changed(msg_signature=None), ENCRYPTED
    )
    yield Case("A5", "other fields outside", End.ANSWERED, _outer_fields, ENCRYPTED)


def _envelopes() -> Iterator[Case]:
    for name, outer in _OUTER.items():
        yield Case("A7", f"envelope: {name}", End.REFUSED, lambda it, o=outer: _around(it, o), ENCRYPTED)
    for name, text in _CIPHERTEXTS.items():
        made = (
            (lambda it, t=text: it.enveloped(t)) if text else (lambda it: _foreign(it, "wx00000000000000ff"))
        )
        yield Case("A7", f"ciphertext: {name}", End.REFUSED, made, ENCRYPTED)
    for appid in (
        "wx0000000000000001 ",
        "WX0000000000000001",
        "wx000000000000000",
        "wx00000000000000011",
        "x",
    ):
        yield Case("A7", f"appid {appid!r}", End.REFUSED, lambda it, a=appid: _foreign(it, a), ENCRYPTED)
    for name, pad in {
        "0": b"\0" * 32,
        "33": b"\x21" * 33,
        "255": b"\xff" * 32,
        "uneven": b"\x01" * 15 + b"\x20",
        "none": b"",
    }.items():
        yield Case("A7", f"padding {name}", End.REFUSED, lambda it, p=pad: _padded(it, p), ENCRYPTED)
    for name, length in {
        "too long": 1,
        "huge": 2**31,
        "largest": 2**32 - 1,
        "short": -1,
        "none": None,
    }.items():
        yield Case("A7", f"length {name}", End.REFUSED, lambda it, n=length: _lying(it, n), ENCRYPTED)
    for place in (0, 16, -1, -17):
        yield Case(
            "A7", f"flipped byte {place}", End.REFUSED, lambda it, at=place: _flipped(it, at), ENCRYPTED
        )


def _verifications() -> Iterator[Case]:
    for name, value in _ECHOES.items():
        yield Case(
            "A10",
            f"echo {name}",
            End.REFUSED,
            lambda it, v=value: Request(it.stamped({"echostr": v}), method="GET"),
        )
    yield Case(
        "A10",
        "unsigned",
        End.REFUSED,
        lambda it: Request(it.stamped({"echostr": "123"}), method="GET").changed(signature="0" * 40),
    )
    yield Case(
        "A10",
        "late",
        End.REFUSED,
        lambda it: Request(it.stamped({"echostr": "123", "timestamp": str(it.now() - 310)}), method="GET"),
    )
    yield Case("A10", "doubled", End.REFUSED, lambda it: _echoed(it, b"&echostr=1"))
    yield Case("A10", "event by GET", End.REFUSED, lambda it: replace(it.genuine(), method="GET"))
    yield Case("A10", "post with an echo", End.ANSWERED, lambda it: _more(it, b"&echostr=123"))
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"):
        yield Case("A10", method, End.NOT_ALLOWED, lambda it, m=method: replace(it.genuine(), method=m))
    for path in ("/wechat/", "/wechat//default", "/wechat/default/", "/WECHAT", "/wechat.php", "/wechat/a/b"):
        yield Case("A10", f"path {path}", End.NOT_THERE, lambda it, p=path: replace(it.genuine(), path=p))


def _scan(it: Forger) -> bytes:
    return wire.document(it.push(), it.sender.gh_id).encode()


def _in_capitals(it: Forger) -> Request:
    request = it.genuine()
    values = dict(parse_qsl(request.query.decode()))
    # Digits alone would be the same in capitals.
    signed = {name: values[name].upper() + "F" for name in ("signature", "msg_signature") if name in values}
    return request.changed(**{name: value[:40] for name, value in signed.items()})


def _as_other(it: Forger, *, token: str) -> Request:
    return Forger(replace(it.sender, token=token), it.target, it.now).genuine(it.push())


def _doubled(it: Forger, name: str) -> Request:
    value = dict(parse_qsl(it.genuine().query.decode()))[name]
    return _more(it, f"&{name}={value}".encode())


def _all_doubled(it: Forger) -> Request:
    request = it.genuine()
    return replace(request, query=request.query + b"&" + request.query)


def _more(it: Forger, query: bytes) -> Request:
    request = it.genuine()
    return replace(request, query=request.query + query)


def _renamed(it: Forger, name: str, other: str) -> Request:
    request = it.genuine()
    return replace(request, query=request.query.replace(f"{name}=".encode(), f"{other}=".encode()))


def _with_semicolons(it: Forger) -> Request:
    request = it.genuine()
    return replace(request, query=request.query.replace(b"&", b";"))


def _swapped(it: Forger, other: _Other) -> Request:
    push = it.push()
    captured = it.captured(push)
    return replace(captured, body=it.genuine(other(it, push)).body)


def _redated(it: Forger, other: _Other) -> Request:
    """Let time and nonce of a captured request trade places: nothing separates them where they are signed."""
    push = it.push()
    captured = it.captured(push, nonce=it.later())
    values = dict(parse_qsl(captured.query.decode()))
    again = captured.changed(timestamp=values["nonce"], nonce=values["timestamp"])
    new = other(it, push)
    return again if new == push else replace(again, body=it.genuine(new).body)


def _held_back(it: Forger, seconds: int) -> Request:
    """Return a genuine event that was never delivered and whose signature fits a later time as well."""
    return it.genuine(replace(it.push(), created=it.now() - seconds))


def _plain_twin(it: Forger) -> Request:
    push = it.push()
    return replace(it.captured(push), body=it.genuine(push, mode="plain").body)


def _verified(it: Forger) -> Request:
    query = it.stamped({"echostr": "4375120948345356249"})
    assert it.target.send(Request(query, method="GET")).status == 200
    return replace(it.genuine(), query=query) if it.mode == "plain" else _half_signed(it, query)


def _half_signed(it: Forger, query: bytes) -> Request:
    """Return an encrypted event under the outer signature of something else, as if that leaked alone."""
    values = dict(parse_qsl(query.decode()))
    encrypted = it.sender.cipher.encrypt(_scan(it))
    stamp = {name: values[name] for name in ("timestamp", "nonce")}
    return it.enveloped(encrypted, stamp=stamp)


def _twice_signed(it: Forger) -> Request:
    """Return a plain event whose plain signature is given for that of the message as well."""
    request = it.genuine(mode="plain")
    return request.changed(msg_signature=dict(parse_qsl(request.query.decode()))["signature"])


def _outer_fields(it: Forger) -> Request:
    """Put fields of another event around the genuine ciphertext; only what is inside may count."""
    request = it.genuine()
    more = b"<FromUserName>oVICTIM</FromUserName><EventKey>evil</EventKey><Content>evil</Content></xml>"
    body = request.body.strip()
    if it.mode == "compatible":
        return replace(request, body=body.replace(b"vip", b"evil").replace(b"oHostile", b"oVICTIM"))
    return replace(request, body=body.removesuffix(b"</xml>") + more)


def _around(it: Forger, outer: str) -> Request:
    return it.enveloped(it.sender.cipher.encrypt(_scan(it)), outer=outer)


def _foreign(it: Forger, appid: str) -> Request:
    return it.enveloped(replace(it.sender, appid=appid).cipher.encrypt(_scan(it)))


def _padded(it: Forger, pad: bytes) -> Request:
    return _raw(it, _frame(it), pad)


def _lying(it: Forger, by: int | None) -> Request:
    frame = _frame(it)
    length = int.from_bytes(frame[16:20], "big")
    lie = 0 if by is None else min(max(length + by, 0), 2**32 - 1)
    return _raw(it, frame[:16] + lie.to_bytes(4, "big") + frame[20:])


def _frame(it: Forger) -> bytes:
    document = _scan(it)
    return b"0" * 16 + len(document).to_bytes(4, "big") + document + it.sender.appid.encode()


def _raw(it: Forger, frame: bytes, pad: bytes | None = None) -> Request:
    """Encrypt bytes that no cipher of ours would make."""
    key = base64.b64decode(it.sender.aes_key + "=")
    size = 32 - len(frame) % 32
    filled = frame + (bytes([size]) * size if pad is None else pad)
    filled += b"\0" * (-len(filled) % 16) if pad is None else filled[-1:] * (-len(filled) % 16)
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return it.enveloped(base64.b64encode(encryptor.update(filled) + encryptor.finalize()).decode())


def _flipped(it: Forger, place: int) -> Request:
    raw = bytearray(base64.b64decode(it.sender.cipher.encrypt(_scan(it))))
    raw[place] ^= 1
    return it.enveloped(base64.b64encode(bytes(raw)).decode())


def _echoed(it: Forger, more: bytes) -> Request:
    return Request(it.stamped({"echostr": "123"}) + more, method="GET")
