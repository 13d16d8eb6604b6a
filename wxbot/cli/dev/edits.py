"""Which files a bot under development was made from, and when they change."""

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from watchfiles import PythonFilter, watch

TICK_MILLISECONDS = 100
# Editors write a file in several steps; this long without another one means that they are done.
SETTLE_MILLISECONDS = 50

Stamp = tuple[int, int, int] | None


@dataclass(frozen=True)
class Sources:
    """Folders whose Python files are followed, and single files that are."""

    folders: frozenset[Path]
    files: frozenset[Path]


def sources_of(packages: Sequence[str], configurations: Sequence[Path]) -> Sources:
    """Return where these packages are, with what may be the configuration and, in a checkout, wxbot."""
    found = [_place(package) for package in packages]
    ours = Path(__file__).resolve().parents[2]
    if (ours.parent / "pyproject.toml").is_file():
        found.append(ours)
    return Sources(
        folders=frozenset(place for place in found if place and place.is_dir()),
        files=frozenset([*configurations, *(place for place in found if place and place.is_file())]),
    )


def edits(find: Callable[[], Sources]) -> Iterator[list[Path]]:
    """Yield the files that changed, several times a second; usually none. Never ends.

    `find` is asked each time, because folders come and go and the configuration may name others.
    """
    sources = find()
    stamps = {file: _stamp(file) for file in sources.files}
    changed: set[Path] = set()
    while True:
        # Which of them exist may have changed since they were found.
        with suppress(FileNotFoundError):
            for noticed in watch(
                *sources.folders,
                watch_filter=PythonFilter(),
                step=SETTLE_MILLISECONDS,
                debounce=10 * SETTLE_MILLISECONDS,
                rust_timeout=TICK_MILLISECONDS,
                yield_on_timeout=True,
            ):
                changed.update(Path(path) for _, path in noticed)
                now = find()
                latest = {file: _stamp(file) for file in now.files}
                changed.update(file for file in latest if latest[file] != stamps.get(file))
                changed.update(now.folders ^ sources.folders)
                stamps = latest
                if now.folders != sources.folders:
                    break
                yield sorted(changed)
                changed.clear()
        sources = find()


def _place(package: str) -> Path | None:
    """Return the folder or the file of a package, without importing anything of it."""
    inside = Path(*package.split("."))
    if inside.is_dir():
        return inside
    if (module := inside.with_suffix(".py")).is_file():
        return module
    return _installed(package)


@cache
def _installed(package: str) -> Path | None:
    first, _, rest = package.partition(".")
    try:
        spec = importlib.util.find_spec(first)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0], *filter(None, rest.split(".")))


def _stamp(file: Path) -> Stamp:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
