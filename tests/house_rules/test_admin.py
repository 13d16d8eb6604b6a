"""The dashboard is for those who are logged in, but for its login; every change is written down."""

import ast
import re
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests.house_rules.test_routes import app_with
from wxbot.admin.auditing_words import WORDS

# The stylesheet and the scripts hold nothing of anybody's; who logs out without a session is logged out.
OPEN = {"admin.login", "admin.log_in", "admin.log_out", "admin.static"}
# Changes nothing: what is looked for comes in a form, so that it is in no address and no log.
NOT_AUDITED = {"followers.find"}


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return app_with(tmp_path)


def rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/admin")]


def path_of(rule: Rule) -> str:
    return re.sub(r"<(?:int:)\w+>", "7", re.sub(r"<(?:path:)?\w+>", "a", rule.rule))


def test_every_page_sends_strangers_to_the_login(app: Flask) -> None:
    client = app.test_client()
    guarded = [rule for rule in rules(app) if rule.endpoint not in OPEN]

    answers = [
        (rule, client.open(path_of(rule), method=method)) for rule in guarded for method in methods(rule)
    ]

    assert len(answers) == len(guarded) > 1
    for rule, answer in answers:
        assert answer.status_code == (303 if "GET" in methods(rule) else 401), rule
        assert answer.location.startswith("/admin/login")


def test_every_change_is_a_post_with_a_role(app: Flask) -> None:
    for rule in rules(app):
        assert methods(rule) in ({"GET"}, {"POST"}), rule


def methods(rule: Rule) -> set[str]:
    return set(rule.methods or ()) - {"HEAD"}


def test_every_change_is_audited(product: dict[Path, ast.Module]) -> None:
    changes = {
        f"{path.stem}.{node.name}": node
        for path, tree in product.items()
        if path.parts[:2] == ("wxbot", "admin")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and any(is_post(each) for each in node.decorator_list)
    }

    silent = [name for name, node in changes.items() if not calls(node, "audit")]
    assert set(silent) == NOT_AUDITED


def test_every_action_has_words_in_the_audit_log(product: dict[Path, ast.Module]) -> None:
    actions = {
        node.args[0].value
        for path, tree in product.items()
        if path.parts[0] == "wxbot"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("audit", "note", "add")
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and re.fullmatch(r"[a-z]+\.[a-z_]+", str(node.args[0].value))
    }

    assert {f"did_{action}" for action in actions} | {"did_login"} == {
        word for word in WORDS if word.startswith("did_")
    }


def is_post(decorator: ast.expr) -> bool:
    return (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr == "post"
    )


def calls(function: ast.FunctionDef, name: str) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
        for node in ast.walk(function)
    )
