"""What the house rules look at: the files of the project as they stand in the checkout."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Made by tools, or not part of the project.
IGNORED = {".venv", ".git", "var", "dist", "build", "__pycache__", ".hypothesis", "config.toml"}


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def texts() -> dict[Path, str]:
    """Return every text of the project by its path in the checkout."""
    found = {}
    for path in sorted(ROOT.rglob("*")):
        name = path.relative_to(ROOT)
        ignored = IGNORED.intersection(name.parts) or any(part.endswith("_cache") for part in name.parts)
        if path.is_file() and not ignored:
            try:
                found[name] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    return found


@pytest.fixture(scope="session")
def modules(texts: dict[Path, str]) -> dict[Path, ast.Module]:
    """Return every module of the project, parsed, by its path in the checkout."""
    return {path: ast.parse(text) for path, text in texts.items() if path.suffix == ".py"}


@pytest.fixture(scope="session")
def product(modules: dict[Path, ast.Module]) -> dict[Path, ast.Module]:
    """Return the modules that are not tests."""
    return {path: tree for path, tree in modules.items() if path.parts[0] != "tests"}
