"""Interleaved rounds in shuffled order: a moment in which the machine is busy hits all alike."""

import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bench.speed.candidates import PRELOADED, SHIPPED, Candidate
from bench.speed.extras import MissingError
from bench.speed.ground import Ground
from bench.speed.load import Load, NoAnswerError
from bench.speed.running import Running

# What figures with a floor are measured with.
CONNECTIONS = 16
# Whose start has a floor is started several times: one start is a matter of luck.
_HELD = (SHIPPED, PRELOADED)
_STARTS = 3
_FIRST = 50
_FEWEST = 50
Say = Callable[[str], None]
Told = TypeVar("Told")


class WrongAnswerError(Exception):
    """wxbot gave a wrong answer or none, or did not keep what it had answered: its figures mean nothing."""


@dataclass(frozen=True)
class Round:
    """One candidate's part of one round; times in seconds, latencies in order of length.

    Rate and latencies are those of right answers: an error page is quick.
    """

    rate: float
    cpu: float
    database_cpu: float
    own_cpu: float
    latencies: Sequence[float]
    wrong: Sequence[str] = ()

    def latency(self, share: float) -> float:
        """Return the time within which this share of the answers came."""
        return _at(self.latencies, share)


@dataclass
class Result:
    """All rounds of one candidate at one number of connections."""

    candidate: Candidate
    connections: int
    start_seconds: float
    megabytes: float = 0.0
    rounds: list[Round] = field(default_factory=list)

    def median(self, figure: Callable[[Round], float]) -> float:
        """Return the median of a figure over the rounds."""
        return statistics.median(figure(each) for each in self.rounds)

    @property
    def wrong(self) -> list[str]:
        """What was wrong with answers, one line each; wxbot has none, or there is no result."""
        return [each for round_ in self.rounds for each in round_.wrong]

    @property
    def answers(self) -> int:
        """How many requests were answered in the rounds, rightly or not."""
        return sum(len(each.latencies) + len(each.wrong) for each in self.rounds)

    def ratios(self, base: "Result") -> list[float]:
        """Return how often as many requests as the base it answered, round by round."""
        return [mine.rate / other.rate for mine, other in zip(self.rounds, base.rounds, strict=True)]

    def slowest(self, share: float) -> float:
        """Return a latency over the answers of all rounds, for shares that one round has too few of."""
        return _at(sorted(each for round_ in self.rounds for each in round_.latencies), share)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long and with what."""

    connections: Sequence[int]
    rounds: int
    seconds: float
    seed: int = 1


@dataclass(frozen=True)
class Run:
    """What a run has found, what it had to leave out and why, and which candidates were at fault."""

    results: list[Result]
    left_out: dict[str, str]
    notes: list[str] = field(default_factory=list)

    def find(self, name: str, connections: int) -> Result | None:
        """Return the result of a candidate by its name."""
        for each in self.results:
            if each.candidate.name == name and each.connections == connections:
                return each
        return None


def run(candidates: Sequence[Candidate], ground: Ground, plan: Plan, say: Say) -> Run:
    """Start all, measure all, end all. Raises WrongAnswerError."""
    running: list[Running] = []
    left_out: dict[str, str] = {}
    try:
        for number, candidate in enumerate(candidates, 1):
            try:
                each = Running(candidate, ground)
                each.start(_STARTS if candidate.name in _HELD else 1)
            except (MissingError, NoAnswerError) as reason:
                left_out[candidate.name] = str(reason)
                say(f"  {candidate.name} is left out: {reason}")
            else:
                running.append(each)
                say(f"  {number}/{len(candidates)} {candidate.name} answers after {each.start_seconds:.2f} s")
        results = [result for n in plan.connections for result in _measure(running, n, plan, say)]
        notes = [f"{each.candidate.name}: {_wrong(each)}" for each in results if each.wrong]
        notes += [f"{each.candidate.name}: {each.silence}" for each in running if each.silence]
        return Run(results, left_out, notes + [note for each in running if (note := _checked(each))])
    finally:
        for each in running:
            each.stop()


def _measure(running: Sequence[Running], connections: int, plan: Plan, say: Say) -> list[Result]:
    order = random.Random(plan.seed * 1000 + connections)
    results = {each: Result(each.candidate, connections, each.start_seconds) for each in running}
    counts = {
        each: unless_silent(each, lambda it: _warm_up(it, connections, plan.seconds)) for each in running
    }
    for number in range(1, plan.rounds + 1):
        shuffled = order.sample(list(running), len(running))
        for place, each in enumerate(shuffled, 1):
            done = unless_silent(each, lambda it: _round(it, counts[it] or 0, connections))
            if done is None:
                continue
            results[each].rounds.append(done)
            where = f"round {number}/{plan.rounds}, {connections} connections, {place}/{len(shuffled)}"
            say(f"  {where}: {each.candidate.name} {done.rate:,.0f}/s")
    for each, result in results.items():
        result.megabytes = each.worker_megabytes()
    return [result for each, result in results.items() if not each.silence]


def unless_silent(each: Running, do: Callable[[Running], Told]) -> Told | None:
    """Do something with a candidate; None if it has ceased to answer. WrongAnswerError if it is ours."""
    if each.silence:
        return None
    try:
        return do(each)
    except NoAnswerError as error:
        if each.candidate.is_ours:
            raise WrongAnswerError(f"{each.candidate.name}: {error}") from error
        each.silence = str(error)
        each.stop()  # what still hangs in it would take its share of the machine from the others
        return None


def _warm_up(each: Running, connections: int, seconds: float) -> int:
    """Return how many requests take about so long, found by delivering some."""
    first = _round(each, max(_FIRST, connections), connections)
    warm = _round(each, max(_FEWEST, int(first.rate * seconds / 2)), connections)
    return max(_FEWEST, connections * 4, int(warm.rate * seconds))


def _round(each: Running, count: int, connections: int) -> Round:
    pushed = each.supply.make(count)
    before = each.cpu_seconds()
    served = Load(each.place.port, [push.request for push in pushed]).deliver(connections)
    after = each.cpu_seconds()
    wrong = each.wrong(served.answers, pushed)
    as_in = next(iter(wrong.values()), "")
    if wrong and each.candidate.is_ours:
        raise WrongAnswerError(f"{each.candidate.name}: {len(wrong)} of {count} wrong, as in {as_in}")
    right = count - len(wrong)
    if not right:
        raise NoAnswerError(f"none of {count} answers was right, as in: {_shortened(as_in)}")
    each.delivered += right
    return Round(
        rate=right / served.seconds,
        cpu=(after[0] - before[0]) / count,
        database_cpu=(after[1] - before[1]) / count,
        own_cpu=served.own_cpu_seconds / count,
        latencies=sorted(seconds for number, seconds in enumerate(served.latencies) if number not in wrong),
        wrong=list(wrong.values()),
    )


def _checked(each: Running) -> str:
    """Return what is missing on record, nothing in most cases."""
    try:
        each.check_record()
    except AssertionError as wrong:
        if not each.candidate.is_ours:
            return f"{each.candidate.name}: {wrong}"
        raise WrongAnswerError(f"{each.candidate.name}: {wrong}") from wrong
    return ""


def _wrong(result: Result) -> str:
    as_in = _shortened(result.wrong[0])
    return f"{len(result.wrong)} of {result.answers} answers were wrong, as in: {as_in}"


def _shortened(fault: str) -> str:
    """Return a fault without the answer's bytes."""
    return fault.partition(" (")[0]


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
