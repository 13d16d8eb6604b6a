"""Every handler that is shipped has tests of its own."""

from pathlib import Path


def test_every_shipped_handler_has_a_test_file(root: Path) -> None:
    handlers = {path.stem for path in (root / "handlers").glob("*.py") if path.stem != "__init__"}
    tested = {path.stem.removeprefix("test_") for path in (root / "tests" / "handlers").glob("test_*.py")}

    assert handlers
    assert handlers <= tested
