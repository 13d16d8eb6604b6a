"""One bot a mode under gunicorn as shipped, and bots in this process that may be patched first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from bench.faults.processes import Setup, Web, sender
from tests import services
from tests.hostile.forging import Forger
from tests.hostile.handlers.counted import FOLDER
from tests.hostile.judging import Judge
from tests.hostile.targets import AppTarget, HttpTarget
from wxbot.db import migrate
from wxbot.testing import Wx

ROOT = Path(__file__).parents[2]
PACKAGE = "tests.hostile.handlers"


@dataclass
class Site:
    """A bot under gunicorn, and who judges it."""

    web: Web
    target: HttpTarget
    judge: Judge


@pytest.fixture(scope="module", params=["safe", "compatible", "plain"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a bot in one mode, with a single worker, whose handlers are counted."""
    folder = tmp_path_factory.mktemp(request.param)
    url = services.fresh_database_url(folder)
    migrate.upgrade(url)
    environment = {"WXBOT_HANDLERS__PACKAGES": PACKAGE, "PYTHONPATH": str(ROOT), FOLDER: str(folder)}
    setup = Setup(folder=folder, database=url, mode=request.param, environment=environment)
    setup.write()
    web = Web(setup, workers=1)
    web.start()
    web.wait_until_ready()
    target = HttpTarget(web.port)
    engine = create_engine(url)
    yield Site(web, target, Judge(Forger(sender(request.param), target), engine, folder))
    target.close()
    engine.dispose()
    web.stop()


@pytest.fixture
def judge_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Judge]]:
    """Return a function that makes a bot of this process in a mode, as the modules are at that moment."""
    made: list[Wx] = []
    monkeypatch.setenv(FOLDER, str(tmp_path))

    def make(mode: str) -> Judge:
        overrides = {"accounts": {"default": {"mode": mode}}}
        url = services.fresh_database_url(tmp_path / str(len(made)))
        wx = Wx(tmp_path / str(len(made)), packages=[PACKAGE], overrides=overrides, database_url=url)
        made.append(wx)
        return Judge(Forger(wx.world.account.sender, AppTarget(wx.app)), wx.bot.engine, tmp_path)

    yield make
    for wx in made:
        wx.close()
