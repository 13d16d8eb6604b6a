"""The shipped example of a slow handler."""

import threading
from types import SimpleNamespace

import pytest

from tests.lateness import wait_for_handler
from wxbot.testing import Wx


@pytest.fixture
def wx_settings(request: pytest.FixtureRequest) -> dict[str, object]:
    """Let the report take no time, or longer than the deadline."""
    if not getattr(request, "param", False):
        return {"plugins": {"report": {"seconds": 0.0}}}
    return {"callback": {"deadline_seconds": 0.3}, "plugins": {"report": {"seconds": 20.0}}}


def test_report_in_time_is_the_answer_and_one_message(wx: Wx) -> None:
    ailin = wx.user("ailin")

    reply = ailin.scan("report")
    wx.work()

    assert reply.text.startswith("您的消费报告\n九月：128 元")
    assert "合计 573 元，感谢您的支持！" in [message.text for message in ailin.messages]


@pytest.mark.parametrize("wx_settings", ["slow"], indirect=True)
def test_late_report_comes_after_the_interim_text(wx: Wx, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def sleep(seconds: float) -> None:
        begun.set()
        go_on.wait(seconds)

    monkeypatch.setattr("handlers.report.time", SimpleNamespace(sleep=sleep))
    wait_for_handler(wx, begun)
    ailin = wx.user("ailin")

    reply = ailin.scan("report")
    go_on.set()
    wx.wait()
    wx.work()

    assert reply.text == "正在生成您的消费报告，请稍候……"
    texts = [message.text.partition("\n")[0] for message in ailin.messages]
    assert texts.index("您的消费报告") < texts.index("合计 573 元，感谢您的支持！")


def test_report_is_filed_once(wx: Wx) -> None:
    ailin = wx.user("ailin")

    ailin.scan("report")
    ailin.redeliver()
    wx.work()
    wx.work()

    filed = [message.text for message in ailin.messages if message.text.startswith("报告已归档")]
    assert len(filed) == wx.runs("report.make") == 1
    assert "合计 573 元" in filed[0]
