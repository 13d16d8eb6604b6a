"""The strict reader: what is no acceptable XML, and what the limits cut off."""

import pytest

from wxbot.errors import MalformedError
from wxbot.wechat.document import cleaned, read_fields

BILLION_LAUGHS = (
    '<!DOCTYPE xml [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><xml><Content>&c;</Content></xml>'
)


def nested(depth: int) -> bytes:
    """Build a document with so many levels, the root included."""
    return b"<xml>" + b"<a>" * (depth - 1) + b"</a>" * (depth - 1) + b"</xml>"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", "not-xml", id="empty"),
        pytest.param(b"   ", "not-xml", id="blank"),
        pytest.param(b"hello", "not-xml", id="text"),
        pytest.param(b'{"a":1}', "not-xml", id="json"),
        pytest.param(b"<xml><a>", "not-xml", id="truncated"),
        pytest.param(b"<xml/><xml/>", "not-xml", id="two-roots"),
        pytest.param(b"<xml/>junk", "not-xml", id="junk-behind"),
        pytest.param(b"<xml><a>x</b></xml>", "not-xml", id="crossed"),
        pytest.param(b"<xml><a>\x0b</a></xml>", "not-xml", id="control"),
        pytest.param(b"<xml><a>\x00</a></xml>", "not-utf-8", id="nul"),
        pytest.param(b"<xml><a>&#0;</a></xml>", "not-xml", id="nul-reference"),
        pytest.param(b"<xml><a>&#xD800;</a></xml>", "not-xml", id="surrogate-reference"),
        pytest.param(b"<xml><a>&unknown;</a></xml>", "not-xml", id="unknown-entity"),
        pytest.param(b"<xml><a>]]></a></xml>", "not-xml", id="bare-cdata-end"),
        pytest.param("<xml><a>\ufffe</a></xml>".encode(), "not-xml", id="u-fffe"),
        pytest.param(b'<xml a="1" a="2"/>', "not-xml", id="doubled-attribute"),
        pytest.param("<xml><a>微信</a></xml>".encode("gbk"), "not-utf-8", id="gbk"),
        pytest.param("<xml><a>微信</a></xml>".encode("utf-16"), "not-utf-8", id="utf-16-with-bom"),
        pytest.param("<xml/>".encode("utf-16-le"), "not-utf-8", id="utf-16-le-ascii"),
        pytest.param("<xml/>".encode("utf-16-be"), "not-utf-8", id="utf-16-be-ascii"),
        pytest.param("<xml/>".encode("utf-32"), "not-utf-8", id="utf-32"),
        pytest.param(b"<xml><a>\xff</a></xml>", "not-utf-8", id="bad-byte"),
        pytest.param(b"<xml><a>\xc0\xaf</a></xml>", "not-utf-8", id="overlong"),
        pytest.param(b"<xml><a>\xed\xa0\xbd\xed\xb8\x80</a></xml>", "not-utf-8", id="cesu-8"),
        pytest.param(b"<xml><a>\xf4\x90\x80\x80</a></xml>", "not-utf-8", id="beyond-unicode"),
        pytest.param(b"<!DOCTYPE xml><xml/>", "doctype", id="bare-doctype"),
        pytest.param(b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><xml/>', "doctype", id="external-doctype"),
        pytest.param(b'<!DOCTYPE x [<!ENTITY e "x">]><xml>&e;</xml>', "doctype", id="entity"),
        pytest.param(
            b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1/d"> %p;]><xml/>',
            "doctype",
            id="parameter-entity",
        ),
        pytest.param(BILLION_LAUGHS.encode(), "doctype", id="billion-laughs"),
        pytest.param(b"<xml>" + b" " * 65_536 + b"</xml>", "too-large", id="large"),
        pytest.param(nested(6), "too-complex", id="depth"),
        pytest.param(nested(4_000), "too-complex", id="much-depth"),
        pytest.param(b"<xml>" + b"<a/>" * 200 + b"</xml>", "too-complex", id="siblings"),
        pytest.param(
            b"<xml " + b" ".join(b'a%d="1"' % i for i in range(9)) + b"/>", "too-complex", id="attributes"
        ),
        pytest.param(b"<xml><" + b"n" * 65 + b"/></xml>", "name-too-long", id="element-name"),
        pytest.param(b"<xml " + b"n" * 65 + b'="1"/>', "name-too-long", id="attribute-name"),
    ],
)
def test_unacceptable_document_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(MalformedError) as refusal:
        read_fields(body)

    assert (refusal.value.reason, refusal.value.ambiguous) == (reason, False)


@pytest.mark.parametrize("body", [b"<root/>", b"<html><body/></html>", b"<XML/>", b"<x:xml xmlns:x='y'/>"])
def test_another_root_is_ambiguous(body: bytes) -> None:
    with pytest.raises(MalformedError) as refusal:
        read_fields(body)

    assert (refusal.value.reason, refusal.value.ambiguous) == ("other-root", True)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(nested(5), id="depth"),
        pytest.param(b"<xml>" + b"<a/>" * 199 + b"</xml>", id="siblings"),
        pytest.param(b"<xml " + b" ".join(b'a%d="1"' % i for i in range(8)) + b"/>", id="attributes"),
        pytest.param(b"<xml><" + b"n" * 64 + b"/></xml>", id="element-name"),
        pytest.param(b"<xml>" + b" " * (65_536 - 11) + b"</xml>", id="size"),
    ],
)
def test_document_at_the_limit_is_read(body: bytes) -> None:
    assert isinstance(read_fields(body), dict)


@pytest.mark.parametrize(
    ("inner", "fields"),
    [
        pytest.param("", {}, id="nothing"),
        pytest.param("text", {}, id="text-in-the-root"),
        pytest.param("<a/>", {"a": ""}, id="empty"),
        pytest.param("<a>\n  <![CDATA[ x y ]]>\r\n\t</a>", {"a": "x y"}, id="stripped"),
        pytest.param("<a>\u3000x\u00a0</a>", {"a": "\u3000x\u00a0"}, id="other-spaces-stay"),
        pytest.param("<a>x]]&gt;y</a>", {"a": "x]]>y"}, id="escaped-cdata-end"),
        pytest.param("<a><![CDATA[x]]]]><![CDATA[>y]]></a>", {"a": "x]]>y"}, id="split-cdata-end"),
        pytest.param(
            "<a><![CDATA[<!DOCTYPE x><!ENTITY y>]]></a>", {"a": "<!DOCTYPE x><!ENTITY y>"}, id="quoted"
        ),
        pytest.param("<a>😀&#x1F600;</a>", {"a": "😀😀"}, id="emoji"),
        pytest.param("<a>1</a><a>2</a><a>3</a>", {"a": ["1", "2", "3"]}, id="repeated"),
        pytest.param("<a><b>1</b></a>", {"a": {"b": "1"}}, id="nested"),
        pytest.param("<a>text<b>1</b>text</a>", {"a": {"b": "1"}}, id="mixed"),
        pytest.param('<a k="1">text</a>', {"a": {}}, id="attribute"),
        pytest.param("<a>x<!-- y -->z</a>", {"a": "xz"}, id="comment"),
        pytest.param("<?pi x?><a>1</a>", {"a": "1"}, id="processing-instruction"),
        pytest.param("<a/><a><b/></a>", {"a": ["", {"b": ""}]}, id="repeated-in-another-form"),
    ],
)
def test_fields_are_what_the_document_says(inner: str, fields: dict[str, object]) -> None:
    assert read_fields(f"<xml>{inner}</xml>".encode()) == fields


@pytest.mark.parametrize("declared", ["utf-8", "gbk", "utf-16", "iso-8859-1", "no-such-encoding"])
def test_declared_encoding_changes_nothing(declared: str) -> None:
    body = f'<?xml version="1.0" encoding="{declared}"?><xml><a>微信</a></xml>'.encode()

    assert read_fields(body) == {"a": "微信"}


def test_byte_order_mark_is_no_content() -> None:
    assert read_fields(b"\xef\xbb\xbf<xml><a>1</a></xml>") == {"a": "1"}


def test_long_text_arrives_whole() -> None:
    text = "二维码" * 7_000

    assert read_fields(f"<xml><a>{text}</a></xml>".encode()) == {"a": text}


@pytest.mark.parametrize(
    ("inner", "fields"),
    [
        pytest.param("<a>\x00\x01\x08\x0b\x0c\x0e\x1f</a>", {"a": "\ufffd" * 7}, id="controls"),
        pytest.param("<a>\ufffe\uffff</a>", {"a": "\ufffd\ufffd"}, id="noncharacters"),
        pytest.param("<a><![CDATA[\x1d\t\r\nc]]></a>", {"a": "\ufffd\t\nc"}, id="line-ends-stay"),
        pytest.param(
            "<a>&#0;&#29;&#x1D;&#xD800;&#xfffe;&#1114112;</a>", {"a": "\ufffd" * 6}, id="references"
        ),
        pytest.param("<a>&#65;&#x1F600;&#9;b&amp;#0;</a>", {"a": "A😀\tb&#0;"}, id="good-references"),
        pytest.param("<a><![CDATA[&#0;]]>&#0;<![CDATA[&#1;]]></a>", {"a": "&#0;\ufffd&#1;"}, id="in-cdata"),
        pytest.param(
            "<a>\x7f\x85\u2028\ufdd0，。</a>", {"a": "\x7f\x85\u2028\ufdd0，。"}, id="what-xml-allows"
        ),
    ],
)
def test_what_xml_forbids_is_replaced_where_that_is_asked_for(inner: str, fields: dict[str, object]) -> None:
    body = cleaned(f"<xml>{inner}</xml>".encode())

    assert read_fields(body) == fields
    assert cleaned(body) == body


def test_cdata_without_an_end_goes_to_the_end_of_the_document() -> None:
    """To look for the end of each would take time as the square of their number."""
    unended = b"<![CDATA[&#1;" * 3

    assert cleaned(b"<xml><a>&#1;" + unended) == "<xml><a>\ufffd".encode() + unended


def test_every_character_is_read_after_cleaning() -> None:
    for code in (*range(0x300), *range(0xD700, 0xD800), *range(0xE000, 0x10100), 0x10FFFE, 0x10FFFF):
        for text in (chr(code), f"&#{code};", f"&#x{code:x};"):
            if text not in "<&":
                assert read_fields(cleaned(f"<xml><a>{text}</a></xml>".encode())).keys() == {"a"}
