"""A bot behind its API, for tests that kill it: `python serving.py SETTINGS`, as JSON. Prints its port."""

import json
import sys
import threading

from wxbot import settings
from wxbot.app import create_app
from wxbot.emulator.threaded import Running


def main(configured: str) -> None:
    app = create_app(settings.from_data(json.loads(configured)))
    with Running(app) as running:
        print(running.port, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1])
