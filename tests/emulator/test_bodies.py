"""Bodies of requests that never come, or that are no JSON to anybody but Python."""

import io
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from wxbot.emulator.rules import Rules
from wxbot.emulator.server import create_emulator
from wxbot.emulator.threaded import run_emulator
from wxbot.emulator.world import Account, World

DEEP = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
# What json.loads takes, and what could not be told again by anybody.
UNTELLABLE = [b'{"a":"\\ud800"}', b'{"\\udc00":1}', b'{"a":NaN}', b'{"a":1e400}', b'{"a":-Infinity}', DEEP]


@pytest.fixture
def client(world: World) -> FlaskClient:
    return create_emulator(world).test_client()


@pytest.fixture
def token(world: World) -> str:
    return world.tokens.issue_classic(world.clock.now())[0]


class Watched(io.BytesIO):
    """A body that notes, whenever some of it is read, whether others can use the world meanwhile."""

    def __init__(self, body: bytes, world: World) -> None:
        super().__init__(body)
        self.was_free: list[bool] = []
        self._lock = world.lock

    def readinto(self, buffer: Any, /) -> int:
        """Read, as from a slow connection."""
        with ThreadPoolExecutor(1) as somebody_else:
            self.was_free.append(somebody_else.submit(self._take_lock).result())
        return super().readinto(buffer)

    def _take_lock(self) -> bool:
        is_free = self._lock.acquire(blocking=False)
        if is_free:
            self._lock.release()
        return is_free


@pytest.mark.parametrize(
    "path",
    ["/cgi-bin/qrcode/create", "/cgi-bin/stable_token", "/datacube/getusersummary", "/control/trouble"],
)
def test_nobody_waits_for_the_body_of_another_call(
    client: FlaskClient, world: World, *, path: str, token: str
) -> None:
    body = Watched(b"{}", world)

    client.post(
        path,
        query_string={"access_token": token},
        input_stream=body,
        content_length=2,
        content_type="application/json",
    )

    assert body.was_free and all(body.was_free)


def test_call_whose_body_never_comes_is_in_the_ledger_without_one(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    with run_emulator(world) as running:
        with socket.create_connection(("127.0.0.1", running.port), timeout=5) as caller:
            caller.sendall(
                b"POST /cgi-bin/tags/create HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"
            )
            caller.shutdown(socket.SHUT_WR)
            answer = caller.makefile("rb").readline()
        state = requests.get(f"{running.url}/control/state", timeout=5).json()

    assert answer.split()[1] == b"400"
    assert state["calls"] == {"tags/create": 1}
    assert [(call.body, call.errcode) for call in world.ledger.calls()] == [(None, None)]
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("body", UNTELLABLE)
def test_call_with_what_could_not_be_told_again_is_a_data_format_error(
    client: FlaskClient, world: World, *, token: str, body: bytes
) -> None:
    world.rules = Rules(scene_texts="any")
    code = b'{"action_name":"QR_STR_SCENE","action_info":{"scene":{"scene_str":"vip"}},"more":%s}' % body

    answer = client.post(f"/cgi-bin/qrcode/create?access_token={token}", data=code)

    assert (answer.status_code, answer.get_json(force=True)["errcode"]) == (200, 47001)
    calls = json.loads(client.get("/control/calls").data, parse_constant=pytest.fail)["calls"]
    assert [(call["body"], call["errcode"]) for call in calls] == [(None, 47001)]


@pytest.mark.parametrize("body", UNTELLABLE)
def test_phone_and_control_take_nothing_that_they_could_not_tell(
    client: FlaskClient, world: World, *, who: Any, body: bytes
) -> None:
    world.account = Account()
    text = body.replace(b'{"a"', b'{"content"')

    said = client.post(f"/phone/api/people/{who('Ailin')}/text", data=text, content_type="application/json")
    changed = client.post("/control/rules", data=body, content_type="application/json")
    state = client.get("/phone/api/state", query_string={"person": who("Ailin")})

    assert (said.status_code, changed.status_code, state.status_code) == (400, 400, 200)
    assert "JSON object" in json.loads(changed.data)["error"]
    assert json.loads(state.data)["entries"] == []
