"""The settings of one deployment: a TOML file, the environment and files for secrets, checked as a whole."""

from wxbot.settings.model import (
    AccountSettings,
    Setting,
    Settings,
    describe,
)
from wxbot.settings.reading import forget_secrets, from_data, load

__all__ = [
    "AccountSettings",
    "Setting",
    "Settings",
    "describe",
    "forget_secrets",
    "from_data",
    "load",
]
