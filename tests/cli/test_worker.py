"""`wxbot worker`, and the workers beside `serve` and `dev`: jobs get done, nothing is left behind."""

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from wxbot.db.business import webhook_deliveries
from wxbot.db.engine import open_engine
from wxbot.db.models import jobs
from wxbot.jobs.ledger import Ledger
from wxbot.jobs.outbox import Job, enqueue
from wxbot.webhooks.deliveries import Deliveries

JOBS = '''
"""A scene that defers."""

import os
from pathlib import Path

from wxbot import Plugin, Scan

plugin = Plugin("orders")


@plugin.job
def note(word: str) -> None:
    with Path("done.txt").open("a") as done:
        done.write(f"{word} {os.getpid()}\\n")


@plugin.job(attempts=1)
def fail(word: str) -> None:
    raise ValueError(word)


@plugin.scene("order")
def order(scan: Scan, defer) -> str:
    defer(note, word="noted")
    defer(fail, word="private")
    return "好的"
'''

LONG = '''
"""A job that takes as long as a test wants."""

import time
from pathlib import Path

from wxbot import Plugin

plugin = Plugin("orders")


def note(word: str) -> None:
    with Path("done.txt").open("a") as done:
        done.write(word + "\\n")


@plugin.job
def hold() -> None:
    note("begun")
    while not Path("go-on").exists():
        time.sleep(0.02)
    note("ended")
'''

CURIOUS = '''
"""A job that tells what it finds in the environment, and whether its plugin has its secret."""

import os
from pathlib import Path

from pydantic import BaseModel, SecretStr

from wxbot import Plugin


class Config(BaseModel):
    phrase: SecretStr


plugin = Plugin("orders", config=Config)


@plugin.job
def tell(config: Config) -> None:
    seen = sorted(value for value in os.environ.values() if "canary" in value)
    with Path("done.txt").open("a") as done:
        done.write(f"{len(config.phrase.get_secret_value())} {seen}\\n")
'''


@pytest.fixture
def deferring(configured: Any) -> Any:
    """Return a project with a handler that defers a job that works and one that fails."""
    configured.write("handlers/orders.py", JOBS)
    return configured


def scan(project: Any, port: str) -> None:
    url = f"http://127.0.0.1:{port}/wechat"
    result = project.run("simulate", "scan", "order", "--url", url)
    assert "好的" in result.stdout, result.stdout + result.stderr


def done(project: Any) -> list[str]:
    file = project.folder / "done.txt"
    return file.read_text().splitlines() if file.exists() else []


def wait_for(project: Any, count: int, *, seconds: float = 90) -> list[str]:
    give_up_at = time.monotonic() + seconds
    while len(done(project)) < count:
        assert time.monotonic() < give_up_at, done(project)
        time.sleep(0.05)
    return done(project)


def is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def test_served_jobs_are_done_beside_the_server(deferring: Any) -> None:
    served = deferring.start("serve", "--bind", "127.0.0.1:0", "--workers", "1")
    port = served.port()
    first = int(served.wait_for(r"worker (\d+) does up to 4 jobs at a time")[1])
    scan(deferring, port)
    assert wait_for(deferring, 1) == [f"noted {first}"]

    os.kill(first, signal.SIGKILL)
    served.wait_for("another one starts in 1 s")
    scan_again = f"worker (?!{first} )(\\d+) does up to 4 jobs"
    second = int(served.wait_for(scan_again)[1])
    time.sleep(1.1)  # another second, another event
    scan(deferring, port)
    assert wait_for(deferring, 2)[1] == f"noted {second}"

    assert served.end(signal.SIGTERM) == 0
    assert f"worker {second} has ended" in served.output
    assert not is_alive(second)


def test_without_a_worker_jobs_wait_for_one_elsewhere_which_a_hangup_restarts_and_an_interrupt_ends(
    deferring: Any,
) -> None:
    served = deferring.start("serve", "--bind", "127.0.0.1:0", "--workers", "1", "--no-worker")
    port = served.port()
    scan(deferring, port)

    working = deferring.start("worker", "--threads", "2")
    pid = working.wait_for(r"worker (\d+) does up to 2 jobs at a time")[1]

    assert wait_for(deferring, 1) == [f"noted {pid}"] and "does up to" not in served.output
    working.wait_for("orders.fail .* is dead")
    assert "private" not in deferring.run("jobs", "list").stdout

    said = working.output.count("Traceback")
    working.process.send_signal(signal.SIGHUP)
    working.wait_for(r"(?s)(does up to.*){2}")
    assert working.process.poll() is None
    assert working.end(signal.SIGINT) == 0
    assert working.output.count("has ended") == 2 and working.output.count("Traceback") == said


def test_what_was_put_aside_is_listed_shown_and_done_again(deferring: Any) -> None:
    served = deferring.start("serve", "--bind", "127.0.0.1:0", "--workers", "1")
    port = served.port()
    scan(deferring, port)
    served.wait_for("orders.fail .* is dead")

    listed = deferring.run("jobs", "list").stdout
    assert "orders.fail" in listed and "orders.note" not in listed and "dead 1" in listed
    key = re.search(r"^([0-9a-f]{16}) ", listed, re.MULTILINE)[1]  # type: ignore[index]
    assert '"word": "private"' in deferring.run("jobs", "show", key).stdout
    deferring.write("handlers/orders.py", JOBS.replace("raise ValueError(word)", "note(word='mended')"))
    served.process.send_signal(signal.SIGHUP)
    served.wait_for(r"(?s)(does up to.*){2}")

    assert "Workers do these jobs once more: 1." in deferring.run("jobs", "replay", key).stdout
    assert wait_for(deferring, 2)[1].startswith("mended ")

    again = deferring.run("jobs", "replay", key)
    assert again.returncode == 1 and "there is nothing to do again" in again.stderr


def test_jobs_find_no_secret_and_their_plugin_has_its_own(configured: Any) -> None:
    configured.write("handlers/orders.py", CURIOUS)
    secrets = {
        "WXBOT_PLUGINS__ORDERS__PHRASE": "canary",
        "WXBOT_SECRET_KEY": "canary of the secret key, long enough",
    }
    configured.run("db", "upgrade", **secrets)
    engine = open_engine(f"sqlite:///{configured.folder / 'var' / 'wxbot.db'}")
    working = configured.start("worker", **secrets)
    for count in (1, 2):
        with engine.begin() as connection:
            enqueue(connection, [Job(account="default", name="orders.tell")])
        wait_for(configured, count)
        working.process.send_signal(signal.SIGHUP)
        working.wait_for(rf"(?s)(does up to.*){{{count + 1}}}")
    engine.dispose()

    assert done(configured) == ["6 []"] * 2


@pytest.mark.parametrize(
    "signals",
    [(signal.SIGHUP, signal.SIGTERM), (signal.SIGTERM, signal.SIGHUP)],
    ids=["HUP TERM", "TERM HUP"],
)
def test_a_worker_that_is_told_to_end_does_so_whatever_else_it_is_told(
    configured: Any, signals: tuple[signal.Signals, ...]
) -> None:
    configured.write("handlers/orders.py", LONG)
    configured.run("db", "upgrade")
    engine = open_engine(f"sqlite:///{configured.folder / 'var' / 'wxbot.db'}")
    with engine.begin() as connection:
        enqueue(connection, [Job(account="default", name="orders.hold")])
    engine.dispose()
    working = configured.start("worker")
    wait_for(configured, 1)

    for each in signals:
        working.process.send_signal(each)
        time.sleep(0.5)  # time to act on it; who is slower sees both at once, and must do the same
    configured.write("go-on", "")

    assert working.process.wait(90) == 0
    assert working.output.count("does up to") == working.output.count("has ended") == 1
    assert [line.split()[0] for line in done(configured)] == ["begun", "ended"]


def test_a_worker_refuses_a_bad_configuration(configured: Any) -> None:
    result = configured.run_apart("worker", WXBOT_ACCOUNTS__DEFAULT__TOKEN="short")

    assert result.returncode == 78
    assert "wxbot: [accounts.default] token" in result.stderr and "Traceback" not in result.stderr


def test_a_worker_says_in_words_what_is_wrong_with_the_database(configured: Any) -> None:
    configured.write("var/wxbot.db", "this is no database " * 100)

    result = configured.run_apart("worker")

    assert result.returncode == 1
    assert "cannot be used: file is not a database" in result.stderr and "Traceback" not in result.stderr


def test_jobs_of_a_development_bot_are_done(project: Any) -> None:
    project.write("handlers/orders.py", JOBS)
    started = project.start("dev", "--port", "0", "--emulator-port", "0", "--shop-port", "0")
    bot = started.wait_for(r"Callback .* (http://\S+)/wechat")[1]
    started.wait_for("Edit a handler")

    scan(project, bot.rpartition(":")[2])

    assert len(wait_for(project, 1)) == 1 and not (project.folder / "var" / "jobs.db").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["replay"], 2, "name the jobs, or say --all-dead"),
        (["replay", "abcd1234", "--all-dead"], 2, "name the jobs, or say --all-dead"),
        (["show", "xyz"], 2, "at least 4 hexadecimal digits"),
        (["show", "abcd1234"], 1, "there is no job abcd1234"),
    ],
)
def test_wrong_questions_are_explained(configured: Any, arguments: list[str], code: int, text: str) -> None:
    assert configured.run("db", "upgrade").returncode == 0

    result = configured.run("jobs", *arguments)

    assert result.returncode == code and text in result.stderr


def test_every_dead_job_is_done_again(configured: Any) -> None:
    """Also when there are more than one query lists."""
    configured.run("db", "upgrade")
    engine = open_engine(f"sqlite:///{configured.folder / 'var' / 'wxbot.db'}")
    with engine.begin() as connection:
        enqueue(connection, [Job(account="default", name="shop.tell") for _ in range(1001)])
        connection.execute(update(jobs).values(state="dead", finished_at=1))

    replayed = configured.run("jobs", "replay", "--all-dead")

    assert replayed.stdout.startswith("Workers do these jobs once more: 1001.")
    assert Ledger(engine).counts() == {"waiting": 1001}
    engine.dispose()


def test_a_dead_delivery_is_sent_again(configured: Any) -> None:
    configured.run("db", "upgrade")
    engine = open_engine(f"sqlite:///{configured.folder / 'var' / 'wxbot.db'}")
    one, other = b"1" * 16, b"2" * 16
    row = {"webhook": "wh_1", "account": "default", "kind": "scan", "body": "{}", "created_at": 1}
    with engine.begin() as connection:
        enqueue(connection, [Job(account="default", name="wxbot.webhook", id=id) for id in (one, other)])
        connection.execute(update(jobs).values(state="dead", finished_at=1))
        for id in (one, other):
            dead = {"id": id, "state": "dead", "attempts": 14, "finished_at": 1}
            connection.execute(insert(webhook_deliveries).values(row | dead))

    configured.run("jobs", "replay", one.hex())
    first = Deliveries(engine).find(one), Deliveries(engine).find(other)
    configured.run("jobs", "replay", "--all-dead")
    then = Deliveries(engine).find(other)

    assert [each and (each.state, each.attempts) for each in (*first, then)] == [
        ("waiting", 0),
        ("dead", 14),
        ("waiting", 0),
    ]
    engine.dispose()


def test_there_may_be_no_jobs(configured: Any) -> None:
    configured.run("db", "upgrade")

    assert configured.run("jobs", "list").stdout == "There are no jobs.\n"
    assert configured.run("jobs", "list", "--json").stdout == "[]\n"
    assert configured.run("jobs", "replay", "--all-dead").stdout.startswith(
        "Workers do these jobs once more: 0"
    )
