"""Minting many codes: a file is worked off line by line, and goes on where it was interrupted.

What is done is in the database, so that a killed run costs at most the calls that were on their way.
"""

import csv
import fcntl
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, Engine, select, update

from wxbot import clock
from wxbot.db.models import batch_lines, batches, qrcodes
from wxbot.db.patience import patiently
from wxbot.db.statements import insert_missing
from wxbot.errors import WxbotError
from wxbot.qrcodes.batch_file import BatchFileError, Line, Plan
from wxbot.qrcodes.batch_record import adopt, check_numbers, numbers_of
from wxbot.qrcodes.drawing import PLAIN, Style, draw
from wxbot.qrcodes.kinds import LARGEST_PERMANENT_NUMBER, SceneTakenError
from wxbot.qrcodes.mint import Code, Minter, code_of
from wxbot.qrcodes.numbers import Numbers
from wxbot.spreadsheet import harmless
from wxbot.wechat.errcodes import BlockedError, BusyError, QuotaError, UnreachableError

_PAUSES = (1.0, 4.0, 15.0)
_LONGEST_WAIT_SECONDS = 90.0
INDEX_COLUMNS = ("line", "scene", "type", "permanent", "caption", "url", "ticket", "expires_at", "image")


class BatchStoppedError(WxbotError):
    """A batch that could not be finished; the same command goes on where it stopped."""


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where the codes are written: `codes.csv` and one image for each, or none."""

    folder: Path
    images: Literal["png", "svg", "none"] = "png"
    style: Style = PLAIN

    @property
    def index(self) -> Path:
        """The list of the codes."""
        return self.folder / "codes.csv"


class Pace:
    """Lets at most `per_minute` calls begin in a minute, evenly."""

    def __init__(self, per_minute: int) -> None:
        self._interval = 60 / per_minute
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Wait for one's turn."""
        with self._lock:
            at = max(self._next, clock.monotonic())
            self._next = at + self._interval
        time.sleep(max(0.0, at - clock.monotonic()))


class Batch:
    """One run over the lines of a plan."""

    def __init__(
        self, engine: Engine, minter: Minter, plan: Plan, output: Output, *, numbers: Numbers
    ) -> None:
        self._engine = engine
        self._minter = minter
        self._plan = plan
        self._output = output
        self._numbers = numbers
        self._named = {line.scene for line in plan.lines if line.scene}
        self._unnamed = {line.line for line in plan.lines if not line.scene}
        self._stopping = threading.Event()

    def run(
        self, *, at_once: int = 4, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> Path:
        """Mint what is missing, `at_once` calls at a time, and return the CSV that was written.

        `progress` is told how many lines are done, of how many. Raises BatchFileError when the file
        contradicts codes on record, BatchStoppedError when WeChat does not go along.
        """
        self._check_against_record()
        if self._plan.takes_numbers:
            adopt(self._engine, self._plan)
            check_numbers(self._engine, self._plan)
        self._begin()
        (self._output.folder / "images").mkdir(parents=True, exist_ok=True)
        waiting = self._open_lines()
        self._hold_named(waiting)
        done, total = len(self._plan.lines) - len(waiting), len(self._plan.lines)
        progress(done, total)
        try:
            for _ in self._worked_off(waiting, at_once):
                done += 1
                progress(done, total)
        except WxbotError as error:
            done = len(self._rows(is_done=True))  # with those that were on their way
            if not done:  # so that it may as well be dropped, or another file take its place
                self._numbers.undo(self._plan.account, self._plan.holder)
            raise BatchStoppedError(
                f"{done} of {total} codes are done, then: {error}. Run the same command again to go on"
            ) from error
        self._finish()
        return self._write_index()

    def _check_against_record(self) -> None:
        wanted = {line.scene: line for line in self._plan.lines}
        faults = []
        query = select(qrcodes.c.scene, qrcodes.c.is_integer).where(qrcodes.c.account == self._plan.account)
        with self._engine.connect() as connection:
            for scene, is_integer in connection.execute(query):
                if scene in wanted and wanted[scene].is_integer != is_integer:
                    faults.append(
                        f"line {wanted[scene].line}: {scene!r} is on record as a "
                        f"{'number' if is_integer else 'text'}, scans of both would look the same"
                    )
        if faults:
            raise BatchFileError(faults)

    def _begin(self) -> None:
        """Enter the batch and its lines; done again is what has expired, or is captioned otherwise now.

        One that was finished begins anew.
        """
        plan, now = self._plan, int(clock.now().timestamp())
        mine = batches.c.id == plan.id
        self._minter.abandon()
        with self._engine.begin() as connection:
            batch = {"id": plan.id, "account": plan.account, "file_name": plan.file_name, "started_at": now}
            insert_missing(connection, batches, [batch])
            lines = [vars(line) | {"batch": plan.id, "is_done": False} for line in plan.lines]
            insert_missing(connection, batch_lines, lines)
            reopened = connection.execute(
                update(batches).where(mine, batches.c.finished_at.is_not(None)).values(finished_at=None)
            )
            if reopened.rowcount:
                connection.execute(
                    update(batch_lines).where(batch_lines.c.batch == plan.id).values(is_done=False)
                )
            self._reopen(connection, now)

    def _reopen(self, connection: Connection, now: int) -> None:
        """Let lines be done again whose code has expired, whose number is lost, or whose caption is new."""
        mine = batch_lines.c.batch == self._plan.id
        expired = select(qrcodes.c.scene).where(
            qrcodes.c.account == self._plan.account, ~qrcodes.c.is_permanent, qrcodes.c.expires_at <= now
        )
        connection.execute(
            update(batch_lines)
            .where(mine, ~batch_lines.c.is_permanent, batch_lines.c.scene.in_(expired))
            .values(is_done=False)
        )
        known = select(batch_lines.c.line, batch_lines.c.caption, batch_lines.c.scene).where(mine)
        former = {row.line: row for row in connection.execute(known)}
        held = numbers_of(connection, self._plan)
        for line in self._plan.lines:
            # A number that was given back may be somebody else's by now.
            scene = line.scene or former[line.line].scene
            if not line.scene and scene and int(scene) not in held.get(line.line, ()):
                scene = ""
            if (scene, line.caption) != (former[line.line].scene, former[line.line].caption):
                changed = update(batch_lines).where(mine, batch_lines.c.line == line.line)
                connection.execute(changed.values(scene=scene, caption=line.caption, is_done=False))

    def _hold_named(self, lines: list[Line]) -> None:
        """Take the permanent numbers that the file names, before anybody gets one as the next free."""
        named = {
            int(each.scene): each for each in lines if each.scene and each.is_integer and each.is_permanent
        }
        resting = self._numbers.resting(self._plan.account, limit=LARGEST_PERMANENT_NUMBER) if named else []
        faults = [
            f"line {named[each.number].line}: {each.refusal}" for each in resting if each.number in named
        ]
        if faults:
            raise BatchFileError(faults)
        purposes = {number: f"named on {self._purpose(line)}"[:255] for number, line in named.items()}
        self._numbers.hold(self._plan.account, self._plan.holder, purposes)

    def _open_lines(self) -> list[Line]:
        rows = self._rows(is_done=False)
        with self._engine.connect() as connection:  # those that a run before took but did not get to note
            had = numbers_of(connection, self._plan)
        return [
            replace(line, scene=str(min(had[line.line]))) if line.line in had and not line.scene else line
            for line in rows
        ]

    def _rows(self, *, is_done: bool) -> list[Line]:
        query = (
            select(batch_lines)
            .where(batch_lines.c.batch == self._plan.id, batch_lines.c.is_done == is_done)
            .order_by(batch_lines.c.line)
        )
        with self._engine.connect() as connection:
            return [
                Line(**{name: row[name] for name in Line.__dataclass_fields__})
                for row in connection.execute(query).mappings()
            ]

    def _worked_off(self, lines: list[Line], at_once: int) -> Iterator[None]:
        """Yield once for each line that is done; after the first failure no new one is begun."""
        todo = iter(lines)
        running: set[Future[None]] = set()
        with ThreadPoolExecutor(at_once, thread_name_prefix="batch") as threads:
            try:
                while True:
                    while len(running) < at_once and (line := next(todo, None)) is not None:
                        running.add(threads.submit(self._work_off, line))
                    if not running:
                        return
                    ended, running = wait(running, return_when=FIRST_COMPLETED)
                    for each in ended:
                        each.result()
                        yield
            finally:
                self._stopping.set()

    def _work_off(self, line: Line) -> None:
        scene = line.scene or self._next_number(line)
        try:
            code = self._mint(scene, line)
        except SceneTakenError:
            if line.line not in self._unnamed:
                raise
            # Somebody minted the same digits otherwise before this number was.
            self._numbers.undo(self._plan.account, self._plan.holder, int(scene))
            scene = self._next_number(line)
            code = self._mint(scene, line)
        self._draw(line, code)
        mine = batch_lines.c.batch == self._plan.id, batch_lines.c.line == line.line
        done = update(batch_lines).where(*mine).values(is_done=True, scene=scene)
        patiently(self._engine, lambda connection: connection.execute(done))

    def _next_number(self, line: Line) -> str:
        plan = self._plan
        purpose = self._purpose(line)[:255]
        return str(self._numbers.take(plan.account, plan.holder, purpose, beside=self._named).number)

    def _purpose(self, line: Line) -> str:
        return f"line {line.line} of {self._plan.file_name}: {line.caption}"

    def _mint(self, scene: str, line: Line) -> Code:
        pauses = iter(_PAUSES)
        while True:
            try:
                return self._minter.mint(
                    int(scene) if line.is_integer else scene,
                    account=self._plan.account,
                    expires_in=None if line.is_permanent else self._plan.expires_in,
                )
            except (QuotaError, BlockedError) as error:
                seconds = (error.ends_at - clock.now()).total_seconds() + 1
                if seconds > _LONGEST_WAIT_SECONDS or self._stopping.wait(max(0.0, seconds)):
                    raise
            except (BusyError, UnreachableError):
                pause = next(pauses, None)
                if pause is None or self._stopping.wait(pause):
                    raise

    def _draw(self, line: Line, code: Code) -> None:
        kind = self._output.images
        if kind != "none":
            drawn = draw(code.url, kind=kind, caption=line.caption, style=self._output.style)
            _write(self._output.folder / self._image(line, code), drawn)

    def _image(self, line: Line, code: Code) -> str:
        name = re.sub("[^A-Za-z0-9_.=-]", "_", code.scene)
        return f"images/{line.line:05}-{name}.{self._output.images}"

    def _finish(self) -> None:
        now = int(clock.now().timestamp())
        with self._engine.begin() as connection:
            connection.execute(update(batches).where(batches.c.id == self._plan.id).values(finished_at=now))

    def _write_index(self) -> Path:
        file = self._output.index
        part = file.with_suffix(".part")
        # With a byte order mark, by which spreadsheets know that it is UTF-8.
        with part.open("w", encoding="utf-8-sig", newline="") as written:
            rows = csv.writer(written)
            rows.writerow(INDEX_COLUMNS)
            for line, code in self.codes():
                rows.writerow(self._index_row(line, code))
        part.replace(file)
        return file

    def codes(self) -> Iterator[tuple[Line, Code]]:
        """Yield each line that is done with its code, in the file's order."""
        query = (
            select(batch_lines.c.line, batch_lines.c.caption, qrcodes)
            .join(
                qrcodes,
                (qrcodes.c.account == self._plan.account)
                & (qrcodes.c.scene == batch_lines.c.scene)
                & (qrcodes.c.is_permanent == batch_lines.c.is_permanent),
            )
            .where(batch_lines.c.batch == self._plan.id, batch_lines.c.is_done)
            .order_by(batch_lines.c.line)
        )
        with self._engine.connect() as connection:
            for row in connection.execute(query).mappings():
                code = code_of(row)
                yield (
                    Line(
                        line=row["line"],
                        scene=code.scene,
                        is_integer=code.is_integer,
                        is_permanent=code.is_permanent,
                        caption=row["caption"],
                    ),
                    code,
                )

    def _index_row(self, line: Line, code: Code) -> tuple[object, ...]:
        kind, lasts = "number" if code.is_integer else "text", "yes" if code.is_permanent else "no"
        image = "" if self._output.images == "none" else self._image(line, code)
        if image and not (self._output.folder / image).exists():  # written elsewhere by a run before
            self._draw(line, code)
        ends = "" if code.expires_at is None else code.expires_at
        scene, caption = harmless(code.scene), harmless(line.caption)
        return (line.line, scene, kind, lasts, caption, code.url, code.ticket, ends, image)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep other processes of this machine from working on the same file; ends with the process."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BatchStoppedError(f"another process is working on {path} now") from None
        yield


def _write(file: Path, content: bytes) -> None:
    """Write a file so that it is whole or not there."""
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(file)
