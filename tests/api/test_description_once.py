"""The description of the API is made once in a process, however many strangers ask for it first."""

import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from flask import Flask

from wxbot.api.description import docs_blueprint
from wxbot.api.guard import GuardedApi

STRANGERS = 8


def test_strangers_who_ask_at_the_same_moment_have_it_made_once() -> None:
    made, together = [], threading.Barrier(STRANGERS)

    def describe() -> Iterable[GuardedApi]:
        made.append(threading.get_ident())
        time.sleep(0.2)  # as long as the others need to ask as well
        return ()

    app = Flask(__name__)
    app.register_blueprint(docs_blueprint(describe))

    def ask(_: int) -> tuple[int, bytes]:
        together.wait(10)
        answer = app.test_client().get("/api/v1/openapi.json")
        return answer.status_code, answer.data

    with ThreadPoolExecutor(STRANGERS) as threads:
        answers = set(threads.map(ask, range(STRANGERS)))

    assert len(made) == 1
    ((status, text),) = answers
    assert status == 200 and text.startswith(b"{")
