"""The settings of one deployment: a TOML file, the environment and files for secrets, checked as a whole."""

from wxbot.settings.model import (
    AccountSettings,
    AdminSettings,
    CallbackSettings,
    DatabaseSettings,
    HandlerSettings,
    ReplySettings,
    ServerSettings,
    Setting,
    Settings,
    describe,
)
from wxbot.settings.reading import forget_secrets, from_data, load

__all__ = [
    "AccountSettings",
    "AdminSettings",
    "CallbackSettings",
    "DatabaseSettings",
    "HandlerSettings",
    "ReplySettings",
    "ServerSettings",
    "Setting",
    "Settings",
    "describe",
    "forget_secrets",
    "from_data",
    "load",
]
