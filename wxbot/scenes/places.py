"""Where in the source something was written, as people like to read it: `handlers/orders.py:12`."""

import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any


def place(filename: str, line: int) -> str:
    """Return `path:line`, the path relative to the working directory if it lies below it."""
    # os.path and not resolve(): a symbolic link is shown as its owner wrote it.
    path = Path(os.path.abspath(filename))  # noqa: PTH100
    here = Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return f"{shown.as_posix()}:{line}"


def place_of(function: Callable[..., Any], otherwise: str) -> str:
    """Return where a function begins, its decorators included; what wraps it is looked through.

    `otherwise` is for what was not written in Python.
    """
    code = _code(function)
    return place(code.co_filename, code.co_firstlineno) if code else otherwise


def place_of_caller(depth: int) -> str:
    """Return the line that is being run `depth` calls above the caller of this function."""
    frame = sys._getframe(depth + 1)
    return place(frame.f_code.co_filename, frame.f_lineno)


def module_of_caller() -> tuple[dict[str, Any], str]:
    """Return the variables of the module that is being imported, the innermost of several, and its line."""
    frame = sys._getframe(1)
    while frame.f_code.co_name != "<module>" and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_globals, place(frame.f_code.co_filename, frame.f_lineno)


def _code(function: Callable[..., Any]) -> CodeType | None:
    inner: Any = inspect.unwrap(function)
    inner = getattr(inner, "func", inner)  # functools.partial
    inner = getattr(inner, "__func__", inner)  # a bound method
    if not hasattr(inner, "__code__"):
        inner = getattr(type(inner), "__call__", None)  # an object that can be called  # noqa: B004
    code = getattr(inner, "__code__", None)
    return code if isinstance(code, CodeType) else None
