"""A worker process for tests that kill it: `python worker.py DATABASE QUEUE`."""

import signal
import sys

from wxbot.db.engine import open_engine
from wxbot.jobs.ledger import Ledger
from wxbot.jobs.queue import open_queue
from wxbot.jobs.worker import Worker
from wxbot.webhooks.addresses import Rules
from wxbot.webhooks.parts import build_hooks

KEY = "a secret key that is only good enough for tests"


def main(url: str, queue: str) -> None:
    engine = open_engine(url)
    hooks = build_hooks(engine, keys=[KEY], rules=Rules(allow_private=True))
    worker = Worker(
        ledger=Ledger(engine, lease_seconds=2, grace_seconds=2),
        find=hooks.find,
        queue=open_queue(backend="sqlite", path=queue, redis_url="", secret_key=KEY),
        threads=2,
    )
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
