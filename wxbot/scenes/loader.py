"""Where plugins come from: packages of handlers, entry points, and what the application passes in."""

import importlib
import importlib.util
import pkgutil
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Literal

from wxbot.errors import PluginError
from wxbot.scenes.names import GROUP
from wxbot.scenes.places import place
from wxbot.scenes.plugin import Made, Plugin, made_at_import

# In a wheel the examples lie inside the package; they stand in where nobody has written handlers yet.
SHIPPED = {"handlers": "wxbot._handlers"}


@dataclass(frozen=True)
class Loaded:
    """The plugins found, in the order in which their texts are compared, and why others were left out."""

    plugins: tuple[Plugin, ...]
    skipped: tuple[str, ...] = ()


def load(
    packages: Sequence[str],
    entry_point_names: Sequence[str],
    *,
    extra: Sequence[Plugin] = (),
    on_error: Literal["stop", "skip"] = "stop",
) -> Loaded:
    """Import the modules directly inside the packages, by name, then the entry points; collect their plugins.

    Raises PluginError with all that cannot be imported; with `on_error` "skip" these modules are left out and
    listed. A module that fails leaves nothing behind: what it imported of its own package is forgotten, and
    so is what it had added to the plugins of other modules.
    """
    before = frozenset(sys.modules)
    _prefer_working_directory()
    loading = _Loading()
    for package in packages:
        loading.add_package(package)
    for name in entry_point_names:
        loading.add_entry_point(name)
    for plugin in extra:
        loading.add(plugin, "create_app(plugins=...)")
    loading.note_unreachable()
    if loading.faults and on_error == "stop":
        for package in packages:
            _forget_modules(package, before)
        raise PluginError(loading.faults)
    return Loaded(tuple(loading.plugins), tuple(loading.faults))


class _Loading:
    """What was found so far."""

    def __init__(self) -> None:
        self.plugins: list[Plugin] = []
        self.faults: list[str] = []
        self._roots: list[str] = []
        self._made: list[Made] = []

    def add_package(self, name: str) -> None:
        """Import a package and the modules directly inside it, or a single module."""
        root = SHIPPED[name] if name in SHIPPED and importlib.util.find_spec(name) is None else name
        self._roots.append(root)
        package = self._import(root, root)
        if package is None:
            return
        self._collect(package)
        for found in sorted(
            pkgutil.iter_modules(getattr(package, "__path__", ())), key=lambda each: each.name
        ):
            module = self._import(f"{root}.{found.name}", root)
            if module is not None:
                self._collect(module)

    def add_entry_point(self, name: str) -> None:
        """Import what an entry point of our group names."""
        known = entry_points(group=GROUP)
        found = {each.value: each for each in known.select(name=name)}
        if len(found) != 1:
            self.faults.append(_entry_point_fault(name, list(found), sorted(known.names)))
            return
        (entry_point,) = found.values()
        module = self._import(entry_point.module, entry_point.module.partition(".")[0])
        if module is not None:
            self._add_named(entry_point)

    def add(self, plugin: object, source: str) -> None:
        """Keep a plugin, unless it is kept already or is none."""
        if not isinstance(plugin, Plugin):
            self.faults.append(
                f"{source} gives {type(plugin).__name__}, not a Plugin: name the object itself"
            )
        elif not any(plugin is each for each in self.plugins):
            self.plugins.append(plugin)

    def note_unreachable(self) -> None:
        """Note the plugins with handlers that modules of the packages made, and that nobody could collect."""
        for made in self._made:
            name = str(made.variables.get("__name__"))
            is_ours = any(f"{name}.".startswith(f"{root}.") for root in self._roots)
            # Somebody may have tried to import it, and have gone on without it.
            is_there = getattr(sys.modules.get(name), "__dict__", None) is made.variables
            held = [*self.plugins, *made.variables.values()]
            if not (is_ours and is_there) or any(made.plugin is each for each in held):
                continue
            if made.plugin.registrations:
                self.faults.append(
                    f"{made.place}: plugin {made.plugin.name!r} is made here, but no variable of {name} "
                    "holds it (did a function take its name?): keep it in one"
                )

    def _add_named(self, entry_point: EntryPoint) -> None:
        source = f"entry point {entry_point.name!r} ({entry_point.value})"
        try:
            self.add(entry_point.load(), source)
        except AttributeError:
            self.faults.append(f"{source} names nothing in its module: correct it in the package that has it")

    def _collect(self, module: ModuleType) -> None:
        for value in list(vars(module).values()):
            if isinstance(value, Plugin):
                self.add(value, module.__name__)

    def _import(self, name: str, root: str) -> ModuleType | None:
        """Import a module; if that fails, undo what it did to us and note where in `root` it failed."""
        before = frozenset(sys.modules)
        counts = [(plugin, len(plugin.registrations)) for plugin in self.plugins]
        made_count, noting = len(self._made), made_at_import.set(self._made)
        try:
            return importlib.import_module(name)
        # A module may raise anything while it is imported, and a sys.exit in one must not look like success.
        except (Exception, SystemExit) as error:
            self.faults.append(_import_fault(name, root, error))
            _forget_modules(root, before)
            for plugin, count in counts:
                plugin.forget_after(count)
            del self._made[made_count:]
            return None
        finally:
            made_at_import.reset(noting)


def _prefer_working_directory() -> None:
    """Make `handlers` importable for an installed command, whose path does not begin where it is run."""
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    importlib.invalidate_caches()


def _forget_modules(root: str, before: frozenset[str]) -> None:
    for name in frozenset(sys.modules) - before:
        if name == root or name.startswith(f"{root}."):
            del sys.modules[name]


def _import_fault(name: str, root: str, error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name and f"{name}.".startswith(f"{error.name}."):
        return f"there is no module {error.name!r} to load plugins from: make it, or correct its name"
    lines = str(error).splitlines() or [""]
    what = f"{type(error).__name__}: {lines[0]}".rstrip(": ")
    where = _place_of_error(name, root, error)
    return f"{where}: {name} cannot be loaded: {what}. Repair it, or move it elsewhere."


def _place_of_error(name: str, root: str, error: BaseException) -> str:
    """Return the innermost line that belongs to `root`: where its author can do something about it."""
    lines = [(frame.filename, frame.lineno or 1) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        lines.append((error.filename, error.lineno or 1))
    folders = _folders(root)
    own = [line for line in lines if any(Path(line[0]).is_relative_to(folder) for folder in folders)]
    own = own or [(file, 1) for file in _folders(name)]
    return place(*own[-1]) if own else name


def _folders(name: str) -> list[str]:
    """Return the folders of a package, or the file of a module."""
    # Looking for a module imports the packages around it, and they may be what is broken.
    with suppress(Exception, SystemExit):
        spec = importlib.util.find_spec(name)
        if spec is not None:
            return list(spec.submodule_search_locations or ()) or [str(spec.origin)]
    return []


def _entry_point_fault(name: str, found: list[str], known: list[str]) -> str:
    if found:
        return (
            f"[handlers] plugins: {name!r} is offered twice, as {' and '.join(found)}: uninstall one package"
        )
    offered = f"installed are {', '.join(known)}" if known else "no installed package offers one"
    return f"[handlers] plugins: there is no entry point {name!r} in the group {GROUP}: {offered}"
