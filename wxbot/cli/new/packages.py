"""Which packages of handlers are loaded here, as far as a new handler has to know."""

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from wxbot.cli.configuration import DEVELOPMENT, is_configured

USUAL = "handlers"


def loaded_packages() -> tuple[str, ...] | None:
    """Return the packages that the settings load in this folder; None: the settings have faults."""
    from wxbot import settings
    from wxbot.errors import ConfigurationError

    if not is_configured() and not DEVELOPMENT.exists():
        return (USUAL,)
    try:
        return settings.load(None if is_configured() else str(DEVELOPMENT)).handlers.packages
    except ConfigurationError:
        return None


def package_for(loaded: Sequence[str] | None) -> str:
    """Return where a handler goes unless it is said: the one loaded package, if it can be in this folder."""
    if loaded is None or len(loaded) != 1 or not loaded[0]:
        return USUAL
    (package,) = loaded
    folder = Path(*package.split("."))
    # Made here beside an installed package, or a module, of the same name, one of the two would be hidden.
    is_elsewhere = folder.with_suffix(".py").exists() or find_spec(folder.parts[0]) is not None
    return package if folder.is_dir() or not is_elsewhere else USUAL


def next_step(package: str, loaded: Sequence[str] | None) -> str:
    """Return what to do with a new handler in this package."""
    if loaded is None or package in loaded:
        return "Try it: `wxbot dev` shows its code on the phone page and takes every edit over at once."
    packages = json.dumps([*loaded, package], ensure_ascii=False)
    return (
        f"{package} is not loaded yet: add it to [handlers] packages, in config.toml or, "
        f"where there is none, in {DEVELOPMENT}:\n\n[handlers]\npackages = {packages}"
    )
