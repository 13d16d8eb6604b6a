"""Connections to a MySQL that offers TLS use it, whether or not the URL names certificates."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pymysql.connections import Connection
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tests.certificates import certify
from tests.services import MariaDB
from wxbot.db.engine import open_engine
from wxbot.db.mysql import GuardedConnection

pytestmark = pytest.mark.mariadb_only

CIPHER = text("SHOW SESSION STATUS LIKE 'Ssl_cipher'")


class Encrypted(MariaDB):
    """A MariaDB that offers TLS."""

    def command(self) -> list[str]:
        """Return the command with its certificate."""
        made = certify(self.folder, "127.0.0.1")
        for each in (made.file, made.key):
            self._own(each)
        return [*super().command(), f"--ssl-cert={made.file}", f"--ssl-key={made.key}"]


@pytest.fixture(scope="module")
def encrypted() -> Iterator[Encrypted]:
    with Encrypted() as server:
        yield server


def test_what_the_server_offers_is_used(encrypted: Encrypted) -> None:
    engine = open_engine(encrypted.url())

    with engine.connect() as one, engine.connect() as other:
        ciphers = [connection.execute(CIPHER).one()[1] for connection in (one, other)]
    engine.dispose()

    assert all(ciphers)


def test_a_certificate_that_is_named_is_looked_at(encrypted: Encrypted, tmp_path: Path) -> None:
    other = certify(tmp_path, "127.0.0.1").file
    engine = open_engine(f"{encrypted.url()}?ssl_ca={other}")

    with pytest.raises(OperationalError, match="certificate verify failed"):
        engine.connect()
    engine.dispose()


def test_what_is_made_once_is_what_pymysql_makes() -> None:
    connection = GuardedConnection(defer_connect=True)

    ours, again = connection._create_ssl_ctx({}), connection._create_ssl_ctx({})
    theirs = Connection._create_ssl_ctx(connection, {})

    assert ours is again
    assert (ours.verify_mode, ours.check_hostname) == (theirs.verify_mode, theirs.check_hostname)
    assert ours.minimum_version == theirs.minimum_version and ours.get_ciphers() == theirs.get_ciphers()
