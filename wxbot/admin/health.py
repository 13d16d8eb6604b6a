"""What the doctor says about this deployment, and on demand what WeChat says."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from flask import request

from wxbot.admin.area import Area, Page, Visit
from wxbot.admin.health_words import WORDS
from wxbot.doctor.asking import Asking
from wxbot.doctor.finding import Finding, State, worst
from wxbot.doctor.machine import of_proxy

TONES = {State.OK: "good", State.WARN: "warn", State.FAIL: "bad"}


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the page asks: `examine` asks nothing of WeChat, `wechat` nobody else.

    `proxies` of ours are in front of it, as the settings say.
    """

    examine: Callable[[], Iterable[Finding]]
    wechat: Asking
    proxies: int


@dataclass(frozen=True, kw_only=True)
class Line:
    """A finding as the page shows it, in the reader's language where there are words for it."""

    check: str
    state: State
    text: str
    advice: str


def views(parts: Parts) -> Area:
    """Return `/admin/health`."""
    area = Area("health", words=WORDS)
    area.entry("index", group="settings", word="health", icon="health", order=10)

    def page(visit: Visit, wechat: Sequence[Finding] | None = None) -> Page:
        told = request.headers.get("X-Forwarded-For", "")
        proxy = of_proxy(parts.proxies, peer=request.remote_addr or "", forwarded=told)
        found = [*parts.examine(), *proxy]
        return Page(
            "admin/health.html",
            title=visit.t.health,
            state=worst([*found, *(wechat or ())]),
            lines=list(_lines(visit, found)),
            wechat=None if wechat is None else list(_lines(visit, wechat)),
            tones=TONES,
        )

    @area.get("/health")
    def index(visit: Visit) -> Page:
        return page(visit)

    @area.post("/health/wechat", role="operator")
    def ask_wechat(visit: Visit) -> Page:
        heard = parts.wechat.ask()
        if heard is None:
            visit.tell("health_busy", tone="warn")
            return page(visit)
        visit.audit("health.ask_wechat", is_for_account=False)
        if heard.is_late:
            visit.tell("health_late", tone="warn")
        return page(visit, heard.found)

    return area


def _lines(visit: Visit, found: Iterable[Finding]) -> Iterator[Line]:
    is_chinese = visit.language != "en"
    order = list(State)
    for each in sorted(found, key=lambda finding: -order.index(finding.state)):
        account, _, check = each.check.rpartition(": ")
        word = f"check_{check.lower().replace(' ', '_').replace('/', '_').replace(chr(39), '')}"
        named = visit.t.get(word, check)
        yield Line(
            check=f"{account}: {named}" if account else named,
            state=each.state,
            text=(each.text_zh or each.text) if is_chinese else each.text,
            advice=(each.advice_zh or each.advice) if is_chinese else each.advice,
        )
