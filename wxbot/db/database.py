"""One database, and whether it has been brought to the newest revision."""

import logging

from sqlalchemy import select

from wxbot.db import migrate, models
from wxbot.db.engine import is_file, open_engine
from wxbot.db.faults import is_disconnect
from wxbot.db.sqlite import guarded

log = logging.getLogger(__name__)


class Database:
    """The database at a URL, and the engine on it; nothing is asked of it yet."""

    def __init__(self, url: str, *, connections: int) -> None:
        self._url = url
        self.is_prepared = False
        self.engine = open_engine(url, connections=connections)

    def prepare(self) -> None:
        """Bring it to the newest revision."""
        migrate.upgrade(self._url)
        self.is_prepared = True

    def prepare_if_there(self) -> None:
        """Do `prepare` unless it is out of reach, which is logged; `is_prepared` tells."""
        try:
            self.prepare()
        except Exception as error:
            if not is_disconnect(error):
                raise
            log.error("the database is out of reach at the start: %s", type(error).__name__)

    def probe(self) -> None:
        """Raise unless it can be written; bring it to the newest revision if need be."""
        if not self.is_prepared:
            self.prepare()
        with self.engine.connect() as connection:
            if is_file(self._url):
                guarded(connection).begin_write()  # who holds the lock does not keep others from reading
            connection.execute(select(models.events.c.key).limit(1))
