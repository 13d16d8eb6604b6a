"""Build years of several sizes, and measure what is asked of them: `python -m bench.scale --help`."""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.scale.asking import of_api, of_figures, of_pages, open_bot
from bench.scale.building import Built, build
from bench.scale.painting import LIMIT_SECONDS, browser_program, paints, told
from bench.scale.timing import Times, ask_all, table, too_slow
from bench.speed.ground import runs_folder
from wxbot.year.plan import Plan

SIZES = (100_000, 1_000_000)
LARGEST = 10_000_000
# What has to be kept up with.
EVENTS_PER_SECOND = 1000
_PAINTS = 9


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 1 if something is too slow."""
    chosen = arguments_of(arguments)
    sizes = chosen.events
    program = browser_program()
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
            painted += _paint(folder, address, program) if program else []
    _print(built, found)
    if not program:
        print("\nthe overview was not painted: that needs a browser, install the package chromium")
    is_slow = [each > LIMIT_SECONDS for each in painted]
    is_slow += [each.counted < EVENTS_PER_SECOND for each in built.values()]
    is_slow += [bool(too_slow(times)) for times in found.values()]
    return int(any(is_slow))


def _ask(folder: Path, url: str, *, rounds: int) -> dict[str, Times]:
    wx = open_bot(folder, url)
    try:
        questions = {**of_figures(wx.bot.figures), **of_api(wx), **of_pages(wx)}
        return ask_all(questions, rounds=rounds)
    finally:
        wx.close()


def _paint(folder: Path, url: str, program: str) -> list[float]:
    wx = open_bot(folder, url)
    try:
        found = paints(wx, program, rounds=_PAINTS)
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
def _database(url: str, parent: Path) -> Iterator[tuple[Path, str]]:
    with tempfile.TemporaryDirectory(prefix="wxbot-scale-", dir=parent) as folder:
        yield Path(folder), url or f"sqlite:///{folder}/scale.db"


def arguments_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what a command line asks for; it ends with 2 where a size has no database to be asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--events", type=int, action="append", help="a size; may be given several times (10^5 and 10^6)"
    )
    parser.add_argument(
        "--url", action="append", default=[], help="an empty database for each size, else SQLite files"
    )
    # In a checkout rather than with temporary files, which many a machine keeps in memory.
    parser.add_argument(
        "--folder", type=Path, default=runs_folder(), help="where the files are made (var/bench), and removed"
    )
    parser.add_argument("--rounds", type=int, default=40, help="how often each question is asked")
    parser.add_argument("--only-ask", action="store_true", help="the databases of --url have their years")
    given = parser.parse_args(arguments)
    given.events = given.events or [*SIZES, *([LARGEST] if os.environ.get("WXBOT_LONG") else [])]
    if len(given.url) > len(given.events) or (given.only_ask and len(given.url) < len(given.events)):
        parser.error(f"--url is given {len(given.url)} times for {len(given.events)} sizes: one for each")
    return given


if __name__ == "__main__":
    raise SystemExit(main())
