"""The configuration of a development bot: the emulator's account in place of any real one."""

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wxbot import settings
from wxbot.cli.configuration import DEVELOPMENT
from wxbot.emulator.world import APPID, SECRET, Account
from wxbot.errors import ConfigurationError

DATABASE = Path("var/dev.db")

_FILE = """\
# Written by wxbot dev, for the emulated WeChat on this machine. When it is deleted, a new one is made.
# Handlers can be given their [plugins.<name>] sections here, or in a config.toml beside var.

secret_key = "{secret_key}"

[database]
url = "sqlite:///{database}"

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


def set_up(account: Account, *, bot_url: str, emulator_url: str) -> Setup:
    """Read the configuration as the bot is going to see it; raises ConfigurationError.

    Whatever the file and the environment say, the account `default` becomes the emulator's, WeChat is looked
    for at the emulator, and the records go to the development database.
    """
    config = _config()
    environment = {name: value for name, value in os.environ.items() if not _is_replaced(name)}
    environment |= {
        "PYTHONUNBUFFERED": "1",
        "WXBOT_CONFIG": str(config),
        "WXBOT_DATABASE__URL": f"sqlite:///{DATABASE}",
        "WXBOT_SERVER__PUBLIC_URL": bot_url,
        "WXBOT_ACCOUNTS__DEFAULT__APPID": account.appid,
        "WXBOT_ACCOUNTS__DEFAULT__SECRET": account.secret,
        "WXBOT_ACCOUNTS__DEFAULT__TOKEN": account.token,
        "WXBOT_ACCOUNTS__DEFAULT__AES_KEY": account.aes_key,
        "WXBOT_ACCOUNTS__DEFAULT__MODE": account.mode,
        **_bases("default", emulator_url),
    }
    configured = settings.load(str(config), env=environment)
    for name in configured.accounts:
        environment |= _bases(name, emulator_url)
    return Setup(config=config, environment=environment, packages=configured.handlers.packages)


def _config() -> Path:
    named = os.environ.get("WXBOT_CONFIG")
    if named:
        return Path(named)
    own = Path("config.toml")
    return own if own.exists() else DEVELOPMENT


def _is_replaced(variable: str) -> bool:
    return variable.startswith(("WXBOT_ACCOUNTS__DEFAULT__", "WXBOT_DATABASE__")) and not variable.endswith(
        "__PLUGINS"
    )


def _bases(account: str, url: str) -> dict[str, str]:
    return {f"WXBOT_ACCOUNTS__{account.upper()}__{base}_BASE": url for base in ("API", "MP", "OPEN")}


def _new_aes_key() -> str:
    """Return 43 letters and digits, as WeChat's page makes them."""
    while True:
        key = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        if key.isalnum():
            return key
