"""What `wxbot dev` switches on for its shop, beside what the configuration has already."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from wxbot import settings
from wxbot.cli.dev.setup import ShopPlace, set_up
from wxbot.emulator.world import Account
from wxbot.settings import Settings

SHOP = "http://127.0.0.1:8800"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PLACE = ShopPlace(url=SHOP, lookup_secret=SECRET)
CONFIG = """
secret_key = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c"

[accounts.default]
appid = "wx0123456789abcdef"
token = "K8mQ2vR7xW4nB9tY"
mode = "plain"
"""


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Read what the bot is started with, for a config.toml with these lines."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WXBOT_CONFIG", raising=False)

    def read(more: str = "", *, account: str = "", shop: ShopPlace | None = PLACE) -> Settings:
        Path("config.toml").write_text(CONFIG + account + more, encoding="utf-8")
        setup = set_up(Account(), bot_url="http://127.0.0.1:1", emulator_url="http://127.0.0.1:2", shop=shop)
        return settings.load(str(setup.config), env=setup.environment)

    return read


def test_kits_are_mounted_beside_the_plugins_there_are(configured: Any) -> None:
    read = configured('[handlers]\nplugins = ["crm", "order"]\n', account='plugins = ["crm"]\n')

    assert read.handlers.plugins == ("crm", "order", "link", "login")
    assert read.accounts["default"].plugins == ("crm", "order", "link", "login")
    assert read.webhooks.allow_private


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("", f"{SHOP}/login/back"),
        (
            '[plugins.login]\nsite_name = "x"\nreturn_to = ["https://a.example/in"]\n',
            f"https://a.example/in,{SHOP}/login/back",
        ),
        (
            '[plugins.login]\nsite_name = "x"\nreturn_to = "https://a.example/in, https://b.example/in"\n',
            f"https://a.example/in,https://b.example/in,{SHOP}/login/back",
        ),
    ],
)
def test_logins_lead_back_to_the_shop_as_well(configured: Any, *, section: str, expected: str) -> None:
    assert configured(section).plugins["login"]["return_to"] == expected


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("", {"lookup_url": f"{SHOP}/lookup", "lookup_secret": SECRET}),
        ('[plugins.order]\nlookup = "shop:find"\n', {"lookup": "shop:find"}),
        ('[plugins.order]\nlookup_url = "https://a.example/"\n', {"lookup_url": "https://a.example/"}),
    ],
)
def test_shop_is_asked_about_orders_unless_somebody_else_is(
    configured: Any, *, section: str, expected: dict[str, str]
) -> None:
    assert configured(section).plugins["order"] == {**expected, "language": "visitor"}


def test_kits_write_as_the_visitor_reads_unless_told_otherwise(configured: Any) -> None:
    read = configured('[plugins.order]\nlanguage = "en"\n')

    assert {name: section["language"] for name, section in read.plugins.items()} == {
        "order": "en",
        "link": "visitor",
        "login": "visitor",
    }


def test_nothing_is_mounted_without_a_shop(configured: Any) -> None:
    read = configured(shop=None)

    assert read.handlers.plugins == () and read.plugins == {}


OPTIONS = ("dev", "--port", "0", "--emulator-port", "0", "--shop-port", "0")
DEV = {"WXBOT_CONFIG": "var/dev.toml"}


def test_sessions_have_a_shop_that_other_commands_see_and_one_without_leaves_nothing_of_it(
    project: Any,
) -> None:
    for _ in range(2):
        started = project.start(*OPTIONS)
        shop = started.wait_for(r"Demo shop .* (http://\S+)/\n")[1]
        started.wait_for("Edit a handler")
        ordered = requests.post(f"{shop}/orders", data={"product": "gaiwan"}, timeout=20)
        assert ordered.status_code == 200 and 'data-view="waiting"' in ordered.text
        other_commands_see_the_kits(project)
        started.end()
    keys = project.run("api-key", "list", "--json", **DEV).stdout
    assert keys.count('"wxbot dev: demo shop"') == 2
    assert keys.count('"revoked_at": null') == 1, "each session ends the key of the one before"
    assert "followers:openid" not in keys
    project.run("webhooks", "add", "https://shop.example.com/hooks", "--description", "mine", **DEV)
    assert webhooks(project) == ["wxbot dev: demo shop", "mine"]

    none_of_its_pages(project)

    assert "order.bind" not in project.run("routes").stdout
    assert webhooks(project) == ["mine"]
    of_sessions = json.loads(project.run("api-key", "list", "--json", **DEV).stdout)
    assert [each["name"] for each in of_sessions] == ["wxbot dev: demo shop"] * 2
    assert all(each["revoked_at"] for each in of_sessions)


def other_commands_see_the_kits(project: Any) -> None:
    routes, explained = project.run("routes"), project.run("explain", "order:x")
    assert {"order.bind", "link.scanned", "login.scanned"} <= set(routes.stdout.split()), routes.stderr
    assert "answered by order.bind" in explained.stdout
    mounted = project.folder / "var" / "dev-mounted.json"
    assert mounted.stat().st_mode & 0o077 == 0


def webhooks(project: Any) -> list[str]:
    """Return what the webhooks there are say of themselves."""
    listed = json.loads(project.run("webhooks", "list", "--json", **DEV).stdout)
    return [each["description"] for each in listed]


def none_of_its_pages(project: Any) -> None:
    """Start a session without a shop, and look for the shop in it."""
    shop = project.folder / "handlers" / "shop.py"
    shop.write_text(shop.read_text().replace('"vip"', '"order:vip"'))
    started = project.start(*OPTIONS, "--no-shop")
    page = started.wait_for(r"Phone page .* (http://\S+)/\n")[1]
    bot = started.wait_for(r"Callback .* (http://\S+)/wechat")[1]
    started.wait_for("Edit a handler")
    codes = requests.get(f"{page}/phone/api/state", timeout=5).json()["codes"]

    assert sorted(code["scene"] for code in codes) == ["order:vip", "shop:1001"]
    assert requests.get(f"{bot}/login/", timeout=5).status_code == 404
    assert "Demo shop" not in started.output
