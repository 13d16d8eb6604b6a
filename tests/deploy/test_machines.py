"""Two web servers behind nginx answer as one, and one of them may end at any moment."""

import asyncio
import contextlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
import requests

from bench.faults import figures, oracle
from bench.faults.platform import Manners, Platform, scenes, until
from bench.faults.processes import sender
from tests import services
from tests.deploy import shipped
from tests.deploy.conftest import Machines
from tests.deploy.nginx import Nginx
from wxbot.app import create_app
from wxbot.emulator import wire
from wxbot.settings import from_data

pytestmark = pytest.mark.alone

PRIVATE = {"/metrics", "/readyz"}
OF_NGINX = "<center>nginx</center>"
SLOW = 1000 if figures.IS_LONG else 300
NONE_LEFT = "proxy_next_upstream off;"


def answer_of(url: str, push: wire.Push, **options: object) -> str:
    """Deliver a push as WeChat does in safe mode; return the reply's XML."""
    sealed = wire.sealed(push, sender(), timestamp=int(time.time()))
    answer = requests.post(f"{url}/wechat?{sealed.query}", data=sealed.body, timeout=10, **options)  # type: ignore[arg-type]
    encrypted = re.search(r"<Encrypt><!\[CDATA\[([^\]]+)\]\]></Encrypt>", answer.text)
    assert answer.status_code == 200 and encrypted, answer.text
    return sender().cipher.decrypt(encrypted[1]).decode()


def test_scan_is_answered_once_by_all_machines(machines: Machines) -> None:
    push = wire.scan("o" * 28, int(time.time()), scene="marked-write:7", ticket="gQ_ticket")

    direct = [f"http://127.0.0.1:{node.port}" for node in machines.nodes]
    replies = [answer_of(machines.nginx.url, push, verify=str(machines.nginx.certificate)) for _ in range(3)]
    replies += [answer_of(url, push) for url in direct]

    contents = {reply.partition("<Content>")[2] for reply in replies}
    assert len(contents) == 1 and "mark-000007" in contents.pop()
    assert oracle.effects(machines.engine)["marked-write:7"] == 1


def test_each_machine_is_ready_and_sees_the_worker(machines: Machines) -> None:
    for node in machines.nodes:
        told = requests.get(f"http://127.0.0.1:{node.port}/readyz", timeout=10).json()

        assert told["checks"]["worker"]["state"] == "ready"
        assert told["status"] == "ready", told


def test_health_check_of_the_web_servers_tells_the_living_from_the_dead(machines: Machines) -> None:
    check = shipped.ours()["web1"]["healthcheck"]["test"]
    assert check[0] == "CMD"

    codes = []
    for port in (machines.nodes[0].port, services.free_port()):
        here = shipped.placed(check[-1], {"127.0.0.1:8000": f"127.0.0.1:{port}"})
        ended = subprocess.run([sys.executable, *check[2:-1], here], capture_output=True, check=False)
        codes.append(ended.returncode)

    assert codes == [0, 1]


def test_what_is_private_stays_inside(machines: Machines) -> None:
    for node in machines.nodes:
        assert "wxbot_" in requests.get(f"http://127.0.0.1:{node.port}/metrics", timeout=10).text

    detours = ("/q/../metrics", "//metrics", "/./metrics", "/%6detrics", "/metrics/", "/api/%2e%2e/metrics")
    detours += (
        "/api/..%2fmetrics",
        "/metrics/../q/x",
        "/wechat/../readyz",
        "/q/x/%2e./../readyz",
        "/readyz%00",
    )
    for path in (*PRIVATE, *detours, "/", "/wechat/a/b"):
        session = requests.Session()
        asked = requests.Request("GET", machines.nginx.url).prepare()
        asked.url = f"{machines.nginx.url}{path}"  # as it is: requests would tidy it up
        answer = session.send(asked, verify=str(machines.nginx.certificate), timeout=10)

        assert answer.status_code in (400, 404), path
        assert "wxbot_" not in answer.text and "checks" not in answer.text, path
        session.close()


def test_every_other_route_is_handed_on(machines: Machines, tmp_path: Path) -> None:
    settings = from_data(
        {
            "secret_key": "a key for tests, long enough to be used",
            "database": {"url": f"sqlite:///{tmp_path}/wxbot.db"},
            "handlers": {"packages": []},
            "spool": {"path": str(tmp_path / "spool")},
            "jobs": {"path": str(tmp_path / "jobs.db")},
            "accounts": {
                "default": {"appid": "wx0123456789abcdef", "token": "ab12cd34ef56gh78", "mode": "plain"}
            },
        }
    )
    rules = {rule.rule for rule in create_app(settings).url_map.iter_rules()}

    assert rules >= PRIVATE
    for rule in rules - PRIVATE:
        answer = machines.nginx.get(re.sub(r"<[^>]+>", "x", rule))
        assert OF_NGINX not in answer.text, (
            f"{rule} is missing among the locations of deploy/nginx/wxbot.conf"
        )


def test_machines_know_that_the_client_used_tls(machines: Machines) -> None:
    key = machines.run("api-key", "create", "shop").strip()
    claims = {"X-Forwarded-Proto": "http", "X-Forwarded-Ssl": "off", "X-Forwarded-Protocol": "plain"}

    cookies = [
        requests.post(
            f"{url}/qrcode/vip",
            data={"key": key},
            headers=claims,
            verify=str(machines.nginx.certificate),
            allow_redirects=False,
            timeout=10,
        ).headers["Set-Cookie"]
        for url in (machines.nginx.url, f"http://127.0.0.1:{machines.nginx.plain_port}")
    ]

    assert ["Secure" in cookie for cookie in cookies] == [True, False]


@pytest.mark.parametrize("headers", [{}, {"Transfer-Encoding": "chunked"}])
def test_large_body_is_refused_at_the_door(machines: Machines, headers: dict[str, str]) -> None:
    def body() -> Iterator[bytes]:
        yield from [b"<" * 1024] * 65

    answer = requests.post(
        f"http://127.0.0.1:{machines.nginx.plain_port}/wechat?large",
        data=body() if headers else b"".join(body()),
        timeout=10,
    )

    assert answer.status_code == 413 and OF_NGINX in answer.text
    # nginx writes its line when the answer has gone.
    give_up_at = time.monotonic() + 5
    wanted = re.compile(r"/wechat 413 [\d.]+ from -: - in -$")
    while not (found := wanted.search(machines.nginx.access_log()[-1])) and time.monotonic() < give_up_at:
        time.sleep(0.05)
    assert found


async def while_machines_end(machines: Machines, good: Platform, spoilt: Platform) -> None:
    """Push scans through both; meanwhile restart one machine after the other as documented, then kill one."""

    first, second = machines.nodes

    def end_and_start() -> None:
        # As compose does it: nginx finds out by itself.
        first.stop_process(signal.SIGTERM)
        assert first.has_ended()
        first.come_back()
        time.sleep(2.5)  # fail_timeout in servers.conf, and a little
        # As the documents say it for systemd: nginx is told.
        machines.nginx.leave_out(second.port)
        second.stop_process(signal.SIGTERM)
        second.come_back()
        machines.nginx.leave_out()
        time.sleep(0.5)
        first.kill(group=True)
        time.sleep(1)

    going = asyncio.create_task(asyncio.to_thread(end_and_start))
    # Under way when the first machine is told to end.
    slow_one = scenes("idle:800:{}", limit=1)
    pushed = until(60, chain(slow_one, scenes("marked:{}", "write:{}", "marked-write:{}")), going.done)
    await asyncio.gather(
        good.run(pushed, rate=30), spoilt.run(until(60, scenes("light:{}"), going.done), rate=10)
    )
    await going


def test_no_scan_fails_while_machines_restart_and_die(machines: Machines) -> None:
    ports = [node.port for node in machines.nodes]
    with Nginx(
        ports, changes={"proxy_next_upstream error timeout http_503 non_idempotent;": NONE_LEFT}
    ) as other:
        good = Platform(sender(), [machines.nginx.plain_port], Manners(attempts=1))
        spoilt = Platform(sender(), [other.plain_port], Manners(attempts=1))
        asyncio.run(while_machines_end(machines, good, spoilt))

    verdict = oracle.judge(good.sent, machines.engine)
    slowest = max(each.seconds for one in good.sent[1:] for each in one.attempts)
    refused = sum(oracle.faults_of(spoilt.sent).values())
    figures.keep(
        "deploy", {"slowest_s": round(slowest, 2), "refused_without": refused} | dict(verdict.counts)
    )
    failed = [line for line in machines.nginx.access_log() if re.search(r"/wechat 5\d\d ", line)]
    assert oracle.faults_of(good.sent) == {}, "\n".join(failed)
    assert not verdict.faults
    # Without a second machine to go to it would not have been so.
    assert refused


def slow_clients(machines: Machines, number: int) -> list[socket.socket]:
    """Begin so many requests twice and leave them so: in the middle of the head, and of the body."""
    head = b"POST /wechat?slow HTTP/1.1\r\nHost: bot.example.com\r\n"
    begun = []
    for sent in [head] * number + [head + b"Content-Length: 100\r\n\r\n<xml>"] * number:
        # From an address of their own, since what is limited is what comes from one.
        address = ("127.0.0.1", machines.nginx.plain_port)
        begun.append(socket.create_connection(address, timeout=20, source_address=("127.0.0.2", 0)))
        begun[-1].sendall(sent)
    return begun


def end_of(connection: socket.socket) -> str:
    """Read until the other side ends; return the status it gave, if any."""
    with connection, contextlib.suppress(ConnectionResetError):
        return connection.recv(4096)[9:12].decode()
    return ""


def test_slow_clients_are_sent_away_and_disturb_nobody(machines: Machines) -> None:
    ends: Counter[str] = Counter()
    platform = Platform(sender(), [machines.nginx.plain_port], Manners(attempts=1))

    async def scans() -> None:
        begun = await asyncio.to_thread(slow_clients, machines, SLOW)
        pushed = scenes("marked:7700{}")
        going = asyncio.create_task(asyncio.to_thread(lambda: ends.update(map(end_of, begun))))
        await platform.run(until(30, pushed, going.done), rate=30)
        await going

    asyncio.run(scans())

    verdict = oracle.judge(platform.sent, machines.engine)
    p99 = oracle.percentile((one.attempts[0].seconds for one in platform.sent), 0.99)
    figures.keep("slow-clients", {"p99_s": round(p99, 3), "ends": dict(ends)} | dict(verdict.counts))
    # 256 may send at a time; none of the others was waited for.
    assert ends["503"] == SLOW - 256 and sum(ends.values()) == 2 * SLOW
    assert oracle.faults_of(platform.sent) == {} and not verdict.faults
    assert not figures.IS_LONG or p99 < 0.1


def test_late_result_goes_through_redis_to_the_worker_and_to_wechat(machines: Machines) -> None:
    pushed = wire.scan("o" * 28, int(time.time()), scene="slow:3000:9", ticket="gQ_ticket")

    answer_of(machines.nginx.url, pushed, verify=str(machines.nginx.certificate))

    give_up_at = time.monotonic() + 60
    while not machines.api.messages() and time.monotonic() < give_up_at:
        time.sleep(0.05)
    assert [openid for openid, _ in machines.api.messages()][-1:] == ["o" * 28]


def test_logs_hold_no_signature(machines: Machines) -> None:
    answer_of(
        machines.nginx.url,
        wire.scan("o" * 28, int(time.time()), scene="marked:8", ticket="gQ_ticket"),
        verify=str(machines.nginx.certificate),
    )

    give_up_at = time.monotonic() + 20
    while not any("POST /wechat 200" in line for line in machines.nginx.access_log()):
        assert time.monotonic() < give_up_at  # nginx writes a line after the answer
        time.sleep(0.05)
    logged = [*machines.nginx.access_log(), machines.nginx.log()]
    logged += [node.tail() for node in machines.nodes]
    logged.append((machines.nginx.folder / "error.log").read_text())
    assert not [line for line in logged if "signature=" in line or "openid=" in line]
