"""The channels in memory, for the answer path: read there without a database, kept up to date beside it."""

import logging
import os
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, select
from sqlalchemy.exc import SQLAlchemyError

from wxbot import clock
from wxbot.channels.channel import Channel, from_row
from wxbot.db.business import channels
from wxbot.db.statements import database_now

REFRESH_SECONDS = 4.0
# A change is committed within a minute of the time that is written with it. Until then all channels are read
# again each time, and now and then also later, for what was changed by hand.
_SETTLED_SECONDS = 60
_LONGEST_SECONDS = 300.0

_AWAY = "the channels could not be read again: %s"

log = logging.getLogger(__name__)

_Key = tuple[str, str]
_MARK = select(func.count(), func.max(channels.c.changed_at), database_now())
_SELECT = select(channels).where(channels.c.archived_at.is_(None))


class ChannelView:
    """All channels that are not archived, as they were a few seconds ago at most.

    `find` reads memory only. `start` begins a thread that reads the database every four seconds, also in a
    process that is forked later; what was known stays known while the database is away. Without it, whoever
    changes something calls `refresh`. `also` is what else is to be read as often, on the same thread.
    """

    def __init__(self, engine: Engine) -> None:
        self.also: tuple[Callable[[], None], ...] = ()
        self._engine = engine
        self._known: Mapping[_Key, tuple[Row[Any], Channel]] = {}
        self._mark: tuple[int, int] | None = None
        self._read_at = 0.0
        self._lock = threading.Lock()
        # Whoever begins later must end later: what is older would take its place.
        self._reading = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_started = False

    def find(self, account: str, scene: str, at: int) -> Channel | None:
        """Return the channel that is live at this time (seconds since 1970) and has this scene."""
        if self._is_started and self._thread is None:  # the machine had no thread for it
            self.start()
        known = self._known.get((account, scene))
        return known[1] if known is not None and known[1].is_live(at) else None

    def find_any(self, account: str, scene: str) -> Channel | None:
        """Return the channel of a scene whether or not it has begun or ended, unless it is archived."""
        known = self._known.get((account, scene))
        return None if known is None else known[1]

    def look_up(self, account: str, scene: str) -> Channel | None:
        """Return the channel of a scene from the database, also one that is archived."""
        mine = channels.c.account == account, channels.c.scene == scene
        with self._engine.connect() as connection:
            row = connection.execute(select(channels).where(*mine)).first()
        return None if row is None else _channel(row)

    def of(self, account: str) -> list[Channel]:
        """Return the channels of an account, by name."""
        mine = [channel for _, channel in self._known.values() if channel.account == account]
        return sorted(mine, key=lambda each: each.name)

    def refresh(self) -> None:
        """Read all channels now; raises SQLAlchemyError, and then knows what it knew."""
        with self._reading, self._engine.connect() as connection:
            self._read(connection)

    def refresh_if_changed(self) -> None:
        """Read all channels unless they are the same for sure, which one row tells; raises as `refresh`."""
        with self._reading, self._engine.connect() as connection:
            count, latest, now = connection.execute(_MARK).one()
            mark = (count, latest or 0)
            is_settled = mark == self._mark and mark[1] < now - _SETTLED_SECONDS
            if not is_settled or clock.monotonic() - self._read_at > _LONGEST_SECONDS:
                self._read(connection)
                self._mark = mark

    def _read(self, connection: Connection) -> None:
        rows = connection.execute(_SELECT).all()
        self._read_at = clock.monotonic()
        # What has not changed is not read again: the answers wait for this thread's turn of Python.
        before = self._known
        known = {}
        for row in rows:
            key = (row.account, row.scene)
            former = before.get(key)
            channel = former[1] if former is not None and former[0] == row else _channel(row)
            if channel is not None:
                known[key] = (row, channel)
        self._known = known

    def refresh_if_possible(self) -> None:
        """Do `refresh`, unless the database is away or as yet without the table."""
        try:
            self.refresh()
        except SQLAlchemyError as error:
            log.warning(_AWAY, type(error).__name__)

    def start(self) -> None:
        """Keep up to date from now on, until `close` is called or nobody has this view any more.

        On a machine that gives no more threads, from the next `find` on for which it has one.
        """
        with self._lock:
            if self._thread is None and not self._ended.is_set():
                self._is_started = True
                started.add(self)
                self._begin()

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        thread = self._thread
        if thread is not None:
            thread.join()

    def after_fork(self) -> None:
        """Have a thread in this process too, if the parent had one: threads do not survive a fork."""
        self._lock, self._reading = threading.Lock(), threading.Lock()
        if not self._ended.is_set():
            self._ended = threading.Event()
            self._begin()

    def _begin(self) -> None:
        view = weakref.ref(self)
        self._thread = None  # after a fork, the parent's
        thread = threading.Thread(target=_keep, args=(view, self._ended), name="channels", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            log.error("the channels cannot be kept up to date (%s)", error)
        else:
            self._thread = thread


def _keep(view: "weakref.ref[ChannelView]", ended: threading.Event) -> None:
    """Refresh a view as long as there is one; it must not be this thread that keeps it."""
    while not ended.wait(REFRESH_SECONDS):
        kept = view()
        if kept is None:
            return
        _read_again(kept)
        del kept


def _read_again(view: ChannelView) -> None:
    try:
        view.refresh_if_changed()
        for read in view.also:
            read()
    except SQLAlchemyError as error:
        log.warning(_AWAY, type(error).__name__)
    except Exception:  # without the thread, the channels would be old for ever
        log.exception(_AWAY, "a fault")


def _channel(row: Row[Any]) -> Channel | None:
    """Return the channel of a row; None for one that somebody wrote by hand and got wrong."""
    try:
        return from_row(row._mapping)
    except (ValueError, LookupError, TypeError) as error:
        log.error("the channel %s cannot be read: %s", row.name, error)
        return None


started: "weakref.WeakSet[ChannelView]" = weakref.WeakSet()


def _restart() -> None:
    for view in list(started):
        view.after_fork()


os.register_at_fork(after_in_child=_restart)
