"""Which configuration a command speaks about."""

import json
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from wxbot.settings import Settings

# What `wxbot dev` writes, and keeps the emulator's secrets in.
DEVELOPMENT = Path("var/dev.toml")
# What it puts over that, its emulator's address and what its demo shop needs: variables as JSON, of the
# session that runs or ran last.
MOUNTED = DEVELOPMENT.with_name("dev-mounted.json")


account_option: Callable[[Any], Any] = click.option(
    "--account", help="Name in [accounts]; needed if there are several and none is called default."
)


def load_settings() -> "Settings":
    """Return the settings; where nothing is configured, those of `wxbot dev` here, with the kits it mounts.

    Raises ConfigurationError. Only for commands that look or try: what serves people must be configured.
    """
    from wxbot import settings

    if is_configured() or not DEVELOPMENT.exists():
        return settings.load()
    click.echo(f"Using {DEVELOPMENT}, since there is no config.toml.", err=True)
    mounted = json.loads(MOUNTED.read_text(encoding="utf-8")) if MOUNTED.exists() else {}
    return settings.load(str(DEVELOPMENT), env={**os.environ, **mounted})


def is_configured() -> bool:
    """Tell whether there is a configuration besides the one that `wxbot dev` makes."""
    named = os.environ.get("WXBOT_CONFIG")
    if named:
        return Path(named) != DEVELOPMENT
    return Path("config.toml").exists() or any(name.startswith("WXBOT_ACCOUNTS__") for name in os.environ)


def choose_account(known: Collection[str], asked_for: str | None) -> str:
    """Return the account that a command is about: the one asked for, `default`, or the only one."""
    if asked_for is None and len(known) == 1:
        return next(iter(known))
    name = asked_for or "default"
    if name not in known:
        raise click.BadParameter(
            f"there is no account {name!r}; there are: {', '.join(known)}", param_hint="--account"
        )
    return name
