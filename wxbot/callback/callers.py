"""Where callbacks may come from: WeChat's own list, as a second lock behind the signature.

The worker asks WeChat once a day and keeps the last good list in the database; web processes read it there.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from wxbot import clock
from wxbot.db.models import callers
from wxbot.db.patience import patiently
from wxbot.db.statements import put
from wxbot.errors import ForbiddenError
from wxbot.web.browser import Address
from wxbot.wechat.errcodes import ApiError

READ_SECONDS = 60.0

_Network = IPv4Network | IPv6Network

log = logging.getLogger(__name__)


class Callers:
    """The lists of all accounts, as they were a minute ago; threads may share it.

    An account without any list yet is called from anywhere: its signature still has to be right.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: Mapping[str, tuple[_Network, ...]] = {}
        self._read_at = float("-inf")
        self._reading = threading.Lock()

    def check(self, account: str, address: Address | None) -> None:
        """Refuse an address that is not WeChat's, with ForbiddenError; what is told is a minute old at most.

        Reads memory only: a database that does not answer must not keep a callback.
        """
        if clock.monotonic() - self._read_at > READ_SECONDS and self._reading.acquire(blocking=False):
            self._read_aside()
        networks = self._known.get(account, ())
        if networks and (address is None or not any(address in each for each in networks)):
            raise ForbiddenError("address")

    def refresh(self) -> None:
        """Read the lists now; without a database those known last go on counting."""
        self._read_at = clock.monotonic()
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(select(callers.c.account, callers.c.networks)).all()
        except SQLAlchemyError as error:
            log.warning("the addresses of WeChat could not be read again: %s", type(error).__name__)
            return
        self._known = {account: _parsed(json.loads(networks)) for account, networks in rows}

    def _read_aside(self) -> None:
        try:
            threading.Thread(target=self._read_and_release, name="callers", daemon=True).start()
        except RuntimeError:  # the machine has no thread to give; the next callback tries again
            self._reading.release()

    def _read_and_release(self) -> None:
        try:
            self.refresh()
        finally:
            self._reading.release()


def fetch(
    engine: Engine,
    account: str,
    ask: Callable[[], Iterable[str]],
    *,
    now: Callable[[], datetime] = clock.now,
) -> bool:
    """Ask WeChat for an account's list if the one that is kept is a day old; say whether there is a new one.

    A list that cannot be had, or without any address in it, leaves the last good one as it is.
    """
    at = int(now().timestamp())
    with engine.connect() as connection:
        fetched_at = connection.execute(
            select(callers.c.fetched_at).where(callers.c.account == account)
        ).scalar()
    if fetched_at is not None and abs(at - fetched_at) < clock.DAY_SECONDS:
        return False
    try:
        networks = [str(each) for each in _parsed(ask())]
    except ApiError as error:
        log.warning("account %s: WeChat's addresses could not be had: %s", account, error)
        return False
    if not networks:
        log.warning("account %s: WeChat named no address of its own; the last list stays", account)
        return False
    row = {"account": account, "networks": json.dumps(networks), "fetched_at": at}

    def write(connection: Connection) -> None:
        put(connection, callers, row)

    patiently(engine, write)
    return True


def _parsed(told: Iterable[str]) -> tuple[_Network, ...]:
    """Read addresses and networks; what is neither, or would let everybody in, is left out."""
    networks = []
    for each in told:
        try:
            network = ip_network(each, strict=False)
        except ValueError:
            continue
        if network.prefixlen:
            networks.append(network)
    return tuple(networks)
