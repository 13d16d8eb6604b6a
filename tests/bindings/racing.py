"""One process of a race: its threads claim the token of each line of input together, and it tells who won.

`is_careless` claims as one would without thinking, reading first and writing then: races must show that.
"""

import json
import sys
import threading
from typing import Any

from sqlalchemy import Engine, update

from wxbot.bindings.claims import Claims
from wxbot.db.business import claims as table
from wxbot.db.engine import open_engine
from wxbot.db.patience import patiently


def careless(engine: Engine, scene: str) -> str:
    """Claim without a condition, as a negative control."""
    claim = Claims(engine).find_scene("default", scene)
    if claim is None or claim.state != "open":
        return "used"
    taking = update(table).where(table.c.id == claim.id).values(state="claimed")
    patiently(engine, lambda connection: connection.execute(taking))
    return "claimed"


def main() -> None:
    """Read what to do from the command line, and each round from standard input."""
    asked = json.loads(sys.argv[1])
    engine = open_engine(asked["database"], connections=asked["threads"] + 2)
    claims = Claims(engine)

    def share(turn: Any, thread: int, together: threading.Barrier, outcomes: list[str]) -> None:
        together.wait()
        for number in range(thread, asked["claims"], asked["threads"]):
            if turn["is_careless"]:
                outcomes.append(careless(engine, turn["scene"]))
            else:
                person = f"o-{asked['process']}-{number}"
                outcomes.append(claims.claim("default", turn["scene"], person).outcome)

    # Servers let some wait for too long when hundreds of connections are asked for at one instant.
    for connection in [engine.connect() for _ in range(asked["threads"])]:
        connection.close()
    print("ready", flush=True)
    for line in sys.stdin:
        together, outcomes = threading.Barrier(asked["threads"]), list[str]()
        threads = [
            threading.Thread(target=share, args=(json.loads(line), number, together, outcomes))
            for number in range(asked["threads"])
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(json.dumps(outcomes), flush=True)


if __name__ == "__main__":
    main()
