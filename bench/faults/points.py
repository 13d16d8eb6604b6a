"""A build that kills itself at a named place, once for each scene that names the place.

A scene names its places in its second part, as in `point:claim-committed+taken-over:7`. The moments
before and after a commit are called `…-uncommitted` and `…-committed`.
"""

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

OUTAGE = "outage"  # a file: while it is there, the database counts as out of reach
_SCENES = re.compile(rb"\w*point:[a-z+-]+:\d+")


class _Here(threading.local):
    """What this thread is about to commit: the place and the scenes."""

    place = ""
    scenes: Sequence[str] = ()
    taken: Sequence[str] = ()  # what this thread has taken over last


_here = _Here()


def arm() -> None:
    """Make this process one that dies at the places that scenes name."""
    event.listen(Engine, "commit", _about_to_commit)
    records: Any = import_module("wxbot.events.records").Records
    for method, place in (
        ("claim", "claim"),
        ("settle", "light"),
        ("give_up", "late"),
        ("mark_late", "late"),
    ):
        _kill_around(records, method, place, lambda self, first, *_: _scenes_of(first))
    _kill_around(import_module("wxbot.events.settling").Settling, "finish", "settle", _scenes_of_run)
    running: Any = import_module("wxbot.jobs.running").Runner
    _kill_around(running, "_finish", "job", lambda self, claimed, *_: _scenes_of_job(claimed))
    _kill_around(import_module("wxbot.events.outage").Outage, "_enter_together", "import", _scenes_of_entries)
    _kill_before(import_module("wxbot.events.settling").Settling, "finish", "handled", _scenes_of_run)
    _kill_before(import_module("wxbot.jobs.notifier").Notifier, "tell", "untold", lambda *_: _here.scenes)
    _kill_before(running, "_do", "job-begun", lambda self, claimed, *_: _scenes_of_job(claimed))
    _note_what_is_taken_over()
    _arm_the_spool()


def reach(place: str, scenes: Sequence[str]) -> None:
    """Die here, if one of these scenes says so and nobody has died for it yet."""
    for scene in scenes:
        if place not in scene.split(":")[1].split("+"):
            continue
        try:
            os.close(os.open(f"killed-{place}-{scene.rpartition(':')[2]}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        os.kill(os.getpid(), signal.SIGKILL)


def reached(folder: Path) -> set[str]:
    """Return the places where a process has died."""
    return {file.name.removeprefix("killed-").rpartition("-")[0] for file in folder.glob("killed-*")}


@contextmanager
def asleep() -> Iterator[None]:
    """Let commits of this thread pass meanwhile."""
    place, _here.place = _here.place, ""
    try:
        yield
    finally:
        _here.place = place


def _about_to_commit(_connection: object) -> None:
    if _here.place:
        reach(f"{_here.place}-uncommitted", _here.scenes)


def _kill_around(owner: Any, name: str, place: str, scenes_of: Callable[..., Sequence[str]]) -> None:
    method = getattr(owner, name)

    def around(*arguments: Any, **named: Any) -> Any:
        before = _here.place, _here.scenes
        _here.place, _here.scenes = place, scenes_of(*arguments)
        try:
            result = method(*arguments, **named)
            reach(f"{place}-committed", _here.scenes)
        finally:
            _here.place, _here.scenes = before
        return result

    setattr(owner, name, around)


def _kill_before(owner: Any, name: str, place: str, scenes_of: Callable[..., Sequence[str]]) -> None:
    method = getattr(owner, name)

    def before(*arguments: Any, **named: Any) -> Any:
        reach(place, scenes_of(*arguments))
        return method(*arguments, **named)

    setattr(owner, name, before)


def _note_what_is_taken_over() -> None:
    works: Any = import_module("wxbot.events.works").EventJobs
    run, take_over = works._run, works.take_over

    def noted_run(self: Any, event: Any, *arguments: Any, **named: Any) -> Any:
        outcome = run(self, event, *arguments, **named)
        _here.taken = _scenes_of(event)
        reach("taken-over", _here.taken)
        return outcome

    def noted(self: Any, *arguments: Any) -> None:
        _here.taken = ()
        take_over(self, *arguments)

    works._run, works.take_over = noted_run, noted


def _arm_the_spool() -> None:
    spool: Any = import_module("wxbot.events.spool")
    append_whole = spool._append_whole

    def append_half(file: int, lines: bytes) -> None:
        if any("spool-torn" in scene for scene in _here.scenes) and not list(
            Path().glob("killed-spool-torn*")
        ):
            os.write(file, lines[: len(lines) // 2])
            reach("spool-torn", _here.scenes)
        append_whole(file, lines)

    spool._append_whole = append_half
    _kill_around(spool.Spool, "append", "spool", lambda self, entry, *_: _found(entry.body))
    outage: Any = import_module("wxbot.events.outage").Outage
    is_on = outage.is_on.fget
    outage.is_on = property(lambda self: is_on(self) or Path(OUTAGE).exists())


def _scenes_of(delivery: Any) -> Sequence[str]:
    event = getattr(delivery, "event", delivery)
    return _found(event.body)


def _scenes_of_run(_self: Any, run: Any, *_: Any) -> Sequence[str]:
    return _scenes_of(run)


def _scenes_of_job(claimed: Any) -> Sequence[str]:
    if claimed.name == "wxbot.take_over":
        return _here.taken
    return _found(str(claimed.arguments.get("scene", "")).encode())


def _scenes_of_entries(_self: Any, entries: Any) -> Sequence[str]:
    return [scene for entry in entries for scene in _found(entry.body)]


def _found(text: bytes) -> Sequence[str]:
    return [found.decode() for found in _SCENES.findall(text)][:1]
