"""Build years of several sizes, and measure what is asked of them: `python -m bench.scale --help`."""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.scale.asking import of_api, of_figures, of_pages, open_bot
from bench.scale.building import Built, build
from bench.scale.painting import LIMIT_SECONDS, paints, told
from bench.scale.timing import Times, ask_all, table, too_slow
from wxbot.year.plan import Plan

SIZES = (100_000, 1_000_000)
LARGEST = 10_000_000
# What has to be kept up with.
EVENTS_PER_SECOND = 1000
_PAINTS = 9


def main() -> int:
    """Print the tables; 1 if something is too slow."""
    chosen = _arguments()
    sizes = chosen.events or [*SIZES, *([LARGEST] if os.environ.get("WXBOT_LONG") else [])]
    found: dict[int, Mapping[str, Times]] = {}
    built: dict[int, Built] = {}
    painted: list[float] = []
    for number, size in enumerate(sizes):
        url = chosen.url[number] if number < len(chosen.url) else ""
        with _database(url, chosen.folder) as (folder, address):
            if not chosen.only_ask:
                plan = Plan(events=size, until=int(time.time()))
                built[size] = build(address, plan, say=lambda text: print(f"  {text}", flush=True))
            print(f"asking a history of {size:,}", flush=True)
            found[size] = _ask(folder, address, rounds=chosen.rounds)
            painted += _paint(folder, address)
    _print(built, found)
    is_slow = max(painted) > LIMIT_SECONDS or any(each.counted < EVENTS_PER_SECOND for each in built.values())
    return int(is_slow or any(too_slow(times) for times in found.values()))


def _ask(folder: Path, url: str, *, rounds: int) -> dict[str, Times]:
    wx = open_bot(folder, url)
    try:
        questions = {**of_figures(wx.bot.figures), **of_api(wx), **of_pages(wx)}
        return ask_all(questions, rounds=rounds)
    finally:
        wx.close()


def _paint(folder: Path, url: str) -> list[float]:
    wx = open_bot(folder, url)
    try:
        found = paints(wx, rounds=_PAINTS)
    finally:
        wx.close()
    print(told(found), flush=True)
    return found


def _print(built: Mapping[int, Built], found: Mapping[int, Mapping[str, Times]]) -> None:
    print(f"\n{'events':>12}{'written/s':>12}{'counted/s':>12}{'first':>10}{'last':>10}{'peak MB':>10}")
    for each in built.values():
        rates = f"{each.written:>12,.0f}{each.counted:>12,.0f}{each.first:>10,.0f}{each.last:>10,.0f}"
        print(f"{each.events:>12,}{rates}{each.peak_mb:>10,.0f}")
    print()
    for line in table(found):
        print(line)
    print("\nms; ! is slower than 100 ms at p95; work is the processor time of this process, at the median")


@contextmanager
def _database(url: str, parent: Path | None) -> Iterator[tuple[Path, str]]:
    with tempfile.TemporaryDirectory(prefix="wxbot-scale-", dir=parent) as folder:
        yield Path(folder), url or f"sqlite:///{folder}/scale.db"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--events", type=int, action="append", help="a size; may be given several times (10^5 and 10^6)"
    )
    parser.add_argument(
        "--url", action="append", default=[], help="an empty database for each size, else SQLite files"
    )
    parser.add_argument("--folder", type=Path, help="where the files are made")
    parser.add_argument("--rounds", type=int, default=40, help="how often each question is asked")
    parser.add_argument("--only-ask", action="store_true", help="the databases of --url have their years")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
