"""`wxbot check`: good or every fault, and nothing touched."""

import json
import socket
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from wxbot.db import migrate


def test_check_shows_what_to_enter_on_wechats_page(configured: Any) -> None:
    result = configured.run("check")

    assert (result.returncode, result.stderr) == (0, "")
    assert "https://bot.example.com/wechat" in result.stdout
    assert "will be made at the first start" in result.stdout
    assert "in order" in result.stdout


def test_check_writes_nothing(configured: Any) -> None:
    before = sorted(configured.folder.iterdir())

    configured.run("check")

    assert sorted(configured.folder.iterdir()) == before


def test_quiet_check_of_a_good_configuration_is_silent(configured: Any) -> None:
    result = configured.run("check", "--quiet")

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_check_prints_every_fault_of_the_configuration_on_its_line(project: Any) -> None:
    project.write("config.toml", '[accounts.default]\nappid = "wrong"\n[callback]\ndeadline_seconds = 9\n')

    result = project.run("check")

    lines = result.stderr.splitlines()
    assert (result.returncode, result.stdout) == (78, "")
    assert len(lines) >= 5 and all(line.startswith("wxbot: ") for line in lines)
    assert any("deadline_seconds" in line for line in lines) and any("secret_key" in line for line in lines)


def test_check_names_the_line_of_a_broken_handler(configured: Any) -> None:
    configured.write("handlers/broken.py", '"""Broken."""\n\nimport nothing_of_this_name\n')

    result = configured.run("check", "--quiet")

    assert result.returncode == 78
    assert result.stderr.startswith("wxbot: handlers/broken.py:3: ") and result.stderr.count("\n") == 1


def test_check_warns_of_plain_mode_and_of_a_missing_address(configured: Any) -> None:
    result = configured.run("check", WXBOT_ACCOUNTS__DEFAULT__MODE="plain", WXBOT_SERVER__PUBLIC_URL="")

    assert result.returncode == 0
    assert "not encrypted" in result.stderr and "public_url is not set" in result.stderr


def test_check_reports_to_programs(configured: Any) -> None:
    migrate.upgrade(f"sqlite:///{configured.folder}/var/wxbot.db")

    report = json.loads(configured.run("check", "--json").stdout)

    (account,) = report["accounts"]
    assert (account["mode"], account["scenes"], account["handlers"]) == ("safe", 2, 3)
    assert (report["plugins"], report["revision"]) == (["shop"], migrate.head())


def test_check_refuses_a_database_of_the_future(configured: Any) -> None:
    file = configured.folder / "var" / "wxbot.db"
    migrate.upgrade(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE compatibility SET oldest = '9999'")

    result = configured.run("check", "--quiet")

    assert result.returncode == 78
    assert "revision 9999, which a newer wxbot has made" in result.stderr


def test_check_refuses_a_spool_that_cannot_be_and_makes_nothing(configured: Any) -> None:
    configured.write("taken", "")
    before = sorted(configured.folder.iterdir())

    result = configured.run("check", "--quiet", WXBOT_SPOOL__PATH="taken/here/spool")

    assert result.returncode == 78
    assert result.stderr.startswith("wxbot: [spool] path: ") and "taken cannot be used" in result.stderr
    assert sorted(configured.folder.iterdir()) == before


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://:canary@127.0.0.1:6379/0?socket_timeout=passwords", "[redis] url: "),
        ("redis://127.0.0.1:1/0", 'pip install "wxbot[redis]"'),
    ],
)
def test_check_tells_what_keeps_a_queue_in_redis_from_being_opened(
    configured: Any, url: str, words: str
) -> None:
    if "pip" in words:
        configured.write("redis/__init__.py", "raise ImportError")

    # In a process of its own, which has not imported redis yet.
    result = configured.run_apart("check", "--quiet", WXBOT_JOBS__BACKEND="redis", WXBOT_REDIS__URL=url)

    assert result.returncode == 78
    assert result.stderr.startswith("wxbot: ") and words in result.stderr
    assert "canary" not in result.stderr and "passwords" not in result.stderr


def test_check_does_not_ask_redis(configured: Any) -> None:
    nobody = {"WXBOT_JOBS__BACKEND": "redis", "WXBOT_REDIS__URL": "redis://127.0.0.1:1/0"}

    assert configured.run("check", "--quiet", **nobody).returncode == 0


def test_check_accepts_a_database_that_is_ahead(configured: Any) -> None:
    file = configured.folder / "var" / "wxbot.db"
    migrate.upgrade(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    result = configured.run("check")

    assert result.returncode == 0
    assert "can use it until it is upgraded too" in result.stderr


def test_check_does_not_stop_a_start_without_the_database(configured: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    url = f"postgresql+psycopg://wxbot:longpassword@127.0.0.1:{port}/wxbot"

    result = configured.run("check", WXBOT_DATABASE__URL=url)

    assert result.returncode == 0
    assert "events are kept in the spool" in result.stderr
    assert "longpassword" not in result.stderr + result.stdout
