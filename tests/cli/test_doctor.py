"""`wxbot doctor`: each thing that can be wrong is found, named, and told how to be mended."""

import json
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from click.testing import CliRunner
from sqlalchemy import create_engine, insert, make_url, text

from tests.services import PASSWORD, QUOTED_PASSWORD, Redis, fresh_database_url, server_of
from wxbot.cli import cli
from wxbot.db import migrate, models
from wxbot.doctor import store
from wxbot.emulator.threaded import Running, run_emulator
from wxbot.emulator.world import Account, World

APPID, SECRET = "wx0123456789abcdef", "4f1b2b0b822cd15d6c15b0f00a08aa11"
Examine = Callable[..., dict[str, Any]]


@pytest.fixture
def world() -> World:
    """Return an emulated WeChat that knows the configured account."""
    return World(account=Account(appid=APPID, secret=SECRET, callback_url="http://127.0.0.1:1/wechat"))


@pytest.fixture
def wechat(world: World) -> Iterator[Running]:
    with run_emulator(world) as running:
        yield running


@pytest.fixture
def database(configured: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of the migrated database, with the project as the working directory."""
    monkeypatch.chdir(configured.folder)
    (configured.folder / "config.toml").chmod(0o600)
    url = f"sqlite:///{configured.folder}/var/wxbot.db"
    migrate.upgrade(url)
    return url


@pytest.fixture
def examine(database: str, wechat: Running) -> Examine:
    """Return a function that examines the project, and gives the findings by what they are about."""

    def run(*arguments: str, **variables: str) -> dict[str, Any]:
        environment = {"WXBOT_ACCOUNTS__DEFAULT__API_BASE": wechat.url, **variables}
        result = CliRunner().invoke(cli, ["doctor", "--json", *arguments], env=environment)
        told = json.loads(result.stdout)
        assert result.exit_code == (1 if told["state"] == "fail" else 0)
        return {each["check"]: each for each in told["findings"]}

    return run


def write(database: str, table: Any, **values: object) -> None:
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(insert(table).values(values))
    engine.dispose()


def heartbeat(database: str, host: str = "here") -> None:
    now = int(time.time())
    seen = {"host": host, "pid": 7, "started_at": now, "seen_at": now}
    write(database, models.heartbeats, id=os.urandom(16), kind="worker", **seen)


def states(found: dict[str, Any]) -> set[str]:
    return {each["state"] for each in found.values()}


def test_deployment_without_a_fault_is_well(examine: Examine, database: str) -> None:
    heartbeat(database)

    found = examine()

    assert states(found) == {"ok"}, found
    assert set(found) >= {
        *("settings", "handlers", "public address", "spool", "database", "durability", "worker", "jobs"),
        *("processes", "database clock", "clock", "callers", "default: secrets", "default: mode"),
        *("default: access token", "default: callback", "default: token's users", "default: tags"),
        *("default: qrcode/create", "default: message/custom/send"),
    }


def test_people_are_told_what_to_do_and_no_secret(database: str, wechat: Running) -> None:
    result = CliRunner().invoke(cli, ["doctor"], env={"WXBOT_ACCOUNTS__DEFAULT__API_BASE": wechat.url})

    assert result.exit_code == 0
    assert "warn  worker" in result.stdout and "start `wxbot worker`" in result.stdout
    assert SECRET not in result.output and "K8mQ2vR7xW4nB9tY" not in result.output


def test_offline_nothing_is_asked(examine: Examine, world: World, database: str) -> None:
    found = examine("--offline")

    assert "clock" not in found and "default: access token" not in found
    assert found["database"]["state"] == "ok"


@pytest.mark.parametrize(
    ("errcode", "check", "state", "words"),
    [
        (40125, "default: access token", "fail", "the AppSecret is wrong"),
        (40013, "default: access token", "fail", "the AppID is unknown"),
        (50004, "default: access token", "fail", "may not fetch access tokens"),
        (89503, "default: access token", "fail", "89503"),
    ],
)
def test_refused_token_is_told_with_its_reason(
    examine: Examine, world: World, errcode: int, check: str, state: str, words: str
) -> None:
    with world.changing():
        world.trouble = world.trouble.__class__(api_errors=(errcode,) * 4)

    found = examine()[check]

    assert found["state"] == state and words in found["text"]
    assert found["advice_zh"]
    assert "default: callback" not in found


def test_wrong_secret_is_told(examine: Examine, world: World) -> None:
    found = examine(WXBOT_ACCOUNTS__DEFAULT__SECRET="0" * 32)["default: access token"]

    assert found["state"] == "fail" and "secret" in found["text"].lower()


def test_unreachable_wechat_is_told(examine: Examine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    found = examine(WXBOT_ACCOUNTS__DEFAULT__API_BASE=f"http://127.0.0.1:{port}")

    assert found["clock"]["state"] == found["default: access token"]["state"] == "fail"
    assert "directly and without a proxy" in found["clock"]["advice"]


def test_plain_mode_open_file_and_missing_secret_deserve_a_look(examine: Examine, configured: Any) -> None:
    (configured.folder / "config.toml").chmod(0o644)

    found = examine(WXBOT_ACCOUNTS__DEFAULT__MODE="plain", WXBOT_ACCOUNTS__DEFAULT__SECRET="")

    assert [found[check]["state"] for check in ("settings", "default: mode", "default: secrets")] == [
        "warn"
    ] * 3
    assert "chmod 600 config.toml" in found["settings"]["advice"]
    assert "default: access token" not in found


@pytest.mark.parametrize(
    ("url", "state"),
    [("", "warn"), ("http://bot.example.com", "warn"), ("https://bot.example.com:8443", "fail")],
)
def test_address_that_wechat_cannot_call_is_told(examine: Examine, url: str, state: str) -> None:
    assert examine("--offline", WXBOT_SERVER__PUBLIC_URL=url)["public address"]["state"] == state


def test_broken_handlers_are_told(database: str, configured: Any) -> None:
    configured.write("handlers/broken.py", '"""Broken."""\n\nraise RuntimeError("not today")\n')

    stopped = configured.run("doctor", "--offline")
    skipped = configured.run("doctor", "--offline", WXBOT_HANDLERS__ON_ERROR="skip")

    assert stopped.returncode == 1 and re.search(r"fail  handlers +handlers/broken.py:3: ", stopped.stdout)
    assert skipped.returncode == 0 and re.search(
        "warn  handlers +left out: handlers/broken.py", skipped.stdout
    )


def test_database_that_is_not_there_is_not_made(examine: Examine, tmp_path: Path) -> None:
    found = examine(WXBOT_DATABASE__URL=f"sqlite:///{tmp_path}/none.db")["database"]

    assert found["state"] == "fail" and "wxbot db upgrade" in found["advice"]
    assert found["text_zh"] == f"没有数据库文件 {tmp_path}/none.db"
    assert not (tmp_path / "none.db").exists()


def test_old_database_and_lost_journal_are_told(examine: Examine, database: str) -> None:
    migrate.downgrade(database, revision="0002")
    engine = create_engine(database)
    with engine.connect() as connection:
        connection.execute(text("PRAGMA journal_mode=DELETE"))
    engine.dispose()

    found = examine()

    assert found["database"]["state"] == "fail" and "is at revision 0002" in found["database"]["text"]
    assert found["durability"]["state"] == "fail" and "WAL" in found["durability"]["text"]
    assert "日志模式是 delete" in found["durability"]["text_zh"]


def test_file_that_is_no_database_is_told(examine: Examine, tmp_path: Path) -> None:
    letter = tmp_path / "letter.db"
    letter.write_text("This is a letter, long enough not to be taken for an empty file. " * 20)

    found = examine(WXBOT_DATABASE__URL=f"sqlite:///{letter}")["database"]

    assert found["state"] == "fail" and "letter.db cannot be used" in found["text"]
    assert "letter.db 无法使用" in found["text_zh"]


@pytest.mark.postgresql_only
def test_server_that_forgets_is_told_of_in_both_languages(
    examine: Examine, tmp_path: Path, store: str
) -> None:
    url = fresh_database_url(tmp_path)
    server_of(store).execute(f"ALTER DATABASE {make_url(url).database} SET synchronous_commit = off")

    found = examine("--offline", WXBOT_DATABASE__URL=url)["durability"]

    assert found["state"] == "fail" and found["text"] == "synchronous_commit is off: set it to on"
    assert found["text_zh"] == "synchronous_commit 现在是 off，请改为 on"


def test_machines_that_share_a_file_are_told(examine: Examine, database: str) -> None:
    heartbeat(database, "one")
    heartbeat(database, "two")

    found = examine("--offline")["processes"]

    assert found["state"] == "fail" and "(one, two)" in found["text"]


def test_many_processes_on_a_file_deserve_a_look(examine: Examine) -> None:
    assert examine("--offline", WEB_CONCURRENCY="9")["processes"]["state"] == "warn"


def test_jobs_that_were_put_aside_are_counted(examine: Examine, database: str) -> None:
    now = int(time.time())
    times = {"run_at": now, "created_at": now}
    for state in ("dead", "dead", "unknown", "waiting", "done"):
        job = {"id": os.urandom(16), "account": "default", "name": "x.y", "arguments": "{}", "attempts": 5}
        write(database, models.jobs, **job, **times, state=state)

    found = examine("--offline")["jobs"]

    assert (found["state"], found["text"]) == ("warn", "put aside: 2 dead, 1 unknown")


def test_jobs_that_no_worker_begins_are_named_with_what_to_do(examine: Examine, database: str) -> None:
    heartbeat(database)
    now = int(time.time())
    for name, state, age in [
        ("gone.note", "waiting", 900),
        ("gone.note", "waiting", 900),
        ("x.y", "done", 900),
    ]:
        write_job(database, name, state=state, run_at=now - age)
    write_job(database, "x.later", state="waiting", run_at=now)

    found = examine("--offline")["waiting jobs"]

    assert (found["state"], found["text"]) == ("warn", "2 should have begun minutes ago (gone.note)")
    assert "WXBOT_CONFIG" in found["advice"]


def write_job(database: str, name: str, *, state: str, run_at: int) -> None:
    job = {"id": os.urandom(16), "account": "default", "name": name, "arguments": "{}", "attempts": 0}
    write(database, models.jobs, **job, state=state, run_at=run_at, created_at=run_at)


def test_waiting_spool_deserves_a_look_and_a_useless_one_more(
    examine: Examine, configured: Any, tmp_path: Path
) -> None:
    (configured.folder / "var" / "spool").mkdir()
    (configured.folder / "var" / "spool" / "current.jsonl").write_text("something\n")
    (tmp_path / "no folder").write_text("")

    waiting = examine("--offline")["spool"]
    useless = examine("--offline", WXBOT_SPOOL__PATH=str(tmp_path / "no folder"))["spool"]

    assert waiting["state"] == "warn" and "10 bytes" in waiting["text"]
    assert useless["state"] == "fail" and "no folder" in useless["text"]


def test_full_disk_fails(examine: Examine, configured: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (configured.folder / "var" / "spool").mkdir()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=2**30, free=4096))

    found = examine("--offline")

    for check in ("database", "spool"):
        assert found[check]["state"] == "fail" and "is full" in found[check]["text"]


def test_spool_is_not_made(examine: Examine, configured: Any) -> None:
    found = examine("--offline")["spool"]

    assert found["state"] == "ok" and "will be made" in found["text"]
    assert not (configured.folder / "var" / "spool").exists()


def of_redis(examine: Examine, url: str) -> tuple[str, str]:
    """Return the state and the text of what is said about a Redis."""
    found = examine("--offline", WXBOT_JOBS__BACKEND="redis", WXBOT_REDIS__URL=url)["Redis"]
    return found["state"], found["text"]


def test_unreachable_redis_is_told(examine: Examine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = f"127.0.0.1:{server.getsockname()[1]}"
        mute = of_redis(examine, f"redis://{place}/0")

    gone = of_redis(examine, f"redis://{place}/0")

    assert mute == ("warn", f"{place} cannot be used: TimeoutError")
    assert gone == ("warn", f"{place} cannot be used: ConnectionError (Connection refused)")


def test_redis_that_refuses_every_call_is_told(examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wxbot.jobs.engine._ANSWER_SECONDS", 60)
    with Redis() as server:
        with redis.Redis(port=server.port) as client:
            client.config_set("requirepass", PASSWORD)
        place = f"127.0.0.1:{server.port}"
        let_in = of_redis(examine, f"redis://:{QUOTED_PASSWORD}@{place}/0")
        refused = [of_redis(examine, f"redis://{words}{place}/0") for words in ("", ":wrong-canary@")]

    assert let_in == ("ok", f"{place} answers")
    assert refused == [("warn", f"{place} cannot be used: AuthenticationError")] * 2


def test_url_that_the_client_of_redis_cannot_read_is_told(examine: Examine) -> None:
    state, text = of_redis(examine, "redis://:canary@127.0.0.1:6379/0?socket_timeout=canary")

    assert state == "fail" and "canary" not in text


def test_second_user_of_the_token_is_told(examine: Examine, database: str, world: World) -> None:
    classic = {"WXBOT_ACCOUNTS__DEFAULT__TOKEN_KIND": "classic"}
    before = examine(**classic)["default: token's users"]
    # Ours is ended before its time, as the fetches of another program do.
    world.tokens.expire_all(world.clock.now())

    after = examine(**classic)["default: token's users"]

    assert before["state"] == "ok"
    assert after["state"] == "warn" and 'token_kind = "stable"' in after["advice"]


def test_webhook_that_is_told_nothing_is_named(examine: Examine, database: str) -> None:
    runner, url = CliRunner(), "https://shop.example.com/"
    silent = json.loads(runner.invoke(cli, ["webhooks", "add", url, "--json"]).stdout)["id"]
    assert examine()["webhooks"]["state"] == "ok"

    runner.invoke(cli, ["webhooks", "disable", silent, "--because", "holidays"])
    disabled = examine()["webhooks"]
    runner.invoke(cli, ["webhooks", "enable", silent])
    unsigned = examine(WXBOT_SECRET_KEY="another secret key, which is long enough for it")["webhooks"]
    kept = examine(
        WXBOT_SECRET_KEY="another secret key, which is long enough for it",
        WXBOT_SECRET_KEY_FALLBACKS="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c",
    )["webhooks"]

    assert disabled["state"] == "warn" and f"{silent} is disabled: holidays" in disabled["text"]
    assert unsigned["state"] == "fail" and "secret_key_fallbacks" in unsigned["advice"]
    assert kept["state"] == "ok"


def test_webhooks_that_may_go_anywhere_are_told_of(examine: Examine) -> None:
    assert "webhooks" not in examine()

    assert examine(WXBOT_WEBHOOKS__ALLOW_PRIVATE="true")["webhooks"]["state"] == "warn"


CHECKED = {"WXBOT_CALLBACK__CHECK_ADDRESS": "true", "WXBOT_SERVER__PROXIES": "1"}


def test_the_list_of_callers_is_there_and_of_today(examine: Examine, database: str) -> None:
    without = examine(**CHECKED)["default: callers"]
    write(database, models.callers, account="default", networks="[]", fetched_at=int(time.time()))
    with_it = examine(**CHECKED)["default: callers"]

    assert (without["state"], with_it["state"]) == ("warn", "ok")
    assert "from any address" in without["text"] and "worker" in without["advice"]


def test_an_old_list_of_callers_is_told_with_its_age(examine: Examine, database: str) -> None:
    fetched_at = int(time.time()) - 3 * 86_400 - 60
    write(database, models.callers, account="default", networks="[]", fetched_at=fetched_at)

    found = examine(**CHECKED)["default: callers"]

    assert found["state"] == "warn" and "3 days old" in found["text"]


def test_without_an_appsecret_no_list_of_callers_is_promised(examine: Examine) -> None:
    found = examine(**CHECKED, WXBOT_ACCOUNTS__DEFAULT__SECRET="")["default: callers"]

    assert found["state"] == "warn" and "AppSecret" in found["text"]


def test_callers_behind_a_proxy_nobody_named_would_all_be_refused(examine: Examine) -> None:
    found = examine(**CHECKED | {"WXBOT_SERVER__PROXIES": "0"})["callers"]

    assert found["state"] == "warn" and "proxies" in found["advice"]


def test_clock_that_is_right_is_not_behind_by_nothing() -> None:
    assert store.of_clock(-0.3).text == "+0 s against this machine's"
    assert store.of_clock(-1.4).text == "-1 s against this machine's"
