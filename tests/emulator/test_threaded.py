"""The emulator on a real port: up when it is said to be, gone when it is stopped."""

import pytest
import requests

from wxbot.emulator.threaded import run_emulator
from wxbot.emulator.world import World


def test_two_worlds_run_side_by_side() -> None:
    with run_emulator(World()) as first, run_emulator(World()) as second:
        assert first.url != second.url
        assert requests.get(f"{first.url}/control/state", timeout=5).status_code == 200
        assert requests.get(f"{second.url}/control/state", timeout=5).status_code == 200


def test_stopped_emulator_answers_no_more_and_may_be_stopped_again() -> None:
    running = run_emulator(World())

    running.stop()
    running.stop()

    with pytest.raises(requests.ConnectionError):
        requests.get(running.url, timeout=5)
