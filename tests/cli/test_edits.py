"""Which edits `wxbot dev` notices."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from wxbot.cli.dev.edits import edits, sources_of
from wxbot.cli.dev.setup import configurations


def first_of(changes: Iterator[list[Path]]) -> list[Path]:
    return next((each for each in islice(changes, 100) if each), [])


def test_configuration_is_noticed_when_it_appears_changes_and_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WXBOT_CONFIG", raising=False)
    Path("handlers").mkdir()
    config = Path("config.toml")
    changes = edits(lambda: sources_of(["handlers"], configurations()))
    assert next(changes) == []

    config.write_text("")
    assert first_of(changes) == [config]
    config.write_text("[handlers]")
    assert first_of(changes) == [config]
    config.unlink()
    assert first_of(changes) == [config]


def test_configuration_that_was_named_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WXBOT_CONFIG", "elsewhere.toml")

    assert sources_of([], configurations()).files == {Path("elsewhere.toml")}
