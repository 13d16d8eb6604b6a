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
    from sqlalchemy.exc import SQLAlchemyError

    from wxbot.db import migrate
    from wxbot.db.engine import open_engine
    from wxbot.db.faults import in_words

    url = configured.database.url.get_secret_value()
    engine = open_engine(url, connections=2)
    try:
        migrate.require_fit(engine)
        yield engine
    except SQLAlchemyError as error:
        raise Failure(in_words(error, url)) from None
    finally:
        engine.dispose()


@contextmanager
def migrated_records(configured: "Settings") -> Iterator["Engine"]:
    """Lend an engine on the database of the settings, which is made or migrated as a server would.

    Raises ConfigurationError for a database that this program cannot use, Failure when it cannot be used.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from wxbot.db import migrate
    from wxbot.db.engine import open_engine
    from wxbot.db.faults import in_words

    url = configured.database.url.get_secret_value()
    engine = open_engine(url, connections=1)
    try:
        migrate.upgrade(url)
        yield engine
    except (SQLAlchemyError, OSError) as error:
        raise Failure(in_words(error, url)) from None
    finally:
        engine.dispose()
