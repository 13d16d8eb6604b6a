"""What all tests share: services that a machine may lack, the database, and what a skipped test means."""

import gc
import os
import shutil
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import hypothesis
import pytest

from tests import services, templates
from wxbot import bot
from wxbot.channels import view
from wxbot.db import guard, session
from wxbot.db.sqlite import GuardedConnection
from wxbot.events import recent, records, runs
from wxbot.events.run import Limits
from wxbot.settings.model import CallbackSettings

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

# The deadline of hypothesis would measure the machine; tests that measure wxbot do it themselves.
# The same examples everywhere: nobody is blamed for what another did. WXBOT_LONG=1 looks for more.
hypothesis.settings.register_profile("wxbot", deadline=None, derandomize=os.environ.get("WXBOT_LONG") != "1")
hypothesis.settings.load_profile("wxbot")


# What is here is about the database, and runs on each of the three; the rest runs on the one that
# WXBOT_TEST_DATABASE names.
ON_EVERY_STORE = {"analytics", "bindings", "channels", "db", "events", "jobs", "people", "tokens", "webhooks"}

# What is here kills and freezes programs that have to answer in time: with other tests beside it, what it
# found out would be about the machine. `make test` runs it after the rest, one test at a time. Not so, by the
# mark `beside`, bots broken on purpose whose fault shows, and is told from slowness, on any machine.
ALONE = {"faults"}

USUAL_WRITE_SECONDS = session.WRITE_SECONDS
USUAL_DEADLINE_SECONDS = CallbackSettings().deadline_seconds


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest about our mark."""
    config.addinivalue_line("markers", "alone: needs the machine for itself")
    config.addinivalue_line("markers", "beside: needs no machine for itself, in a folder that does")
    config.addinivalue_line("markers", "every_store: is about the database, in a folder that is not")
    config.addinivalue_line(
        "markers", "sqlite_only: is about SQLite or no database, whatever the other tests run on"
    )
    config.addinivalue_line("markers", "servers_only: is about PostgreSQL and MariaDB")
    config.addinivalue_line("markers", "postgresql_only: is about PostgreSQL")
    config.addinivalue_line("markers", "write_bound: waits until somebody has held SQLite's lock too long")
    config.addinivalue_line("markers", "mariadb_only: is about MariaDB and MySQL")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Say on which databases a test runs."""
    named = os.environ.get("WXBOT_TEST_DATABASE")
    folder = _folder(metafunc.definition)
    marked = metafunc.definition.get_closest_marker
    only = [each for each in services.STORES if marked(f"{each}_only")]
    stores: Sequence[str] = ()
    if only:
        stores = only
    elif marked("servers_only"):
        stores = [named] if named in services.SERVERS else list(services.SERVERS)
    elif named is None and (folder in ON_EVERY_STORE or marked("every_store")):
        stores = services.STORES
    if stores:
        metafunc.parametrize("store", stores, indirect=True)


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what needs the machine for itself, and give it time: it waits until programs have settled."""
    for item in items:
        if _folder(item) in ALONE:
            if item.get_closest_marker("beside") is None:
                item.add_marker(pytest.mark.alone)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(240))


def pytest_collection_finish() -> None:
    """Save what each of thousands of tests would pay for: templates compiled again, garbage looked for."""
    templates.keep_compiled()
    gc.collect()
    gc.freeze()
    # What one test leaves is looked at together with what many others leave, not for itself some ten times.
    gc.set_threshold(50_000, 20, 50)


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]


@pytest.fixture(scope="session", autouse=True)
def store(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the name of the database that the test runs on; fresh databases are made there."""
    name = getattr(request, "param", None) or services.current_store()
    with services.on_store(name):
        yield name


@pytest.fixture(scope="session", autouse=True)
def no_hurry() -> None:
    """Give every bot of this process all the time there is, but for a deadline that a test sets itself.

    Before the first fixture of a module makes a bot: what is answered late reads otherwise, and comes twice.
    """
    bot.Limits = _unhurried  # type: ignore[misc, assignment]
    runs.WRITE_SECONDS = 30.0


def _unhurried(*, deadline_seconds: float, give_up_seconds: float) -> Limits:
    if deadline_seconds == USUAL_DEADLINE_SECONDS:
        deadline_seconds = 600.0
    return Limits(deadline_seconds=deadline_seconds, give_up_seconds=give_up_seconds)


@pytest.fixture(autouse=True)
def patience(request: pytest.FixtureRequest) -> None:
    """Let SQLite's lock be held and waited for, and the database be silent, for longer than users may.

    A machine that runs many tests at once stops a thread for a second now and then.
    """
    is_about_it = request.node.get_closest_marker("write_bound") is not None
    session.WRITE_SECONDS = USUAL_WRITE_SECONDS if is_about_it else 20.0
    waiting_seconds = guard.PATIENCE_SECONDS if is_about_it else 8.0
    GuardedConnection.usual_patience_seconds = records.PATIENCE_SECONDS = waiting_seconds
    recent.SILENCE_SECONDS = 20.0


@pytest.fixture
def wx_database_url(tmp_path: Path) -> str:
    """Let the fixture wx use the database that the test runs on."""
    return services.fresh_database_url(tmp_path)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of a Chromium for tests that look at pages as people do."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("needs a browser: install the package chromium")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Refuse skipped and expectedly failing tests where everything must run."""
    return _strict((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Refuse modules that skip themselves where everything must run."""
    return _strict((yield))


def _strict(report: Report) -> Report:
    if report.skipped and os.environ.get("WXBOT_TEST_REQUIRE") == "all":
        reason = getattr(report, "wasxfail", None) or str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"With WXBOT_TEST_REQUIRE=all every test must run and pass: {reason}"
        vars(report).pop("wasxfail", None)
    return report


@pytest.fixture(autouse=True)
def no_view_left() -> Iterator[None]:
    """End the threads that keep a bot's channels up to date: they would ask databases that are gone."""
    before = set(view.started)
    yield
    for each in set(view.started) - before:
        each.close()
