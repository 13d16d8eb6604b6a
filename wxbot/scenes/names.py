"""What a plugin may be called; imports nothing of ours, so that a bad name is refused at once."""

import re
from importlib.metadata import entry_points

GROUP = "wxbot.plugins"  # of the entry points by which installed packages offer plugins

_PLUGIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_OURS = ("wxbot", "channels")  # begin the names of our own jobs, and of what channels answer


def name_fault(name: str) -> str:
    """Return why a plugin cannot have this name, an empty text if it can."""
    if not _PLUGIN_NAME.fullmatch(name):
        return f"a plugin cannot be called {name!r}: use letters, digits, _ and -, a letter first"
    return f"the name {name!r} is taken: call the plugin something else" if name in _OURS else ""


def offer_fault(name: str) -> str:
    """Return why no further package can offer a plugin of this name, an empty text if one can."""
    for offered in entry_points(group=GROUP, name=name):
        package = offered.dist.name if offered.dist else "another package"
        return f"the name {name!r} is taken: {package} offers a plugin of that name. Choose another one."
    return ""
