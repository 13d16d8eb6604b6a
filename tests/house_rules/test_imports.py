"""Imports point down, siblings never import each other, and third parties stay behind their fences."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

LEVELS = [
    {"errors", "clock", "blank"},
    {"settings", "logs", "metrics", "spreadsheet", "streams", "web"},
    {"wechat"},
    {"outcome"},
    {"db"},
    {"scenes", "jobs", "tokens", "followers"},
    {"events", "qrcodes", "channels", "bindings", "webhooks", "analytics"},
    {"people", "doctor"},
    {"callback", "api", "admin", "kits", "health", "pages", "emulator", "demo", "year", "mounting"},
    {"bot", "client"},
    {"dashboard", "working"},
    {"app"},
    {"__init__"},
    {"cli", "testing"},
    {"__main__", "pytest_plugin"},
]
LEVEL = {part: level for level, parts in enumerate(LEVELS) for part in parts}
HTTP = {"callback", "api", "admin", "kits", "health", "pages", "emulator", "demo", "web"}
HTTP |= {"dashboard", "app", "cli", "testing"}
FENCES = {
    "argon2": {"admin"},
    "wechatpy": {"wechat"},
    "xmltodict": {"wechat"},
    "cryptography": {"wechat"},
    "requests": {"wechat", "emulator", "demo", "cli", "client", "webhooks"},
    "flask": HTTP,
    "flask_openapi": {"api"},
    "werkzeug": HTTP,
    "alembic": {"db"},
    "huey": {"jobs"},
    "prometheus_client": {"metrics"},
    "redis": {"jobs"},
    "sqlite3": {"db"},
    "psycopg": {"db"},
    "pymysql": {"db"},
    "click": {"cli"},
    "rich": {"cli"},
    "pytest": {"pytest_plugin"},
}


def imported(tree: ast.Module) -> Iterator[tuple[str, ...]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (tuple(name.name.split(".")) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            start = tuple((node.module or "").split("."))
            yield from ((*start, name.name) if len(start) == 1 else start for name in node.names)


def uses(product: dict[Path, ast.Module]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield each import within wxbot: the module's path, its part of wxbot, and what it imports."""
    for path, tree in product.items():
        if path.parts[0] == "wxbot":
            part = path.parts[1].removesuffix(".py")
            yield from ((str(path), part, name) for name in imported(tree))


def test_every_part_of_the_package_has_a_level(product: dict[Path, ast.Module]) -> None:
    assert {part for _, part, _ in uses(product)} <= set(LEVEL)


def test_imports_point_down(product: dict[Path, ast.Module]) -> None:
    wrong = []
    for path, part, name in uses(product):
        # `from wxbot import clock` names a part, `from wxbot import Plugin` the public interface.
        other = name[1] if len(name) > 1 and name[1] in LEVEL else "__init__"
        if name[0] == "wxbot" and other != part and LEVEL[other] >= LEVEL[part]:
            wrong.append(f"{path} ({part}) imports {'.'.join(name)} ({other})")
    assert not wrong


def test_the_emulator_stands_on_the_protocol_alone(product: dict[Path, ast.Module]) -> None:
    ours = {name[1] for _, part, name in uses(product) if part == "emulator" and name[0] == "wxbot"}

    assert ours <= {"emulator", "wechat", "errors", "clock"}


def test_the_demo_shop_knows_the_bot_by_http_alone(product: dict[Path, ast.Module]) -> None:
    ours = {name[1] for _, part, name in uses(product) if part == "demo" and name[0] == "wxbot"}

    assert ours <= {"demo", "clock"}


def test_third_parties_stay_behind_their_fences(product: dict[Path, ast.Module]) -> None:
    wrong = [
        f"{path} imports {name[0]}"
        for path, part, name in uses(product)
        if part not in FENCES.get(name[0], {part})
    ]

    assert not wrong


def test_web_processes_load_nothing_that_they_hardly_ever_need() -> None:
    seldom = {"alembic", "huey", "requests", "rich", "psycopg", "pymysql", "redis", "watchfiles", "wechatpy"}
    seldom |= {"sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.mysql"}  # but for who uses them
    program = "import sys, wxbot.app; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout

    assert not seldom & set(loaded.split())
