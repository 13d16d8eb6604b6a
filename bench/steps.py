"""What one delivery costs in this process, from WeChat's bytes to the sealed answer, and where it goes.

Rounds are interleaved, so that a busy machine slows all of them alike: compare the ratios, not the times.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import count, cycle, islice
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from bench.speed.ground import runs_folder
from bench.speed.tables import Table, median_ratio
from wxbot import Plugin, Scan
from wxbot.emulator import wire
from wxbot.emulator.wire import Request
from wxbot.testing import Wx
from wxbot.wechat.envelope import open_envelope, seal
from wxbot.wechat.parse import parse_event
from wxbot.wechat.render import render
from wxbot.wechat.replies import Text

_REPLY = "收到"
_DELIVERIES = 150
_OTHERS = 10**9
_HEADS = {
    "en": ("", "median µs", "least", "most", "× refusal"),
    "zh": ("", "中位数 微秒", "最少", "最多", "× 拒绝一次"),
}


@dataclass(frozen=True)
class Case:
    """Something that is done again and again; each call of `prepare` returns the next thing to do."""

    prepare: Callable[[], Callable[[], object]]


def bot(folder: Path, mode: str, *, observed: bool = False, database_url: str = "") -> Wx:
    """Return a bot with a light and a writing handler, a signed scene, and an observer if it is asked for."""
    plugin = Plugin("bench")

    @plugin.scene("light")
    def light(scan: Scan) -> str:
        return _REPLY

    @plugin.scene("order:<signed:number>")
    def signed(scan: Scan, number: str) -> str:
        return _REPLY

    @plugin.scene("writing")
    def writing(scan: Scan, session: Session) -> str:
        session.execute(text("INSERT INTO bench_notes VALUES (:word)"), {"word": scan.key})
        return _REPLY

    if observed:

        @plugin.on_scan
        def watch(scan: Scan) -> None:
            """Look on; a worker would call it."""

    overrides = {"accounts": {"default": {"mode": mode}}}
    wx = Wx(folder, plugins=[plugin], overrides=overrides, database_url=database_url)
    with wx.session() as session:
        session.execute(text("CREATE TABLE bench_notes (word TEXT)"))
    return wx


def requests(wx: Wx, scene: str, *, first: int = 0) -> Iterator[Request]:
    """Yield scans of ever new people, sealed for this moment."""
    sender = wx.world.account.sender
    for number in count(first):
        now = wx.world.clock.seconds()
        push = wire.scan(f"o{number:027}", now, scene=scene, ticket="gQ_ticket")
        yield wire.sealed(push, sender, timestamp=now)


def deliver(wx: Wx, request: Request, *, query: str | None = None) -> str:
    """Deliver to the WSGI entry, as a server does; return the body of the answer."""
    with wx.app.test_client() as client:
        answered = client.post("/wechat", query_string=query or request.query, data=request.body)
    return answered.get_data(as_text=True)


def fresh(wx: Wx, scene: str) -> Case:
    """Return the scan of a scene by somebody new, over and over."""
    supply = requests(wx, scene)

    def prepare() -> Callable[[], object]:
        request = next(supply)
        return lambda: deliver(wx, request)

    return Case(prepare)


def repeated(wx: Wx, *, of: int = _DELIVERIES) -> Case:
    """Return so many deliveries in turn, again and again: with the round that warms up they are on record.

    One alone would be looked up where the database has just been. Rows of events lie in the order of hashes,
    so that these are spread over all that is recorded.
    """
    supply = cycle(list(islice(requests(wx, "light", first=_OTHERS), of)))

    def prepare() -> Callable[[], object]:
        request = next(supply)
        return lambda: deliver(wx, request)

    return Case(prepare)


def times(cases: dict[str, Case], *, rounds: int, deliveries: int = _DELIVERIES) -> dict[str, list[float]]:
    """Return the microseconds that each case took, on average over each round; the first round warms up."""
    found: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, case in cases.items():
            prepared = [case.prepare() for _ in range(deliveries)]
            started = time.perf_counter()
            for do in prepared:
                do()
            took = (time.perf_counter() - started) / deliveries * 1e6
            if number:
                found[name].append(took)
    return found


def measure(*, rounds: int) -> Table:
    """Measure whole deliveries and then their steps."""
    with tempfile.TemporaryDirectory(dir=runs_folder()) as name, ExitStack() as stack:
        folder = Path(name)
        plain = stack.enter_context(closing(bot(folder / "plain", "plain")))
        safe = stack.enter_context(closing(bot(folder / "safe", "safe")))
        watched = stack.enter_context(closing(bot(folder / "watched", "safe", observed=True)))
        for wx, sign in ((plain, _REPLY), (safe, "<Encrypt>"), (watched, "<Encrypt>")):
            assert sign in deliver(wx, next(requests(wx, "light")))
        forged = next(requests(safe, "light"))
        cases = {
            "refusal, safe": Case(lambda: lambda: deliver(safe, forged, query=forged.query[:-1] + "x")),
            "light scan, plain": fresh(plain, "light"),
            "light scan, safe": fresh(safe, "light"),
            "signed scene, safe": fresh(safe, safe.scene_for("bench.signed", number="42")),
            "writing scan, safe": fresh(safe, "writing"),
            "observed scan, safe": fresh(watched, "light"),
            "repeat, safe": repeated(safe),
            **_steps(safe),
        }
        found = times(cases, rounds=rounds)
    rows = [_row(name, took, found["refusal, safe"]) for name, took in found.items()]
    return Table({"en": "one delivery", "zh": "一次推送"}, _HEADS, rows)


def _steps(wx: Wx) -> dict[str, Case]:
    """Return the steps that need no database, each for itself, on one delivery in safe mode."""
    request = next(requests(wx, "light"))
    answering = wx.bot.answering
    credentials = answering.accounts["default"]
    query, now = request.query.encode(), answering.now()

    def opening() -> object:
        return open_envelope(query, request.body, credentials, now=now, window_seconds=300)

    opened = open_envelope(query, request.body, credentials, now=now, window_seconds=300)
    event = parse_event(opened.body, account="default")
    reply = Text(_REPLY)
    xml = render(reply, event, now=now)
    return {
        "of that: open the envelope": Case(lambda: opening),
        "of that: parse": Case(lambda: lambda: parse_event(opened.body, account="default")),
        "of that: find the handler": Case(lambda: lambda: wx.bot.registry.find(event)),
        "of that: render": Case(lambda: lambda: render(reply, event, now=now)),
        "of that: seal": Case(lambda: lambda: seal(xml, opened.credentials, nonce=opened.nonce, now=now)),
    }


def _row(name: str, took: list[float], unit: list[float]) -> list[str]:
    numbers = [f"{figure:.0f}" for figure in (statistics.median(took), min(took), max(took))]
    return [name, *numbers, f"{median_ratio(took, unit):.2f}"]
