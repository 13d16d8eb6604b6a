"""Times of questions that are asked again and again, and the table of them."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

LIMIT_SECONDS = 0.1


@dataclass
class Times:
    """How long one question took, each time in seconds, and how much of that this process worked."""

    taken: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)

    def at(self, share: float) -> float:
        """Return the time within which this share of the answers came."""
        ordered = sorted(self.taken)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def ask_all(questions: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, Times]:
    """Ask everything, round by round, so that a busy moment of the machine hits all alike.

    The first round warms up and does not count.
    """
    times = {name: Times() for name in questions}
    for number in range(rounds + 1):
        for name, question in questions.items():
            started, before = time.perf_counter(), time.process_time()
            question()
            took, worked = time.perf_counter() - started, time.process_time() - before
            if number:
                times[name].taken.append(took)
                times[name].worked.append(worked)
    return times


def table(found: Mapping[int, Mapping[str, Times]]) -> list[str]:
    """Return a line for each question: median, p95 and this process's work at each size, and how it grew."""
    sizes = sorted(found)
    heads = "".join(f"{f'p50 @{size:,}':>17}{'p95':>9}{'work':>8}" for size in sizes)
    lines = [f"{'question':<36}{heads}{'growth':>9}"]
    for name in dict.fromkeys(name for size in sizes for name in found[size]):
        cells = "".join(_cell(found[size].get(name)) for size in sizes)
        lines.append(f"{name:<36}{cells}{_growth([found[size].get(name) for size in sizes]):>9}")
    return lines


def too_slow(found: Mapping[str, Times]) -> list[str]:
    """Return what is not answered within a tenth of a second, 95 times of a hundred."""
    return [name for name, times in found.items() if times.at(0.95) > LIMIT_SECONDS]


def _cell(times: Times | None) -> str:
    if times is None:
        return f"{'':>34}"
    mark = "!" if times.at(0.95) > LIMIT_SECONDS else " "
    work = statistics.median(times.worked) * 1000
    return f"{times.at(0.5) * 1000:>17.1f}{times.at(0.95) * 1000:>8.1f}{mark}{work:>8.1f}"


def _growth(times: Sequence[Times | None]) -> str:
    first, last = times[0], times[-1]
    return "" if first is None or last is None else f"x{last.at(0.5) / first.at(0.5):.1f}"
