"""What the person sees for every kind of answer, and the reason a developer is given."""

from collections.abc import Callable

import pytest

from wxbot.emulator import wire
from wxbot.emulator.judge import Article, Bubble, Verdict, judge
from wxbot.emulator.rules import Rules
from wxbot.emulator.wire import Push, Sender
from wxbot.wechat.signature import sign

MakeSender = Callable[..., Sender]
Write = Callable[..., bytes]
SCAN = wire.scan("oXXX", 1668926536, scene="vip", ticket="gQT")
TEXT = wire.text("oXXX", 1668926536, content="hi", msg_id=1)
ITEM = "<item><Title>T</Title><Description>D</Description><PicUrl>p</PicUrl><Url>u</Url></item>"


@pytest.fixture
def judged(sender: MakeSender) -> Callable[..., Verdict]:
    """Judge an answer to a scan in plain mode, unless told otherwise."""

    def run(body: bytes, *, push: Push = SCAN, mode: str = "plain", rules: Rules | None = None) -> Verdict:
        return judge(200, body, push=push, sender=sender(mode), rules=rules or Rules())

    return run


def news(count: int, *, claimed: int | None = None) -> str:
    number = count if claimed is None else claimed
    return f"<MsgType>news</MsgType><ArticleCount>{number}</ArticleCount><Articles>{ITEM * count}</Articles>"


def sealed(xml: bytes, sender: Sender, *, signature: str | None = None) -> bytes:
    encrypted = sender.cipher.encrypt(xml)
    signature = signature or sign(sender.token, "1668926537", "42", encrypted)
    return (
        f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
        f"<TimeStamp>1668926537</TimeStamp><Nonce><![CDATA[42]]></Nonce></xml>"
    ).encode()


@pytest.mark.parametrize("body", [b"", b"success"])
@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_acknowledgement_shows_nothing(judged: Callable[..., Verdict], body: bytes, mode: str) -> None:
    assert judged(body, mode=mode) == Verdict(outcome="nothing", reply_xml=body.decode())


@pytest.mark.parametrize(
    ("inside", "bubble"),
    [
        ("<MsgType>text</MsgType><Content>你好\n再见</Content>", Bubble(kind="text", text="你好\n再见")),
        (
            "<MsgType>text</MsgType><Content><![CDATA[a]]]]><![CDATA[>b]]></Content>",
            Bubble(kind="text", text="a]]>b"),
        ),
        (
            "<!-- <!DOCTYPE xml> --><MsgType>text</MsgType><Content><![CDATA[<!DOCTYPE html>]]></Content>",
            Bubble(kind="text", text="<!DOCTYPE html>"),
        ),
        (
            "<MsgType>image</MsgType><Image><MediaId>m</MediaId></Image>",
            Bubble(kind="image", media_id="m"),
        ),
        (
            "<MsgType>voice</MsgType><Voice><MediaId>m</MediaId></Voice>",
            Bubble(kind="voice", media_id="m"),
        ),
        (
            "<MsgType>video</MsgType><Video><MediaId>m</MediaId><Title>t</Title></Video>",
            Bubble(kind="video", media_id="m", title="t"),
        ),
        (
            "<MsgType>music</MsgType><Music><Title>t</Title><HQMusicUrl>h</HQMusicUrl>"
            "<ThumbMediaId>m</ThumbMediaId></Music>",
            Bubble(kind="music", media_id="m", title="t", url="h"),
        ),
        (
            news(1),
            Bubble(kind="news", articles=(Article(title="T", description="D", image_url="p", url="u"),)),
        ),
        ("<MsgType>transfer_customer_service</MsgType>", Bubble(kind="transfer")),
        (
            "<MsgType>transfer_customer_service</MsgType><TransInfo><KfAccount>k@a</KfAccount></TransInfo>",
            Bubble(kind="transfer", text="k@a"),
        ),
        ("<MsgType>transfer_biz_ai_ivr</MsgType>", Bubble(kind="transfer")),
    ],
)
def test_reply_is_shown(judged: Callable[..., Verdict], reply: Write, inside: str, bubble: Bubble) -> None:
    verdict = judged(reply(inside))

    assert (verdict.outcome, verdict.bubble, verdict.reason) == ("shown", bubble, "")


@pytest.mark.parametrize(
    ("inside", "reason", "detail"),
    [
        ("<MsgType>text</MsgType>", "missing", "Content"),
        ("<MsgType>text</MsgType><Content></Content>", "empty", "Content"),
        ("<MsgType>text</MsgType><Content> \n</Content>", "empty", "Content"),
        ("<MsgType>text</MsgType><Content>a</Content><Content>b</Content>", "doubled", "Content"),
        ("<MsgType>text</MsgType><Content><b>a</b></Content>", "nested", "Content"),
        (f"<MsgType>text</MsgType><Content>{'汉' * 683}</Content>", "too_long", "2049"),
        ("<MsgType>Text</MsgType><Content>a</Content>", "msg_type", "Text"),
        ("<Content>a</Content>", "missing", "MsgType"),
        ("<MsgType>image</MsgType><MediaId>m</MediaId>", "missing", "Image"),
        ("<MsgType>image</MsgType><Image><MediaId></MediaId></Image>", "empty", "MediaId"),
        ("<MsgType>music</MsgType><Music><MusicUrl>u</MusicUrl></Music>", "missing", "ThumbMediaId"),
        (news(2, claimed=1), "article_count", "2"),
        (news(0), "articles", "0"),
        (news(9), "articles", "9"),
    ],
)
def test_bad_reply_brings_the_fault_notice(
    judged: Callable[..., Verdict], reply: Write, inside: str, reason: str, detail: str
) -> None:
    verdict = judged(reply(inside))

    assert (verdict.outcome, verdict.reason, verdict.detail) == ("fault", reason, detail)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"ok", "not_xml"),
        (b"success\n", "not_xml"),
        (b'{"errcode":0}', "not_xml"),
        (b"<html><body>Internal Server Error</body></html>", "root"),
        (b"<xml><Content>a", "not_xml"),
        (b"<xml><Content>\x0b</Content></xml>", "not_xml"),
        ("<xml><Content>你好</Content></xml>".encode("gbk"), "not_utf8"),
        (b'<!DOCTYPE xml [<!ENTITY a "b">]><xml>&a;</xml>', "doctype"),
        (b"<!DOCTYPE xml><xml/>", "doctype"),
        ('<!DOCTYPE xml [<!ENTITY a "b">]><xml>&a;</xml>'.encode("utf-16-le"), "not_xml"),
        ("<xml><Content>a</Content></xml>".encode("utf-16-le"), "not_xml"),
        ("<xml><Content>a</Content></xml>".encode("utf-16"), "not_utf8"),
        (b"<xml><Content>a\0b</Content></xml>", "not_xml"),
    ],
)
def test_what_is_no_document_brings_the_fault_notice(
    judged: Callable[..., Verdict], body: bytes, reason: str
) -> None:
    verdict = judged(body)

    assert (verdict.outcome, verdict.reason) == ("fault", reason)


@pytest.mark.parametrize("encoding", ["UTF-8", "GBK", "gb2312", "utf-16", "latin-1", "foo"])
@pytest.mark.parametrize("mode", ["plain", "safe"])
def test_answer_is_utf8_whatever_its_declaration_says(
    judged: Callable[..., Verdict], sender: MakeSender, reply: Write, mode: str, encoding: str
) -> None:
    declaration = f'<?xml version="1.0" encoding="{encoding}"?>'.encode()
    xml = declaration + reply("<MsgType>text</MsgType><Content>你好</Content>")

    verdict = judged(declaration + sealed(xml, sender(mode)) if mode == "safe" else xml, mode=mode)

    assert (verdict.reason, verdict.bubble) == ("", Bubble(kind="text", text="你好"))


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ({"to": "gh_xxx", "sender": "oXXX"}, "names_swapped"),
        ({"to": "oOther"}, "to_user"),
        ({"sender": "gh_other"}, "from_user"),
        ({"created": "now"}, "not_a_number"),
    ],
)
def test_wrong_addresses_bring_the_fault_notice(
    judged: Callable[..., Verdict], reply: Write, names: dict[str, str], reason: str
) -> None:
    verdict = judged(reply("<MsgType>text</MsgType><Content>a</Content>", **names))

    assert (verdict.outcome, verdict.reason) == ("fault", reason)


def test_text_of_2048_bytes_is_shown(judged: Callable[..., Verdict], reply: Write) -> None:
    content = "汉" * 682 + "ab"

    verdict = judged(reply(f"<MsgType>text</MsgType><Content>{content}</Content>"))

    assert verdict.bubble == Bubble(kind="text", text=content)


def test_eight_articles_answer_an_event_but_not_a_message(
    judged: Callable[..., Verdict], reply: Write
) -> None:
    assert judged(reply(news(8))).outcome == "shown"
    assert judged(reply(news(2)), push=TEXT).reason == "articles"
    assert judged(reply(news(1)), push=TEXT).outcome == "shown"


def test_surplus_articles_are_clipped_when_the_switch_says_so(
    judged: Callable[..., Verdict], reply: Write
) -> None:
    verdict = judged(reply(news(3)), push=TEXT, rules=Rules(too_many_articles="clip"))

    assert verdict.bubble is not None
    assert len(verdict.bubble.articles) == 1


@pytest.mark.parametrize("status", [201, 204, 301, 308, 403, 500, 502])
def test_other_status_fails_and_is_tried_again(sender: MakeSender, status: int) -> None:
    verdict = judge(status, b"success", push=SCAN, sender=sender(), rules=Rules())

    assert (verdict.outcome, verdict.reason, verdict.detail) == ("failed", "status", str(status))


def test_other_status_can_bring_the_notice_at_once(sender: MakeSender) -> None:
    rules = Rules(bad_status_retries=False)

    assert judge(500, b"", push=SCAN, sender=sender(), rules=rules).outcome == "fault"


@pytest.mark.parametrize("mode", ["safe", "compatible"])
def test_encrypted_reply_is_opened_and_shown(
    judged: Callable[..., Verdict], sender: MakeSender, reply: Write, mode: str
) -> None:
    xml = reply("<MsgType>text</MsgType><Content>a</Content>")

    verdict = judged(sealed(xml, sender(mode)), mode=mode)

    assert verdict == Verdict(outcome="shown", bubble=Bubble(kind="text", text="a"), reply_xml=xml.decode())


def test_vendor_reply_with_the_recorded_signature_is_opened() -> None:
    """The vendor's example carries JSON inside, which is then refused: but only after it was opened."""
    vendor = Sender(appid="wxba5fad812f8e6fb9", token="AAAAA", aes_key="A" * 43, gh_id="gh_97417a04a28d")
    encrypted = "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="
    body = (
        f"<xml>\n<Encrypt><![CDATA[{encrypted}]]></Encrypt>\n"
        "<MsgSignature><![CDATA[1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1]]></MsgSignature>\n"
        "<TimeStamp>1713424427</TimeStamp>\n<Nonce><![CDATA[415670741]]></Nonce>\n</xml>"
    )

    verdict = judge(200, body.encode(), push=SCAN, sender=vendor, rules=Rules())

    assert (verdict.reason, verdict.reply_xml) == ("not_xml", '{"demo_resp":"good luck"}')


def test_plain_reply_is_a_fault_in_safe_mode_only(judged: Callable[..., Verdict], reply: Write) -> None:
    xml = reply("<MsgType>text</MsgType><Content>a</Content>")

    assert judged(xml, mode="safe").reason == "not_encrypted"
    assert judged(xml, mode="compatible").outcome == "shown"


def test_encrypted_reply_is_a_fault_in_plain_mode(
    judged: Callable[..., Verdict], sender: MakeSender, reply: Write
) -> None:
    body = sealed(reply("<MsgType>text</MsgType><Content>a</Content>"), sender("safe"))

    assert judged(body, mode="plain").reason == "encrypted"


def test_wrong_signature_or_key_is_a_fault(
    judged: Callable[..., Verdict], sender: MakeSender, reply: Write
) -> None:
    xml = reply("<MsgType>text</MsgType><Content>a</Content>")
    stranger = Sender(appid="wxother", token="spamtest", aes_key=sender().aes_key, gh_id="gh_xxx")

    assert judged(sealed(xml, sender(), signature="0" * 40), mode="safe").reason == "msg_signature"
    assert judged(sealed(xml, stranger), mode="safe").reason == "decrypt"


def test_who_has_left_sees_nothing(judged: Callable[..., Verdict], reply: Write) -> None:
    xml = reply("<MsgType>text</MsgType><Content>bye</Content>")

    verdict = judged(xml, push=wire.unfollow("oXXX", 1668926536))

    assert (verdict.outcome, verdict.reason, verdict.bubble) == ("nothing", "person_has_left", None)
