"""Tables B and C: hostile documents, and scenes and texts that try to become part of the answer."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

from tests.hostile.case import ALL, ENCRYPTED, Case, End
from tests.hostile.forging import Forger, Request
from wxbot.emulator import wire

_SCAN = "<Event>SCAN</Event><EventKey>vip</EventKey>"
_numbers = itertools.count(1)

# Instead of the whole document. {} is where a genuine one would stand.
_NO_XML = {
    "empty": b"",
    "blank": b" \n",
    "text": b"hello",
    "json": b'{"Event": "SCAN"}',
    "html": b"<!doctype html><p>",
    "cut off": b"<xml><MsgType>event",
    "two roots": b"<xml></xml><xml></xml>",
    "text behind": b"<xml></xml>x",
    "not closed": b"<xml><a></xml>",
    "no name": b"<xml><></></xml>",
    "doctype": b"<!DOCTYPE xml>{}",
    "external doctype": b'<!DOCTYPE xml SYSTEM "file:///etc/passwd">{}',
    "remote doctype": b'<!DOCTYPE xml PUBLIC "-//A" "http://127.0.0.1:9/a.dtd">{}',
    "entity": b'<!DOCTYPE xml [<!ENTITY a "b">]><xml><a>&a;</a></xml>',
    "file entity": b'<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><a>&a;</a></xml>',
    "parameter entity": b'<!DOCTYPE xml [<!ENTITY % a SYSTEM "http://127.0.0.1:9/"> %a;]><xml/>',
    "attribute list": b'<!DOCTYPE xml [<!ATTLIST xml a CDATA "b">]>{}',
    "unknown entity": b"<xml><a>&nbsp;</a></xml>",
    "laughs": b'<!DOCTYPE x [<!ENTITY a "ha">%s]><xml>&j;</xml>'
    % b"".join(b'<!ENTITY %c "%s">' % (c, b"&%c;" % (c - 1) * 10) for c in range(ord("b"), ord("k"))),
    "quadratic": b'<!DOCTYPE x [<!ENTITY a "%s">]><xml>%s</xml>' % (b"a" * 2000, b"&a;" * 5000),
    "bad utf-8": b"<xml><a>\xff</a></xml>",
    "overlong": b"<xml><a>\xc0\xbc</a></xml>",
    "surrogate": b"<xml><a>\xed\xa0\x80</a></xml>",
    "gbk": "<xml><a>汉字</a></xml>".encode("gbk"),
    "utf-16": "<xml><a>x</a></xml>".encode("utf-16"),
    "utf-32": "<xml><a>x</a></xml>".encode("utf-32"),
    "utf-7": b'<?xml version="1.0" encoding="utf-7"?>+ADw-xml/>',
    "beyond unicode": b"<xml><a>&#x110000000;</a></xml>",
    "depth 6": b"<xml>" + b"<a>" * 6 + b"</a>" * 6 + b"</xml>",
    "depth 5000": b"<a>" * 5000 + b"</a>" * 5000,
    "201 elements": b"<xml>" + b"<a/>" * 201 + b"</xml>",
    "10000 elements": b"<xml>" + b"<a/>" * 10000 + b"</xml>",
    "9 attributes": b"<xml><a " + b" ".join(b"a%d='1'" % n for n in range(9)) + b"/></xml>",
    "4000 attributes": b"<xml><a " + b" ".join(b"a%d='1'" % n for n in range(4000)) + b"/></xml>",
    "doubled attribute": b"<xml><a b='1' b='2'/></xml>",
    "long name": b"<xml><" + b"a" * 65 + b"/></xml>",
    "long attribute": b"<xml><a " + b"a" * 65 + b"='1'/></xml>",
}
_AMBIGUOUS_ROOTS = {
    "other root": b"<wx><MsgType>event</MsgType></wx>",
    "capital root": b"<XML><MsgType>event</MsgType></XML>",
    "prefixed root": b"<a:xml xmlns:a='b'><MsgType>event</MsgType></a:xml>",
    "no fields": b"<xml/>",
    "text only": b"<xml>event</xml>",
    "nul": b"<xml><a>\0</a></xml>",
    "control": b"<xml><a>\x0b</a></xml>",
    "nul reference": b"<xml><a>&#0;</a></xml>",
    "surrogate reference": b"<xml><a>&#xd800;</a></xml>",
    "noncharacter": b"<xml><a>&#xffff;</a></xml>",
}
# What stands behind the common fields.
_AMBIGUOUS = {
    "no event": "",
    "empty event": "<Event></Event>" + "<EventKey>vip</EventKey>",
    "two events": "<Event>SCAN</Event><Event>subscribe</Event><EventKey>vip</EventKey>",
    "nested event": "<Event><a>SCAN</a></Event>",
    "event with an attribute": "<Event a='1'>SCAN</Event>",
    "long event": f"<Event>{'a' * 200}</Event>",
    "two keys": "<Event>SCAN</Event><EventKey>a</EventKey><EventKey>b</EventKey>",
    "two keys of a follow": "<Event>subscribe</Event><EventKey>qrscene_a</EventKey><EventKey>b</EventKey>",
    "nested key": "<Event>SCAN</Event><EventKey><a>vip</a></EventKey>",
    "key with an attribute": "<Event>SCAN</Event><EventKey a='1'>vip</EventKey>",
    "second person": f"{_SCAN}<FromUserName>oVICTIM</FromUserName>",
    "second account": f"{_SCAN}<ToUserName>gh_2</ToUserName>",
    "second time": f"{_SCAN}<CreateTime>1</CreateTime>",
    "second kind": f"{_SCAN}<MsgType>text</MsgType>",
    "two ids": f"{_SCAN}<MsgId>1</MsgId><MsgId>2</MsgId>",
    "long id": f"{_SCAN}<MsgId>{'9' * 5000}</MsgId>",
    "id in words": f"{_SCAN}<MsgId>one</MsgId>",
}
_AMBIGUOUS_FIELDS = {
    name: {field: value and f"<{field}>{value}</{field}>"}
    for name, field, value in (
        ("nobody", "FromUserName", ""),
        ("nested person", "FromUserName", "<a>o1</a>"),
        ("long person", "FromUserName", "o" * 129),
        ("no account", "ToUserName", ""),
        ("no time", "CreateTime", ""),
        ("time NaN", "CreateTime", "NaN"),
        ("time 1e9", "CreateTime", "1e9"),
        ("negative time", "CreateTime", "-1"),
        ("long time", "CreateTime", "9" * 20),
        ("nested time", "CreateTime", "<a>1</a>"),
        ("no kind", "MsgType", ""),
        ("nested kind", "MsgType", "<a>event</a>"),
        ("long kind", "MsgType", "e" * 129),
    )
}
_HARMLESS = {
    "shadowing elements": "<source>oVICTIM</source><target>oVICTIM</target><key>evil</key><scene>evil</scene>"
    "<message>evil</message><openid>oVICTIM</openid><__class__>evil</__class__><_openid>x</_openid>",
    "other spellings": "<fromusername>oVICTIM</fromusername><FROMUSERNAME>oVICTIM</FROMUSERNAME>",
    "unknown structures": "<a><b><c>evil</c></b></a><a/>",
    "inclusion": '<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/></a>',
    "instruction": '<?php system("id") ?><!-- FromUserName -->',
    "a ciphertext beside": "<Encrypt>AAAA</Encrypt>",
}
_SCENES = {
    "end of cdata": "a]]>b",
    "element": "x]]></Content><ToUserName><![CDATA[oVICTIM]]></ToUserName><Content><![CDATA[y",
    "half an end": "k]]]]><![CDATA[>oops",
    "brackets": "]]]]]]>>>",
    "markup": "<script>alert(1)</script>&amp;",
    "entity": "&#60;x>",
    "formula": "=cmd|' /C calc'!A0",
    "sql": "'; DROP TABLE events; --",
    "format": "{0.__class__} %s %(a)s ${a} #{a}",
    "log lines": "a\n2026-01-01 ERROR forged",
    "terminal": "\x9b31m\u202ebad",
    "emoji": "😀" * 20,
    "noncharacter": "a\ufdd0b",
    "controls": "a\x00\x02\x1d\ufffeb",
    "prefix": "qrscene_qrscene_vip",
    "path": "../../etc/passwd",
    "8 kB": "x" * 8000,
    "20 kB": "漢" * 6500,
}
# Texts that go onto the wire as they were typed, and break out of their element.
_TEXTS = {
    "end of cdata": (End.KEPT, ENCRYPTED),
    "brackets": (End.KEPT, ENCRYPTED),
    "element": (End.KEPT, ALL),
}


def cases() -> Iterator[Case]:
    """Yield the cases of tables B and C."""
    for name, body in _NO_XML.items():
        yield Case("B1-3", name, End.REFUSED, lambda it, b=body: it.document(_filled(it, b)), ("plain",))
        # Nobody but WeChat can have encrypted it: a repeat would be no better.
        yield Case("B1-3", name, End.KEPT, lambda it, b=body: it.document(_unlike(it, b)), ENCRYPTED)
    for name, body in _AMBIGUOUS_ROOTS.items():
        yield Case("B4", name, End.KEPT, lambda it, b=body: it.document(b + b"<!-- %d -->" % id(b)))
    for name, rest in _AMBIGUOUS.items():
        yield Case("B4", name, End.KEPT, lambda it, r=rest: it.document(it.fields(r)))
    for name, fields in _AMBIGUOUS_FIELDS.items():
        yield Case("B4", name, End.KEPT, lambda it, f=fields: it.document(it.fields(_SCAN, **f)))
    for name, rest in _HARMLESS.items():
        yield Case("B5", name, End.ANSWERED, lambda it, r=rest: it.document(it.fields(_SCAN + r)))
    for name, scene in _SCENES.items():
        yield Case("C1", f"scene: {name}", End.ANSWERED, lambda it, s=scene: it.genuine(it.push(s)))
        end, modes = _TEXTS.get(name, (End.ANSWERED, ALL))
        yield Case("C1", f"text: {name}", end, lambda it, s=scene: _written(it, s), modes)
        yield Case("C1", f"person: {name}", End.ANSWERED, lambda it, s=scene: _called(it, s[:60]))
    yield from _sizes()


def _sizes() -> Iterator[Case]:
    for name, size in (("64 KiB and a byte", 65537), ("1 MB", 10**6)):
        yield Case("B2", name, End.TOO_LARGE, lambda it, n=size: replace(it.genuine(), body=b"<" * n))
        yield Case(
            "B2", f"unsigned, {name}", End.TOO_LARGE, lambda it, n=size: Request(b"", b"<xml>" + b"a" * n)
        )
    yield Case(
        "B2",
        "a ciphertext of 60 kB",
        End.REFUSED,
        lambda it: it.enveloped("A" * 60_000),
        ENCRYPTED,
    )
    for encoding in ("gzip", "deflate", "br"):
        yield Case(
            "B6",
            f"Content-Encoding {encoding}",
            End.ANSWERED,
            lambda it, e=encoding: replace(it.genuine(), headers={"Content-Encoding": e}),
        )
    for kind in (
        "application/json",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "",
    ):
        yield Case(
            "B6",
            f"Content-Type {kind[:20]}",
            End.ANSWERED,
            lambda it, k=kind: replace(it.genuine(), headers={"Content-Type": k}),
        )
    for header in (
        "X-HTTP-Method-Override",
        "X-Forwarded-For",
        "X-Original-URL",
        "X-Rewrite-URL",
        "Forwarded",
    ):
        yield Case(
            "B6",
            header,
            End.ANSWERED,
            lambda it, h=header: replace(it.genuine(), headers={h: "GET, /admin/, 127.0.0.1"}),
        )


def _filled(it: Forger, body: bytes) -> bytes:
    return body.replace(b"{}", it.fields(_SCAN))


def _unlike(it: Forger, body: bytes) -> bytes:
    """Return a document that was not kept before."""
    return _filled(it, body) + b" " * next(_numbers)


def _written(it: Forger, content: str) -> Request:
    return it.genuine(wire.text(it.openid(), it.now(), content=content, msg_id=it.now()))


def _called(it: Forger, name: str) -> Request:
    return it.genuine(wire.scan(f"{it.openid()}{name}", it.now(), scene="vip", ticket="gQ_ticket"))
