"""Ends processes of a bot with SIGKILL while it is under load."""

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import Sequence

from bench.faults.processes import JobWorker, Web, is_serving


class Killer:
    """Kills a random process of gunicorn every now and then, and starts again what nobody else does."""

    def __init__(self, web: Web, *, every: float, masters: int, workers: int) -> None:
        self.kills: Counter[str] = Counter()
        self.restarts = 0
        self._web = web
        self._every = every
        self._random = random.Random(7)
        self._plan = ["worker"] * workers + ["master", "group"] * (masters // 2) + ["master"] * (masters % 2)
        self._random.shuffle(self._plan)

    @property
    def is_done(self) -> bool:
        """Whether the plan is carried out."""
        return not self._plan

    async def run(self) -> None:
        """Carry out the plan."""
        while self._plan:
            await asyncio.sleep(self._random.uniform(0.5, 1.5) * self._every)
            self._start_if_ended()
            serving = [pid for pid in self._web.children() if is_serving(pid)]
            # Not while others are still starting: on a slow machine there would soon be none that serves,
            # and WeChat, which asks three times within ten seconds, would find nobody each time.
            if len(serving) < self._web.workers:
                continue
            if self._plan[-1] != "worker":
                self._kill_the_master(self._plan.pop())
                continue
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._random.choice(serving), signal.SIGKILL)
                self._plan.pop()
                self.kills["worker"] += 1

    def _kill_the_master(self, what: str) -> None:
        """Kill it alone, so that its workers are orphans, or with all of them, and start it anew."""
        self._web.kill(group=what == "group")
        self.kills[what] += 1
        self._web.start()

    def _start_if_ended(self) -> None:
        """Start it again as a service manager does: orphans may have kept the port for too long."""
        self.restarts += self._web.start_if_ended()


class NodeKiller:
    """Kills one web node and one worker at a time, at random, and starts them again."""

    def __init__(self, webs: Sequence[Web], workers: Sequence[JobWorker], *, every: float) -> None:
        self.kills: Counter[str] = Counter()
        self._webs = webs
        self._workers = workers
        self._every = every
        self._random = random.Random(3)

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await asyncio.sleep(self._random.uniform(0.5, 1.5) * self._every)
            # The other one carries the load meanwhile.
            if all(any(map(is_serving, web.children())) for web in self._webs):
                self._kill_a_web(self._random.choice(self._webs))
            worker = self._random.choice(self._workers)
            worker.kill()
            worker.start()
            self.kills["worker"] += 1

    def _kill_a_web(self, web: Web) -> None:
        if self._random.random() < 0.5:
            web.kill(group=True)
            web.start()
            self.kills["node"] += 1
        else:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._random.choice(web.children()), signal.SIGKILL)
            self.kills["web process"] += 1
