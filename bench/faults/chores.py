"""Many jobs, workers that are killed while they do them, and an oracle that compares calls with jobs.

Jobs of both kinds make one call: `again` may be repeated and hands its key along, `once` must not be.
"""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, text

from bench.faults.api import FakeApi
from bench.faults.oracle import effects
from bench.faults.processes import JobWorker
from wxbot.jobs.outbox import Job, enqueue

ZEROS = ("lost", "open", "doubled", "unmarked", "wrongly_marked", "effects_doubled", "effects_missing")


@dataclass(frozen=True)
class Chore:
    """One call, as the API has seen it."""

    kind: str
    number: int
    key: str
    process: int
    was_lost: bool


@dataclass(frozen=True)
class Verdict:
    """What was counted, and which of it must not be."""

    counts: dict[str, int]

    @property
    def faults(self) -> dict[str, int]:
        """What must not be and is."""
        return {name: self.counts[name] for name in ZEROS if self.counts[name]}


def give(engine: Engine, numbers: Sequence[int], *, name: str = "") -> None:
    """Write jobs as a handler's `defer` does: even numbers may be repeated, odd ones not, or all one job."""
    with engine.begin() as connection:
        enqueue(
            connection,
            [
                Job(
                    account="default",
                    name=f"faults.{name or ('again', 'once')[number % 2]}",
                    arguments={"number": number},
                )
                for number in numbers
            ],
        )
        # The sweep finds them at once.
        connection.execute(
            text("UPDATE jobs SET dispatched_at = NULL WHERE attempts = 0 AND state = 'waiting'")
        )


class Slayer:
    """Kills workers in the midst of a job, and starts them again."""

    def __init__(self, workers: Sequence[JobWorker], api: FakeApi) -> None:
        self.killed: set[int] = set()
        self._workers = workers
        self._api = api
        self._random = random.Random(5)

    def end(self) -> set[int]:
        """Kill all of them for good; return all processes that were killed."""
        for worker in self._workers:
            self.killed.add(worker.pid)
            worker.kill()
        return self.killed

    async def strike(self, *, patience: float = 20) -> None:
        """Wait until a worker has begun to call, kill it, and start it again."""
        made = len(self._api.calls)
        give_up_at = time.monotonic() + patience
        while time.monotonic() < give_up_at:
            busy = {chore.process for chore in seen(self._api, since=made)}
            for worker in self._workers:
                if worker.pid in busy:
                    await asyncio.sleep(self._random.uniform(0, self._api.seconds))
                    self.killed.add(worker.pid)
                    worker.kill()
                    worker.start()
                    return
            await asyncio.sleep(0.01)


def seen(api: FakeApi, *, since: int = 0) -> list[Chore]:
    """Return the calls of jobs, in the order in which they were carried out, but for the first so many."""
    found = []
    for call in api.calls[since:]:
        if tag := call.body.get("tag"):
            kind, key, process = tag["name"].split()
            found.append(Chore(kind, tag["id"], key, int(process), call.was_lost))
    return found


def judge(engine: Engine, api: FakeApi, *, jobs: int, killed: set[int]) -> Verdict:
    """Judge when nobody works any more."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT arguments, name, state FROM jobs")).all()
    states = {int(row.arguments.partition(":")[2].strip(" }")): (row.name[7:], row.state) for row in rows}
    calls: dict[int, list[Chore]] = defaultdict(list)
    for chore in seen(api):
        calls[chore.number].append(chore)
    written = effects(engine)
    counts: Counter[str] = Counter(dict.fromkeys(ZEROS, 0))
    for number in range(jobs):
        kind, state = states.get(number, ("", "gone"))
        made = calls[number]
        counts[f"{kind}_{state}"] += 1
        counts["calls"] += len(made)
        counts["calls_repeated"] += max(0, len(made) - 1)
        for fault in _faults(kind, state, made, killed):
            counts[fault] += 1
        if kind == "again":
            counts["effects_doubled"] += written[f"again:{number}"] > 1
            counts["effects_missing"] += not written[f"again:{number}"]
    counts["answers_lost"] = sum(chore.was_lost for chore in seen(api))
    return Verdict({"jobs": jobs, "kills": len(killed), **counts})


def _faults(kind: str, state: str, made: Sequence[Chore], killed: set[int]) -> list[str]:
    found = []
    if state == "gone" or (state == "done" and not made):
        found.append("lost")
    if state not in ("done", "unknown"):
        found.append("open")
    # Whoever was killed has not seen the answer either.
    unseen = [chore.was_lost or chore.process in killed for chore in made]
    if len(made) > 1 and (kind == "once" or not all(unseen[:-1]) or len({each.key for each in made}) > 1):
        found.append("doubled")
    if kind == "once" and state == "done" and any(chore.was_lost for chore in made):
        found.append("unmarked")
    if state == "unknown" and (kind == "again" or (made and not unseen[-1])):
        found.append("wrongly_marked")
    return found
