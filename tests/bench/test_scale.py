"""The benchmark of years: what it measured is told, also where there is no browser."""

import pytest

from bench.scale import __main__ as scale
from bench.scale.timing import Times
from bench.speed.ground import runs_folder


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--only-ask"], "--url is given 0 times for 2 sizes"),
        (["--only-ask", "--events", "10", "--events", "20", "--url", "sqlite:///a"], "1 times for 2 sizes"),
        (["--events", "10", "--url", "sqlite:///a", "--url", "sqlite:///b"], "2 times for 1 sizes"),
    ],
)
def test_a_size_without_a_database_to_be_asked_is_refused(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        scale.arguments_of(arguments)

    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


def test_files_lie_on_the_disk_of_the_checkout() -> None:
    assert scale.arguments_of([]).folder == runs_folder()


@pytest.mark.parametrize(("seconds", "code"), [(0.01, 0), (0.2, 1)])
def test_without_a_browser_everything_else_is_told(
    seconds: float, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scale, "_ask", lambda *_, **__: {"overview": Times([seconds], [seconds])})
    monkeypatch.setattr("shutil.which", lambda _: None)

    assert scale.main(["--only-ask", "--events", "10", "--url", "sqlite:///there"]) == code

    told = capsys.readouterr().out
    assert "overview" in told
    assert "the overview was not painted: that needs a browser" in told
