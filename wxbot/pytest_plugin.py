"""The pytest plugin: the fixture `wx`, and three fixtures that say which bot it is.

wxbot is imported inside the fixture, so that this plugin costs nothing where it is not used and does not
spoil the coverage of a project's own tests.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from wxbot import Plugin
    from wxbot.testing import Wx


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini option that names the packages whose handlers are tested."""
    parser.addini(
        "wxbot_packages", "packages whose handlers the fixture wx mounts", type="args", default=["handlers"]
    )


@pytest.fixture
def wx_plugins() -> "Sequence[Plugin] | None":
    """Override to mount these plugins instead of the packages in `wxbot_packages`."""
    return None


@pytest.fixture
def wx_settings() -> Mapping[str, Any]:
    """Override to change settings, shaped like config.toml: `{"plugins": {"orders": {...}}}`."""
    return {}


@pytest.fixture
def wx_database_url() -> str:
    """Override to use another database, which must be empty; by default each test gets an SQLite file."""
    return ""


@pytest.fixture
def wx(
    tmp_path: Path,
    pytestconfig: pytest.Config,
    wx_plugins: "Sequence[Plugin] | None",
    wx_settings: Mapping[str, Any],
    wx_database_url: str,
) -> "Iterator[Wx]":
    """A bot with its own database, and an emulated WeChat with people who scan."""
    from wxbot.testing.kit import Wx  # noqa: PLC0415 - see above

    packages = pytestconfig.getini("wxbot_packages") if wx_plugins is None else ()
    kit = Wx(
        tmp_path,
        plugins=wx_plugins or (),
        packages=packages,
        overrides=wx_settings,
        database_url=wx_database_url,
    )
    yield kit
    kit.close()
