"""Every module says what it is for; every public name says what the signature cannot."""

import ast
from collections.abc import Iterator
from pathlib import Path

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public(node: ast.Module | ast.ClassDef) -> Iterator[tuple[int, str, Documented]]:
    """Yield the public classes, functions and methods; what a function holds is its own affair."""
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and child.name[0] != "_":
            yield child.lineno, child.name, child
            if isinstance(child, ast.ClassDef):
                yield from public(child)


def test_modules_say_what_they_are_for(modules: dict[Path, ast.Module]) -> None:
    silent = [str(path) for path, tree in modules.items() if not ast.get_docstring(tree)]

    assert not silent


def test_public_names_are_documented(product: dict[Path, ast.Module]) -> None:
    # A revision's upgrade and downgrade are Alembic's names; its module says what they do.
    documented = {
        path: tree for path, tree in product.items() if path.parts[:2] != ("migrations", "versions")
    }

    silent = [
        f"{path}:{line} {name}"
        for path, tree in documented.items()
        for line, name, node in public(tree)
        if not ast.get_docstring(node)
    ]
    assert not silent
