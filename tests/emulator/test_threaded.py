"""The emulator on a real port: up when it is said to be, gone when it is stopped."""

import pytest
import requests

from wxbot.emulator.threaded import run_emulator, url_of
from wxbot.emulator.world import World


def test_two_worlds_run_side_by_side() -> None:
    with run_emulator(World()) as first, run_emulator(World()) as second:
        assert first.url != second.url
        assert requests.get(f"{first.url}/control/state", timeout=5).status_code == 200
        assert requests.get(f"{second.url}/control/state", timeout=5).status_code == 200


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8900"), ("::1", "http://[::1]:8900"), ("here", "http://here:8900")],
)
def test_address_can_be_opened_in_a_browser(host: str, url: str) -> None:
    assert url_of(host, 8900) == url


def test_stopped_emulator_answers_no_more_and_may_be_stopped_again() -> None:
    running = run_emulator(World())

    running.stop()
    running.stop()

    with pytest.raises(requests.ConnectionError):
        requests.get(running.url, timeout=5)


@pytest.mark.parametrize("name", ["evil.test", "127.0.0.1.evil.test", "evil.test:80", "10.0.0.7", "[", ""])
def test_a_website_whose_name_leads_here_learns_and_changes_nothing(name: str) -> None:
    world = World()
    with run_emulator(world) as running:
        own = {"Host": name}
        seen = requests.get(f"{running.url}/control/state", headers=own, timeout=5)
        body = {"callback_url": "http://evil.test/"}
        sent = requests.post(f"{running.url}/control/account", json=body, headers=own, timeout=5)

        assert (seen.status_code, sent.status_code) in ((403, 403), (400, 400))
        assert world.account.callback_url != "http://evil.test/"
        for mine in ("localhost", f"localhost:{running.port}", "[::1]:1"):
            answer = requests.get(running.url, headers={"Host": mine}, timeout=5)
            assert answer.status_code == 200, mine
