"""The configuration of a development bot: the emulator's account in place of any real one."""

import base64
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wxbot import settings
from wxbot.cli.configuration import DEVELOPMENT, MOUNTED
from wxbot.cli.output import write_private
from wxbot.emulator.world import APPID, SECRET, Account
from wxbot.errors import ConfigurationError

DATABASE = Path("var/dev.db")
# Not from the settings: who forgets codes or makes an owner there must never do so in a real one.
DATABASE_URL = f"sqlite:///{DATABASE}"
# What the demo shop needs; each a plugin that is shipped with wxbot.
KITS = ("order", "link", "login")
SHOP_NAME = "山间茶铺 Hillside Tea"

_FILE = """\
# Written by wxbot dev, for the emulated WeChat on this machine. When it is deleted, a new one is made.
# Handlers can be given their [plugins.<name>] sections here, or in a config.toml beside var.

secret_key = "{secret_key}"

[database]
url = "sqlite:///{database}"

[webhooks]
allow_private = true

[accounts.default]
appid = "{appid}"
secret = "{secret}"
token = "{token}"
aes_key = "{aes_key}"
mode = "safe"
api_base = "{emulator}"
mp_base = "{emulator}"
open_base = "{emulator}"
"""


@dataclass(frozen=True, kw_only=True)
class ShopPlace:
    """Where the demo shop is, and the secret with which it knows the bot's questions about orders."""

    url: str
    lookup_secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What the bot is started with: its configuration, the variables over it, and where its handlers are."""

    config: Path
    environment: Mapping[str, str]
    packages: tuple[str, ...]


def write_once(emulator_url: str) -> None:
    """Make the development configuration with secrets of its own, unless there is one."""
    DEVELOPMENT.parent.mkdir(parents=True, exist_ok=True)
    text = _FILE.format(
        secret_key=secrets.token_hex(32),
        database=DATABASE,
        appid=APPID,
        secret=SECRET,
        token=secrets.token_hex(16),
        aes_key=_new_aes_key(),
        emulator=emulator_url,
    )
    try:
        # Readable by nobody else from the first moment on.
        descriptor = os.open(DEVELOPMENT, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def emulated_account(callback_url: str) -> Account:
    """Return the account of the development configuration, as the emulator plays it."""
    made = settings.load(str(DEVELOPMENT), env={}).accounts.get("default")
    if made is None:
        raise ConfigurationError(
            f"{DEVELOPMENT}: has no [accounts.default]. Delete the file; wxbot dev makes it anew"
        )
    return Account(
        appid=made.appid,
        secret=made.secret.get_secret_value(),
        token=made.token.get_secret_value(),
        aes_key=made.aes_key.get_secret_value(),
        mode=made.mode,
        callback_url=callback_url,
    )


def set_up(account: Account, *, bot_url: str, emulator_url: str, shop: ShopPlace | None = None) -> Setup:
    """Read the configuration as the bot is going to see it; raises ConfigurationError.

    Whatever the file and the environment say, the account `default` becomes the emulator's, WeChat is looked
    for at the emulator, and records and jobs go to files for development. With a `shop`, the plugins that it
    needs are switched on.
    """
    files = configurations()
    config = next((each for each in files if each.exists()), files[-1])
    environment = {name: value for name, value in os.environ.items() if not _is_replaced(name)}
    environment |= {
        "PYTHONUNBUFFERED": "1",
        "WXBOT_CONFIG": str(config),
        "WXBOT_DATABASE__URL": DATABASE_URL,
        "WXBOT_JOBS__BACKEND": "sqlite",
        "WXBOT_JOBS__PATH": str(DATABASE.with_name("dev-jobs.db")),
        "WXBOT_SPOOL__PATH": str(DATABASE.with_name("dev-spool")),
        "WXBOT_SERVER__PUBLIC_URL": bot_url,
        # The site that is being built is on this machine.
        "WXBOT_WEBHOOKS__ALLOW_PRIVATE": "true",
        "WXBOT_ACCOUNTS__DEFAULT__APPID": account.appid,
        "WXBOT_ACCOUNTS__DEFAULT__SECRET": account.secret,
        "WXBOT_ACCOUNTS__DEFAULT__TOKEN": account.token,
        "WXBOT_ACCOUNTS__DEFAULT__AES_KEY": account.aes_key,
        "WXBOT_ACCOUNTS__DEFAULT__MODE": account.mode,
        **_bases("default", emulator_url),
    }
    configured = settings.load(str(config), env=environment)
    over = _kits(configured, shop) if shop else {}
    for name in configured.accounts:
        over |= _bases(name, emulator_url)
    _tell_other_commands(over if config == DEVELOPMENT else {})
    environment |= over
    return Setup(config=config, environment=environment, packages=configured.handlers.packages)


def _tell_other_commands(mounted: Mapping[str, str]) -> None:
    """Let the commands that look into the development configuration see what is put over it.

    The emulator may be at another port than at the start for which the file was made.
    """
    MOUNTED.parent.mkdir(parents=True, exist_ok=True)
    write_private(MOUNTED, json.dumps(dict(mounted)))  # with the shop's secret in it


def configurations() -> tuple[Path, ...]:
    """Return the files that may hold the configuration: the first that there is, or the last."""
    named = os.environ.get("WXBOT_CONFIG")
    return (Path(named),) if named else (Path("config.toml"), DEVELOPMENT)


def _is_replaced(variable: str) -> bool:
    return variable.startswith(("WXBOT_ACCOUNTS__DEFAULT__", "WXBOT_DATABASE__")) and not variable.endswith(
        "__PLUGINS"
    )


def _bases(account: str, url: str) -> dict[str, str]:
    return {f"WXBOT_ACCOUNTS__{account.upper()}__{base}_BASE": url for base in ("API", "MP", "OPEN")}


def _kits(configured: settings.Settings, shop: ShopPlace) -> dict[str, str]:
    """Return the variables that mount the kits beside what is mounted already."""
    sites = configured.plugins.get("login", {}).get("return_to", ())
    return {
        "WXBOT_HANDLERS__PLUGINS": _joined(configured.handlers.plugins, KITS),
        # The shop speaks both languages; what a section of the kit says goes before this.
        **{
            f"WXBOT_PLUGINS__{kit.upper()}__LANGUAGE": "visitor"
            for kit in KITS
            if "language" not in configured.plugins.get(kit, {})
        },
        "WXBOT_PLUGINS__LINK__SITE": SHOP_NAME,
        "WXBOT_PLUGINS__LINK__LOGIN_URL": f"{shop.url}/login/link",
        "WXBOT_PLUGINS__LOGIN__SITE_NAME": SHOP_NAME,
        "WXBOT_PLUGINS__LOGIN__RETURN_TO": _joined(_listed(sites), [f"{shop.url}/login/back"]),
        **_lookup(configured, shop),
        **_for_the_account(configured),
    }


def _lookup(configured: settings.Settings, shop: ShopPlace) -> dict[str, str]:
    """Let the bot ask the shop about orders, unless it has somebody to ask."""
    if {"lookup", "lookup_url"} & set(configured.plugins.get("order", {})):
        return {}
    return {
        "WXBOT_PLUGINS__ORDER__LOOKUP_URL": f"{shop.url}/lookup",
        "WXBOT_PLUGINS__ORDER__LOOKUP_SECRET": shop.lookup_secret,
    }


def _listed(value: object) -> list[str]:
    """Return the items of a list as a file or a variable may have it; the kit tells what is wrong with it."""
    items = value.split(",") if isinstance(value, str) else value
    return (
        [each.strip() for each in items if isinstance(each, str)] if isinstance(items, list | tuple) else []
    )


def _for_the_account(configured: settings.Settings) -> dict[str, str]:
    """Let the kits answer for an account that has not all plugins."""
    own = configured.accounts["default"].plugins
    return {"WXBOT_ACCOUNTS__DEFAULT__PLUGINS": _joined(own, KITS)} if own else {}


def _joined(*lists: Iterable[str]) -> str:
    return ",".join(dict.fromkeys(each for names in lists for each in names))


def _new_aes_key() -> str:
    """Return 43 letters and digits, as WeChat's page makes them."""
    while True:
        key = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        if key.isalnum():
            return key
