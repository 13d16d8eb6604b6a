"""What the house rules look at: the files of the project as they stand in the checkout."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GENERATED = {".venv", ".git", "var", "dist", "build", "__pycache__"}


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))
    if "." not in folders and "wxbot" in folders:
        yield from sorted(ROOT.glob("*.py"))


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def product() -> dict[Path, ast.Module]:
    """The product's own modules, parsed, by their path in the checkout."""
    return {
        path.relative_to(ROOT): ast.parse(path.read_text())
        for path in sources("wxbot", "handlers", "migrations")
    }


@pytest.fixture(scope="session")
def texts() -> dict[Path, str]:
    """Every text of the project, by its path in the checkout."""
    found = {}
    for path in sorted(ROOT.rglob("*")):
        name = path.relative_to(ROOT)
        if not path.is_file() or GENERATED.intersection(name.parts) or name.parts[0].endswith("_cache"):
            continue
        try:
            found[name] = path.read_text()
        except UnicodeDecodeError:
            continue
    return found
