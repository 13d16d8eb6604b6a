"""What one delivery costs in this process, from WeChat's bytes to the sealed answer, with its record on disk.

Rounds are interleaved, so that a busy machine slows all of them alike: compare the ratios, not the times.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from wxbot import Plugin, Scan
from wxbot.emulator import wire
from wxbot.emulator.wire import Request
from wxbot.testing import Wx


def bot(folder: Path, mode: str) -> Wx:
    """Return a bot with one light and one writing handler."""
    plugin = Plugin("bench")

    @plugin.scene("light")
    def light(scan: Scan) -> str:
        return "收到"

    @plugin.scene("writing")
    def writing(scan: Scan, session: Session) -> str:
        session.execute(text("INSERT INTO notes VALUES (:word)"), {"word": scan.key})
        return "写好了"

    wx = Wx(folder, plugins=[plugin], overrides={"accounts": {"default": {"mode": mode}}})
    with wx.session() as session:
        session.execute(text("CREATE TABLE notes (word TEXT)"))
    return wx


def requests(wx: Wx, scene: str) -> Iterator[Request]:
    """Yield scans of ever new people, sealed for this moment."""
    sender = wx.world.account.sender
    for number in count():
        now = wx.world.clock.seconds()
        push = wire.scan(f"o{number:027}", now, scene=scene, ticket="gQ_ticket")
        yield wire.sealed(push, sender, timestamp=now)


def cases(plain: Wx, safe: Wx) -> dict[str, Iterator[tuple[Wx, Request, str]]]:
    """Return what is measured: a name, and an endless supply of requests."""
    repeated = next(requests(safe, "light"))
    forged = next(requests(safe, "light"))

    def fresh(wx: Wx, scene: str) -> Iterator[tuple[Wx, Request, str]]:
        return ((wx, request, request.query) for request in requests(wx, scene))

    return {
        "light scan, plain": fresh(plain, "light"),
        "light scan, safe": fresh(safe, "light"),
        "writing scan, safe": fresh(safe, "writing"),
        "repeat, safe": ((safe, repeated, repeated.query) for _ in count()),
        "refusal": ((safe, forged, forged.query[:-1] + "x") for _ in count()),
    }


def seconds_for(supply: Iterator[tuple[Wx, Request, str]], deliveries: int) -> float:
    """Return the time one delivery took, on average over this round."""
    prepared = [next(supply) for _ in range(deliveries)]
    started = time.perf_counter()
    for wx, request, query in prepared:
        with wx.app.test_client() as client:
            client.post("/wechat", query_string=query, data=request.body)
    return (time.perf_counter() - started) / deliveries


def main(show: Callable[[str], None] = print) -> None:
    """Measure and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--deliveries", type=int, default=150, help="in each case and round")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        plain, safe = (bot(Path(folder) / mode, mode) for mode in ("plain", "safe"))
        supplies = cases(plain, safe)
        times: dict[str, list[float]] = {name: [] for name in supplies}
        for number in range(chosen.rounds + 1):
            for name, supply in supplies.items():
                took = seconds_for(supply, chosen.deliveries)
                if number:  # the first round warms up
                    times[name].append(took * 1e6)
        plain.close()
        safe.close()
    unit = statistics.median(times["refusal"])
    show(f"{'case':<22}{'median µs':>10}{'min':>8}{'max':>8}{'× refusal':>11}")
    for name, took in times.items():
        median = statistics.median(took)
        show(f"{name:<22}{median:>10.0f}{min(took):>8.0f}{max(took):>8.0f}{median / unit:>11.1f}")


if __name__ == "__main__":
    main()
