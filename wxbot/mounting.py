"""The plugins of the settings, mounted; apart from the bot, so that `wxbot check` needs no more than this."""

from collections.abc import Sequence

from wxbot.scenes.loader import load
from wxbot.scenes.plugin import Plugin
from wxbot.scenes.registry import Registry
from wxbot.settings import Settings


def build_registry(configured: Settings, *, plugins: Sequence[Plugin] = ()) -> Registry:
    """Return the registry of the settings' plugins; raises PluginError with every fault."""
    handlers = configured.handlers
    loaded = load(handlers.packages, handlers.plugins, extra=plugins, on_error=handlers.on_error)
    return Registry.build(
        loaded.plugins,
        accounts={name: account.plugins for name, account in configured.accounts.items()},
        keys=secret_keys(configured),
        configs=configured.plugins,
        on_error=handlers.on_error,
        skipped=loaded.skipped,
    )


def secret_keys(configured: Settings) -> list[str]:
    """Return the keys, newest first."""
    keys = (configured.secret_key, *configured.secret_key_fallbacks)
    return [key.get_secret_value() for key in keys]
