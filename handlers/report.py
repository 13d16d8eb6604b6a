"""Takes its time: what needs longer than WeChat waits, and what has to be done after the answer."""

import time
from collections.abc import Mapping

from pydantic import BaseModel

from wxbot import ApiClient, Defer, Plugin, Scan, Text


class ReportConfig(BaseModel):
    """The section [plugins.report]."""

    seconds: float = 6.0  # how long the example pretends to calculate


report = Plugin("report", config=ReportConfig)


@report.provide("purchases")
def purchases(config: ReportConfig) -> Mapping[str, int]:
    """Return what was spent month by month. Put your own slow lookup here."""
    time.sleep(config.seconds)
    return {"九月": 128, "十月": 356, "十一月": 89}


@report.scene("report", interim="正在生成您的消费报告，请稍候……")
def make(scan: Scan, purchases: Mapping[str, int], defer: Defer) -> list[str]:
    """Answer with a report in two messages, and have it filed."""
    defer(file, openid=scan.openid, total=sum(purchases.values()))
    months = "\n".join(f"{month}：{amount} 元" for month, amount in purchases.items())
    return [f"您的消费报告\n{months}", f"合计 {sum(purchases.values())} 元，感谢您的支持！"]


@report.job(idempotent=False)
def file(openid: str, total: int, wechat: ApiClient, key: str) -> None:
    """Tell the person under which number the report is filed; not twice, even if WeChat's answer is lost."""
    wechat.send_service_message(openid, Text(f"报告已归档（合计 {total} 元），编号 {key[:8]}。"))
