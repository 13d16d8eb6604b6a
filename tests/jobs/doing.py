"""A worker process for tests that kill it: `python doing.py DATABASE QUEUE THREADS`.

Its job `test.slow` notes each start and each end in a file beside the database; it takes so many seconds,
or until there is a file.
"""

import signal
import sys
import threading
import time
from pathlib import Path

from wxbot.db.engine import open_engine
from wxbot.jobs import engine
from wxbot.jobs import worker as worker_module
from wxbot.jobs.ledger import Ledger
from wxbot.jobs.queue import open_queue
from wxbot.jobs.work import Claimed, Work
from wxbot.jobs.worker import Worker

SECRET = "0123456789abcdef0123456789abcdef"


def note(notes: Path, line: str) -> None:
    with notes.open("a") as file:
        file.write(line + "\n")


def main(url: str, queue: str, notes: str, threads: str) -> None:
    def slow(claimed: Claimed, _unit: object) -> None:
        note(Path(notes), f"begin {claimed.key} {claimed.attempt}")
        time.sleep(float(claimed.arguments.get("seconds", 0)))  # type: ignore[arg-type]
        while not Path(str(claimed.arguments.get("until", "/"))).exists():
            time.sleep(0.02)
        note(Path(notes), f"end {claimed.key} {claimed.attempt}")

    works = {"test.slow": Work(call=slow), "test.once": Work(call=slow, is_idempotent=False)}
    # Often enough that no lease ends while this process stands still for a moment.
    worker_module.RENEW_SECONDS = 0.3
    engine._CONNECT_SECONDS = engine._ANSWER_SECONDS = 20.0
    is_redis = queue.startswith("redis:")
    worker = Worker(
        ledger=Ledger(open_engine(url), lease_seconds=4, grace_seconds=2),
        find=works.get,
        queue=open_queue(
            backend="redis" if is_redis else "sqlite", path=queue, redis_url=queue, secret_key=SECRET
        ),
        threads=int(threads),
    )
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    assert threading.current_thread() is threading.main_thread()
    note(Path(notes), "ready")
    worker.run()
    note(Path(notes), "ended")


if __name__ == "__main__":
    main(*sys.argv[1:])
