"""The settings of one deployment: a TOML file, the environment and files for secrets, checked as a whole."""

from wxbot.settings.model import (
    AccountSettings,
    CallbackSettings,
    DatabaseSettings,
    HandlerSettings,
    ReplySettings,
    ServerSettings,
    Setting,
    Settings,
    describe,
)
from wxbot.settings.reading import from_data, load

__all__ = [
    "AccountSettings",
    "CallbackSettings",
    "DatabaseSettings",
    "HandlerSettings",
    "ReplySettings",
    "ServerSettings",
    "Setting",
    "Settings",
    "describe",
    "from_data",
    "load",
]
