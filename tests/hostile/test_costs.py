"""What a refusal costs: processor time in this process, through the app, with its line of the log."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import pytest
from werkzeug.test import EnvironBuilder

from tests.hostile.forging import Forger
from tests.hostile.judging import Judge
from tests.hostile.targets import AppTarget

IS_LONG = bool(os.environ.get("WXBOT_LONG"))
BATCHES, SIZE = (20, 500) if IS_LONG else (5, 40)
# Of a core that has nothing else to do; beside others, a refusal takes up to half as long again.
LONGEST_SECONDS = 150e-6 if IS_LONG else 1500e-6


@pytest.mark.parametrize("mode", ["safe", "compatible", "plain"])
def test_stranger_is_refused_cheaply(judge_of: Callable[[str], Judge], mode: str) -> None:
    judge = judge_of(mode)
    it = judge.forger
    stranger = Forger(replace(it.sender, token="another0callback0token"), it.target).genuine()
    assert isinstance(it.target, AppTarget)
    app = it.target.app.wsgi_app
    query = stranger.query.decode()
    given = EnvironBuilder(method="POST", path="/wechat", query_string=query, data=stranger.body)

    def batch() -> float:
        environs = [given.get_environ() | {"wsgi.input": BytesIO(stranger.body)} for _ in range(SIZE)]
        started = time.thread_time()
        for each in environs:
            assert b"".join(app(each, lambda *_: lambda _: None)) == b"forbidden\n"
        return (time.thread_time() - started) / SIZE

    assert min(batch() for _ in range(BATCHES)) < LONGEST_SECONDS
