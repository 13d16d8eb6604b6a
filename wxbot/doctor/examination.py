"""The examination as a whole: what can be looked at depends on what was found before."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from wxbot.db.engine import open_engine
from wxbot.db.faults import in_chinese, in_words
from wxbot.doctor import accounts, machine, site, store
from wxbot.doctor.callers import of_callers
from wxbot.doctor.finding import Finding, fail
from wxbot.doctor.vitals import read_vitals
from wxbot.errors import ConfigurationError
from wxbot.settings import Settings
from wxbot.wechat.api import ApiClient


@dataclass(frozen=True, kw_only=True)
class Patient:
    """What is examined: the settings, and what was made of them or can be.

    `skipped` returns the faults for which handlers were left out, and may raise ConfigurationError; `keys`
    are the secret keys, newest first; `connections` is how many one process opens at most.
    """

    settings: Settings
    skipped: Callable[[], Sequence[str]]
    clients: Callable[[Engine], Mapping[str, ApiClient]]
    keys: Sequence[str]
    connections: int


def examine(patient: Patient, *, offline: bool) -> list[Finding]:
    """Return all findings; never raises for what is wrong with the deployment."""
    return [*_of_machine(patient), *_of_database(patient, offline=offline)]


def examine_running(patient: Patient, engine: Engine) -> Iterator[Finding]:
    """Yield what is found about a bot that runs, on its engine; asks nothing of WeChat."""
    yield from _of_machine(patient)
    yield from _of_engine(patient, engine, offline=True)


def ask_wechat(patient: Patient, engine: Engine) -> Iterator[Finding]:
    """Yield what WeChat says; each finding is one call or two, of up to some seconds."""
    yield from accounts.of_clocks(patient.settings)
    yield from accounts.of_accounts(patient.clients(engine), engine)


def _of_machine(patient: Patient) -> Iterator[Finding]:
    yield from machine.of_settings(patient.settings, patient.skipped)
    yield from machine.of_spool(patient.settings)
    yield from machine.of_queue(patient.settings)


def _of_database(patient: Patient, *, offline: bool) -> Iterator[Finding]:
    url = patient.settings.database.url.get_secret_value()
    if not store.has_file(url):
        yield store.of_missing_file(url)
        return
    try:
        engine = open_engine(url, connections=4)
    except ConfigurationError as error:
        advice, advice_zh = "install what it names, and start again", "请安装它指出的包，再重新启动"
        yield fail("database", str(error), advice, advice_zh)
        return
    try:
        yield from _of_engine(patient, engine, offline=offline)
    finally:
        engine.dispose()


def _of_engine(patient: Patient, engine: Engine, *, offline: bool) -> Iterator[Finding]:
    try:
        yield from _of_records(patient, engine, offline=offline)
    except SQLAlchemyError as error:
        url = patient.settings.database.url.get_secret_value()
        yield fail(
            "database",
            in_words(error, url),
            "is [database] url right, the server up, and may this machine and user connect?",
            "请检查 [database] url、数据库服务是否启动，以及本机和该用户是否有权连接",
            zh=in_chinese(error, url),
        )


def _of_records(patient: Patient, engine: Engine, *, offline: bool) -> Iterator[Finding]:
    yield store.of_migrations(engine)
    yield from store.of_disk(engine)
    yield from store.of_durability(engine)
    if not store.is_migrated(engine):
        return
    vitals = read_vitals(engine)
    yield store.of_clock(vitals.now - time.time())
    yield from store.of_workers(vitals)
    yield from store.of_processes(patient.settings, engine, vitals, connections=patient.connections)
    yield from of_callers(patient.settings, engine, now=time.time())
    yield from site.of_webhooks(patient.settings, engine, patient.keys)
    if not offline:
        yield from ask_wechat(patient, engine)
