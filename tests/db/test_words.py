"""What is said about a database that cannot be used: what, where, what to do, and never the password."""

import sqlite3
import subprocess
import sys

import psycopg
import pymysql
import pytest
from sqlalchemy import URL, make_url
from sqlalchemy.exc import OperationalError

from tests import services
from wxbot.db.engine import open_engine, shown
from wxbot.db.faults import in_words, kind


@pytest.mark.servers_only
@pytest.mark.parametrize("fault", ["password", "port", "database"])
def test_the_password_is_not_in_the_error(store: str, fault: str) -> None:
    right = make_url(services.server_of(store).url())
    wrong = {
        "password": right.set(password="canary-of-passwords"),
        "port": right.set(port=services.free_port()),
        "database": right.set(database="nowhere"),
    }[fault]
    url = wrong.render_as_string(hide_password=False)

    with pytest.raises(OperationalError) as caught:
        open_engine(url).connect()
    words = in_words(caught.value, url)

    for secret in ("canary-of-passwords", services.PASSWORD, services.QUOTED_PASSWORD):
        assert secret not in words and secret not in str(caught.value)
    assert f"127.0.0.1:{wrong.port}/{wrong.database}" in words and "\n" not in words
    assert "cannot be used" in words


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("password", "line", "said"),
    [
        ("t", "can't connect to t:t@db, password=t", "can't connect to t:***@db, password=***"),
        ("long and odd", "long and odd is refused", "*** is refused"),
        ("", "it is refused", "it is refused"),
    ],
)
def test_a_short_password_is_hidden_only_where_it_stands(password: str, line: str, said: str) -> None:
    url = URL.create("postgresql", "bot", password, "db").render_as_string(hide_password=False)

    assert in_words(OSError(line), url).endswith(f"cannot be used: {said}")


@pytest.mark.sqlite_only
def test_an_address_is_shown_without_password_and_options() -> None:
    url = "postgresql+psycopg://bot:hidden@db.example.com:5433/wxbot?password=hidden&sslmode=require"

    assert shown(url) == "postgresql://bot@db.example.com:5433/wxbot"
    assert shown("mysql+pymysql://bot:hidden@db/wxbot") == "mysql://bot@db/wxbot"
    assert shown("sqlite:///var/wxbot.db") == "sqlite:///var/wxbot.db"


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("url", "driver", "advice"),
    [
        ("postgresql+psycopg://bot@localhost/wxbot", "psycopg", "pip install 'wxbot[postgres]'"),
        ("mysql+pymysql://bot@localhost/wxbot", "pymysql", "pip install 'wxbot[mysql]'"),
    ],
)
def test_a_missing_driver_is_said_with_what_to_install(url: str, driver: str, advice: str) -> None:
    program = f"""
import sys
sys.modules[{driver!r}] = None
from wxbot.db import migrate
from wxbot.errors import ConfigurationError
try:
    migrate.upgrade({url!r})
except ConfigurationError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert driver in done.stdout and advice in done.stdout


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (sqlite3.OperationalError("no such row: o-canary"), "OperationalError"),
        (pymysql.err.IntegrityError(1062, "Duplicate entry 'o-canary'"), "IntegrityError 1062"),
        (psycopg.errors.UniqueViolation("Key (openid)=(o-canary)"), "UniqueViolation 23505"),
    ],
)
def test_the_kind_of_an_error_says_nothing_of_what_is_stored(cause: Exception, said: str) -> None:
    assert kind(OperationalError("INSERT", {}, cause)) == said
