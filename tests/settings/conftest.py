"""A configuration that works, and a way to load variations of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from wxbot.errors import ConfigurationError
from wxbot.settings import load

SECRET_KEY = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c"
TOKEN = "K8mQ2vR7xW4nB9tY"
AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
APP_SECRET = "4f1b2b0b822cd15d6c15b0f00a08aa11"

GOOD = f"""
secret_key = "{SECRET_KEY}"

[accounts.default]
appid = "wx0123456789abcdef"
secret = "{APP_SECRET}"
token = "{TOKEN}"
aes_key = "{AES_KEY}"
"""


@pytest.fixture
def good() -> str:
    return GOOD


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], str]:
    """Write a configuration file and return its path."""

    def write(text: str) -> str:
        file = tmp_path / "config.toml"
        file.write_text(text, encoding="utf-8")
        return str(file)

    return write


@pytest.fixture
def faults(config: Callable[[str], str]) -> Callable[..., tuple[str, ...]]:
    """Load a configuration that must be refused; return the faults."""

    def refused(text: str, **env: str) -> tuple[str, ...]:
        with pytest.raises(ConfigurationError) as caught:
            load(config(text), env=env)
        return caught.value.faults

    return refused
