"""One process that wants tokens: its threads ask together at a line of input, and it tells what they got."""

import hashlib
import json
import sys
import threading

from wxbot.db.engine import open_engine
from wxbot.tokens import Tokens
from wxbot.wechat.api import ApiAccount


def main() -> None:
    """Read what to do from the command line, and the start from standard input."""
    asked = json.loads(sys.argv[1])
    engine = open_engine(asked["database"], connections=asked["threads"] + 2)
    account = ApiAccount(**asked["account"])
    source = Tokens(engine, accounts=[account], keys=[asked["key"]]).source(account.name)
    together = threading.Barrier(asked["threads"])
    got: list[str] = []

    def ask() -> None:
        together.wait()
        got.append(hashlib.sha256(source.current().encode()).hexdigest())

    # A server that is asked for hundreds of connections at one instant lets some wait for too long.
    for connection in [engine.connect() for _ in range(asked["threads"])]:
        connection.close()
    threads = [threading.Thread(target=ask) for _ in range(asked["threads"])]
    print("ready", flush=True)
    sys.stdin.readline()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(got), flush=True)


if __name__ == "__main__":
    main()
