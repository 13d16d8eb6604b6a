"""Measure wxbot: beside what people use today, on a slower disk, as it grows, and step by step.

Without a part: the answers, in under three minutes. With --full: every part, every candidate, 1 to 256
connections, in about an hour and a half. Nothing else should run on the machine meanwhile. Figures go to
var/artefacts/bench-*.json; --publish puts them into the pages docs/performance.md and its Chinese twin, too.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence

from bench.speed import parts
from bench.speed.candidates import CANDIDATES
from bench.speed.rounds import WrongAnswerError

PARTS: dict[str, Callable[[parts.Chosen], None]] = {
    "answers": parts.answers,
    "disk": parts.disk,
    "growth": parts.growth,
    "steps": parts.steps,
}
# What each option means something to.
_TAKEN = {
    "only": ("answers", "disk"),
    "connections": ("answers",),
    "rounds": tuple(PARTS),
    "seconds": ("answers", "disk"),
    "largest": ("growth",),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen parts; 1 when wxbot gave a wrong answer."""
    given = arguments_of(arguments)
    if given.list:
        for candidate in CANDIDATES:
            print(f"{candidate.name}{'' if candidate.is_short else '  (--full)'}")
        return 0
    chosen = parts.Chosen(
        is_full=given.full,
        publishes=given.publish,
        only=tuple(dict.fromkeys(given.only)),
        connections=tuple(dict.fromkeys(given.connections)),
        rounds=given.rounds,
        seconds=given.seconds,
        largest=given.largest,
    )
    # As Ctrl-C does: whatever was started is ended first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    try:
        for name in given.part:
            print(f"\n== {name} ==", flush=True)
            PARTS[name](chosen)
    except WrongAnswerError as wrong:
        print(f"\n{wrong}\nNo figures are given for a run with a wrong answer.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nended before the run was complete; nothing was kept of this part", file=sys.stderr)
        return 130
    print(f"\ndone in {(time.monotonic() - started) / 60:.1f} minutes")
    return 0


def arguments_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what a command line asks for; it ends with 2 for what a part would ignore or could not keep."""
    parser = _parser()
    given = parser.parse_args(arguments)
    given.part = list(dict.fromkeys(given.part)) or (list(PARTS) if given.full else ["answers"])
    if unknown := [name for name in given.part if name not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}: one of {', '.join(PARTS)}")
    if strangers := set(given.only) - {each.name for each in CANDIDATES}:
        parser.error(f"there is no candidate {min(strangers)!r}: see --list")
    for option, takes_it in _TAKEN.items():
        if getattr(given, option) and (ignorant := [part for part in given.part if part not in takes_it]):
            them = ", ".join(takes_it)
            parser.error(f"--{option} means nothing to {ignorant[0]}: name the parts, of {them}")
    if given.publish and (given.only or given.connections):
        parser.error("--publish wants the whole of a part: leave out --only and --connections")
    return given


def _parser() -> argparse.ArgumentParser:
    words = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__, formatter_class=words)
    parser.add_argument("part", nargs="*", help=f"one or several of: {', '.join(PARTS)}")
    parser.add_argument("--full", action="store_true", help="everything rather than the short form")
    parser.add_argument("--publish", action="store_true", help="put the figures into docs/performance*.md")
    parser.add_argument("--list", action="store_true", help="list the candidates and end")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="of --list; repeatable")
    parser.add_argument(
        "--connections", type=_count, action="append", default=[], metavar="N", help="repeatable (16)"
    )
    parser.add_argument("--rounds", type=_count, help="answers and disk: 5, with --full 7")
    parser.add_argument(
        "--seconds", type=_seconds, help="of each candidate in each round (0.5, with --full 1.5)"
    )
    parser.add_argument("--largest", action="store_true", help="growth: 10^7 recorded events as well")
    return parser


def _count(word: str) -> int:
    if int(word) < 1:
        raise argparse.ArgumentTypeError("at least one")
    return int(word)


def _seconds(word: str) -> float:
    if not 0 < float(word) < float("inf"):
        raise argparse.ArgumentTypeError("more than none")
    return float(word)


if __name__ == "__main__":
    raise SystemExit(main())
