"""The records: as they are, since looking at them must not change them, or made ready to be written."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wxbot.cli.output import Failure

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from wxbot.settings import Settings


@contextmanager
def opened_records(configured: "Settings") -> Iterator["Engine"]:
    """Lend an engine on the database of the settings; nothing is migrated.

    Raises ConfigurationError for a database that this program cannot use, Failure when it cannot be used.
    """
    from wxbot.db import migrate

    with _lent(configured.database.url.get_secret_value(), connections=2) as engine:
        migrate.require_fit(engine)
        yield engine


@contextmanager
def migrated_records(configured: "Settings") -> Iterator["Engine"]:
    """Lend an engine on the database of the settings, which is made or migrated as a server would.

    Raises ConfigurationError for a database that this program cannot use, Failure when it cannot be used.
    """
    from wxbot.db import migrate
    from wxbot.db.faults import in_words

    url = configured.database.url.get_secret_value()
    with _lent(url, connections=1) as engine:
        try:
            migrate.upgrade(url)
        except OSError as error:  # the folder of a file that cannot be made
            raise Failure(in_words(error, url)) from None
        yield engine


@contextmanager
def _lent(url: str, *, connections: int) -> Iterator["Engine"]:
    from sqlalchemy.exc import SQLAlchemyError

    from wxbot.db.engine import open_engine
    from wxbot.db.faults import in_words

    engine = open_engine(url, connections=connections)
    try:
        yield engine
    except SQLAlchemyError as error:
        raise Failure(in_words(error, url)) from None
    finally:
        engine.dispose()
