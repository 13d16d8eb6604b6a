"""The compose file fits what it starts: variables, secrets, addresses, and the time that ending takes."""

import inspect
import re
import runpy
from typing import Any

import gunicorn.config
import pytest

from tests.deploy import shipped
from wxbot.bot import connections_of
from wxbot.jobs.queue import STOP_SECONDS
from wxbot.settings import describe, from_data

COMPOSE = shipped.compose()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = shipped.ours()
GUNICORN = runpy.run_path(str(shipped.ROOT / "gunicorn.conf.py"))
LIMITS = {"web1": GUNICORN["graceful_timeout"], "web2": GUNICORN["graceful_timeout"], "worker": STOP_SECONDS}


def variable(section: str, key: str) -> str:
    return "WXBOT_" + "__".join(name.upper() for name in (*section.split("."), key) if name)


def test_services_are_those_that_the_tests_start() -> None:
    assert set(OURS) == {"web1", "web2", "worker", "migrate"}
    assert set(SERVICES) - set(OURS) == {"nginx", "postgres", "redis"}


def test_variables_are_settings_or_gunicorns() -> None:
    settings = {variable(each.section, each.key) for each in describe()}
    settings |= {f"{variable(each.section, each.key)}_FILE" for each in describe() if each.is_secret}
    read = (shipped.ROOT / "gunicorn.conf.py").read_text() + inspect.getsource(gunicorn.config)

    assert "WXBOT_SECRET_KEY_FILE" in settings and "WXBOT_ACCOUNTS__DEFAULT__TOKEN" in settings
    for service in OURS.values():
        for name in service["environment"]:
            assert name in settings or f'"{name}"' in read or f"'{name}'" in read, name


def test_no_secret_stands_in_the_file() -> None:
    secrets = {variable(each.section, each.key) for each in describe() if each.is_secret}
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            assert key not in secrets or re.fullmatch(r"redis://\w+:\d+/\d", value), f"{name}: {key}"
            if key.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"], f"{name}: {key}"
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"])
    files = {declared["file"] for declared in COMPOSE["secrets"].values()}
    assert all(file.startswith("./secrets/") for file in files)
    assert "deploy/secrets/" in (shipped.ROOT / ".gitignore").read_text().splitlines()


def test_each_waits_for_what_exists() -> None:
    for service in SERVICES.values():
        assert set(service.get("depends_on", ())) <= set(SERVICES)
    hosts = re.findall(r"redis://(\w+):", str(OURS))
    assert set(hosts) == {"redis"}
    servers = (shipped.DEPLOY / "nginx/wxbot/servers.conf").read_text()
    bound = {
        f"{name}:{service['environment']['WXBOT_BIND'][-4:]}"
        for name, service in OURS.items()
        if name[:3] == "web"
    }
    assert set(re.findall(r"^server (\S+)", servers, re.MULTILINE)) == bound


@pytest.mark.parametrize("name", LIMITS)
def test_who_ends_is_given_time_for_it(name: str) -> None:
    unit = shipped.unit("wxbot-worker.service" if name == "worker" else "wxbot-web.service")

    assert shipped.seconds(OURS[name]["stop_grace_period"]) >= LIMITS[name] + 5
    assert shipped.seconds(unit["TimeoutStopSec"][0]) >= LIMITS[name] + 5
    assert unit["KillMode"] == ["mixed"]


def test_a_machine_is_not_taken_for_dead_while_gunicorn_may_answer() -> None:
    site = (shipped.DEPLOY / "nginx/wxbot.conf").read_text()
    servers = (shipped.DEPLOY / "nginx/wxbot/servers.conf").read_text()

    (idle,) = re.findall(r"keepalive 32;.*?keepalive_timeout (\d+)s;", site, re.DOTALL)
    assert int(idle) < GUNICORN["keepalive"]
    assert "proxy_read_timeout 4700ms;" in site  # between 4.3 s, wxbot's promise, and 5 s, WeChat's patience
    assert re.findall(r"fail_timeout=(\d+)s", servers) == ["2", "2"]  # test_machines.py waits for longer


def test_only_nginx_is_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["nginx"]


def test_checks_ask_for_what_is_there() -> None:
    for name, service in OURS.items():
        if name[:3] == "web":
            assert "/readyz" in service["healthcheck"]["test"][-1]
    assert SERVICES["nginx"]["healthcheck"]["test"][-1] == "https://127.0.0.1/healthz"
    assert "location = /healthz" in (shipped.DEPLOY / "nginx/wxbot.conf").read_text()


def test_folders_are_where_they_are_mounted() -> None:
    for service in OURS.values():
        assert service["volumes"] == [f"spool:{service['environment']['WXBOT_SPOOL__PATH']}"]
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert (
        f"/var/lib/wxbot {OURS['web1']['environment']['WXBOT_SPOOL__PATH']}"
        in (shipped.DEPLOY / "Dockerfile").read_text()
    )
    mounted = dict(each.split(":")[:2] for each in SERVICES["nginx"]["volumes"])
    assert (shipped.DEPLOY / "nginx/nginx.conf").is_file() and mounted["./nginx"] == "/etc/nginx"
    certificate = (shipped.DEPLOY / "nginx/wxbot/site.conf").read_text()
    assert f"ssl_certificate {mounted['./certificates']}/fullchain.pem;" in certificate


def test_database_allows_the_connections_that_may_be_opened() -> None:
    settings = from_data(
        {
            "secret_key": "a key for tests, long enough to be used",
            "accounts": {
                "default": {"appid": "wx0123456789abcdef", "token": "ab12cd34ef56gh78", "mode": "plain"}
            },
        }
    )
    processes = sum(int(service["environment"].get("WEB_CONCURRENCY", 1)) for service in OURS.values())

    (allowed,) = re.findall(r"max_connections=(\d+)", " ".join(SERVICES["postgres"]["command"]))
    assert processes * connections_of(settings) <= int(allowed)
