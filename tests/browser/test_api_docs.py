"""The page that describes the API, in a real browser: it shows the calls and asks nobody else."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from wxbot.api.application import new_app
from wxbot.api.description import docs_blueprint
from wxbot.api.guard import Guard
from wxbot.api.idempotency import Book
from wxbot.api.keys import Keys
from wxbot.api.qrcodes import qrcodes_api
from wxbot.db.engine import open_engine
from wxbot.emulator.threaded import Running
from wxbot.qrcodes.mint import Client, Minter


def nobody(_: str) -> Client:
    raise AssertionError("the description mints nothing")


@pytest.fixture
def described(tmp_path: Path) -> Iterator[Running]:
    """Serve the API and its description."""
    engine = open_engine(f"sqlite:///{tmp_path / 'wxbot.db'}", connections=1)
    app = new_app("test")
    minter = Minter(engine, client_for=nobody)
    repeats = Book(engine, secret_keys=["a key for tests, long enough to be used"])
    guard = Guard(engine=engine, keys=Keys(engine), repeats=repeats, accounts=["default"], is_describing=True)
    app.register_blueprint(docs_blueprint(lambda: [qrcodes_api(minter, guard)]))
    with Running(app) as running:
        yield running
    engine.dispose()


def test_description_is_shown_without_asking_anybody_else(
    browser: Browser, described: Running, keep: Callable[[Page, str], None]
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
    page.on(
        "request",
        lambda sent: (
            None if sent.url.startswith((described.url, "data:", "blob:")) else wrong.append(sent.url)
        ),
    )

    page.goto(f"{described.url}/api/docs")
    page.get_by_text("/api/v1/qrcodes/{scene}").first.wait_for(timeout=30_000)
    page.get_by_text("Bearer Token").first.wait_for(timeout=30_000)

    keep(page, "api-docs")
    page.close()
    assert wrong == []
