"""Neither a log line nor an answer shows a secret, an openid or what somebody wrote."""

import logging

import pytest

from wxbot import Plugin
from wxbot.testing import Wx

plugin = Plugin("trouble")


@plugin.scene("broken")
def broken(scan: object) -> str:
    """Fail with everything a careless handler could put into an exception."""
    raise RuntimeError(f"while handling {scan!r}")


@plugin.scene("blank")
def blank(scan: object) -> str:
    """Return nothing that could be sent."""
    return " "


@pytest.fixture
def wx_plugins(caplog: pytest.LogCaptureFixture) -> list[Plugin]:
    """Mount the troublesome handlers only, and listen from the start of the bot."""
    caplog.set_level(logging.DEBUG)
    return [plugin]


def test_logs_and_answers_show_no_secrets(wx: Wx, caplog: pytest.LogCaptureFixture) -> None:
    configured = wx.bot.settings
    account = configured.accounts["default"]
    private = [
        secret.get_secret_value() for secret in (configured.secret_key, account.token, account.aes_key)
    ]
    ailin = wx.user("ailin")
    client = wx.app.test_client()

    said = [ailin.scan(scene).text for scene in ("broken", "blank", "nobody-answers-this")]
    said.append(ailin.say("something that only the account should read").text)
    query = {"timestamp": "1700000000", "nonce": "1", "signature": "0" * 40, "msg_signature": "0" * 40}
    for body in (b"", b"<xml><Encrypt>AAAA</Encrypt></xml>", b"<" * 100_000):
        answer = client.post("/wechat", query_string=query, data=body)
        said.append(f"{answer.status} {dict(answer.headers)} {answer.text}")

    records = caplog.get_records("setup") + caplog.get_records("call")
    logged = "\n".join(logging.Formatter("%(name)s %(message)s").format(record) for record in records)
    assert "broken" in logged
    for secret in [*private, ailin.openid, "only the account should read"]:
        assert secret not in logged
        assert not [text for text in said if secret in text]
