"""What must stay as quick as on the first day: finding a handler, and a scan after all that were before."""

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from bench import steps
from bench.speed.ground import runs_folder
from bench.speed.pushes import GH_ID
from bench.speed.tables import Table, median_ratio
from wxbot import Plugin, Scan
from wxbot.db import migrate
from wxbot.db.engine import open_engine
from wxbot.emulator import wire
from wxbot.scenes.registry import Registry
from wxbot.wechat.events import Event
from wxbot.wechat.parse import parse_event
from wxbot.year.filling import fill
from wxbot.year.plan import Plan

SCENES = (10, 100, 1_000, 10_000, 100_000)
EVENTS = (10_000, 100_000)
MORE_EVENTS = 1_000_000
MOST_EVENTS = 10_000_000
_LOOKS = 20_000
_SAVE_EVERY = 40
Say = Callable[[str], None]


@dataclass(frozen=True)
class _Grown:
    size: int
    took: list[float]


def measure(*, rounds: int, is_full: bool, largest: bool, say: Say) -> list[Table]:
    """Measure both; `largest` takes a file of several gigabytes and the better part of an hour."""
    sizes = [*EVENTS, *([MORE_EVENTS] if is_full or largest else []), *([MOST_EVENTS] if largest else [])]
    return [dispatch(SCENES, rounds=rounds, say=say), *history(sizes, rounds=rounds, say=say)]


def dispatch(scenes: tuple[int, ...], *, rounds: int, say: Say) -> Table:
    """Measure how long it takes to find who answers a scan, with so many exact scenes registered."""
    registries = {}
    for count in scenes:
        started = time.perf_counter()
        registries[count] = _registry(count)
        say(f"  {count:,} scenes mounted in {time.perf_counter() - started:.2f} s")
    found: dict[int, list[float]] = {count: [] for count in scenes}
    for _ in range(rounds):
        for count, registry in registries.items():
            found[count].append(_finding(registry, count))
    title = {"en": "Who answers a scan, by registered scenes", "zh": "找出该由谁应答：看登记了多少场景"}
    heads = {
        "en": ("scenes", "µs", "least to most", "× the fewest"),
        "zh": ("场景数", "微秒", "各轮范围", "× 最少时"),
    }
    return Table(title, heads, _rows([_Grown(count, took) for count, took in found.items()], digits=2))


def history(sizes: list[int], *, rounds: int, say: Say) -> list[Table]:
    """Measure a new scan and a repeat in this process, on SQLite files with so many recorded events."""
    with tempfile.TemporaryDirectory(dir=runs_folder()) as name, ExitStack() as stack:
        new: dict[str, steps.Case] = {}
        again: dict[str, steps.Case] = {}
        for size in sizes:
            url = f"sqlite:///{Path(name) / f'{size}.db'}"
            _fill(url, size, say)
            wx = stack.enter_context(closing(steps.bot(Path(name) / str(size), "safe", database_url=url)))
            new[str(size)], again[str(size)] = steps.fresh(wx, "light"), steps.repeated(wx)
        found = [steps.times(each, rounds=rounds) for each in (new, again)]
    titles = (
        {"en": "A new scan, by recorded events", "zh": "一次新的扫码：看库里已有多少事件"},
        {"en": "A repeat, by recorded events", "zh": "一次重复推送：看库里已有多少事件"},
    )
    heads = {
        "en": ("events", "µs", "least to most", "× the fewest"),
        "zh": ("事件数", "微秒", "各轮范围", "× 最少时"),
    }
    grown = [[_Grown(int(size), took) for size, took in each.items()] for each in found]
    return [Table(title, heads, _rows(each, digits=0)) for title, each in zip(titles, grown, strict=True)]


def _registry(count: int) -> Registry:
    plugin = Plugin("grown")

    def answer(scan: Scan) -> str:
        return "收到"

    for number in range(count):
        plugin.scene(f"scene-{number}")(answer)
    return Registry.build([plugin], accounts={"default": []}, keys=["k" * 32], configs={})


def _finding(registry: Registry, count: int) -> float:
    random = Random(count)
    scans = [_scan(f"scene-{random.randrange(count)}") for _ in range(1000)]
    assert all(registry.find(scan).handler for scan in scans)
    started = time.process_time()
    for number in range(_LOOKS):
        registry.find(scans[number % 1000])
    return (time.process_time() - started) / _LOOKS * 1e6


def _scan(scene: str) -> Event:
    push = wire.scan("oAbCdEfGhIjKlMnOpQrStUvWxYz0", int(time.time()), scene=scene, ticket="gQ_ticket")
    return parse_event(wire.document(push, GH_ID).encode(), account="default")


def _fill(url: str, size: int, say: Say) -> None:
    started = time.perf_counter()
    migrate.upgrade(url)
    engine = open_engine(url, connections=2)
    batches = 0
    with engine.connect() as connection:

        def save() -> None:
            nonlocal batches
            batches += 1
            if batches % _SAVE_EVERY == 0:
                connection.commit()

        fill(connection, Plan(events=size, until=int(datetime.now(UTC).timestamp())), save=save)
        connection.commit()
    engine.dispose()
    say(f"  a history of {size:,} events written in {time.perf_counter() - started:.0f} s")


def _rows(grown: list[_Grown], *, digits: int) -> list[list[str]]:
    # Of one round each, like all ratios: a busy moment of the machine hits both.
    return [
        [
            f"{each.size:,}",
            f"{statistics.median(each.took):.{digits}f}",
            f"{min(each.took):.{digits}f}–{max(each.took):.{digits}f}",
            f"{median_ratio(each.took, grown[0].took):.2f}",
        ]
        for each in grown
    ]
