"""Functions and files stay small enough to be read at once."""

import ast
from pathlib import Path

FUNCTION_LINES = 50
FILE_LINES = 400
TEST_FILE_LINES = 500


def test_functions_are_short(modules: dict[Path, ast.Module]) -> None:
    too_long = [
        f"{path}:{node.lineno} {node.name}: {(node.end_lineno or 0) - node.lineno + 1} lines"
        for path, tree in modules.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES
    ]

    assert not too_long


def test_files_are_short(modules: dict[Path, ast.Module], texts: dict[Path, str]) -> None:
    limits = {path: TEST_FILE_LINES if path.parts[0] == "tests" else FILE_LINES for path in modules}

    too_long = [
        f"{path}: more than {limit} lines"
        for path, limit in limits.items()
        if texts[path].count("\n") > limit
    ]
    assert not too_long
