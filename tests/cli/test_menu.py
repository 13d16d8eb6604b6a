"""`wxbot menu` checks a file against the handlers, compares it with the account's menu, and pushes it."""

import json
from typing import Any

from wxbot.emulator.world import SECRET, World

MENU = """
[[button]]
name = "帮助"
key = "HELP"
"""
LIVE = {"button": [{"name": "帮助", "type": "click", "key": "HELP", "sub_button": []}]}


def push(project: Any, *options: str, menu: str = MENU, file: str = "menu.toml") -> Any:
    project.write(file, menu)
    return project.run("menu", "push", file, *options)


def test_menu_is_pushed_and_shown(project: Any, world: World) -> None:
    pushed = push(project)

    assert pushed.returncode == 0, pushed.stderr
    assert "+ 帮助: click HELP" in pushed.stdout and "Pushed." in pushed.stdout
    assert world.menu == LIVE
    assert "帮助: click HELP" in project.run("menu", "show").stdout


def test_menu_that_is_there_already_is_not_pushed(project: Any, world: World) -> None:
    world.menu = LIVE

    again = push(project, "--json")

    assert json.loads(again.stdout) == {"changes": [], "is_pushed": False, "unanswered": [], "hints": []}
    assert world.menu is LIVE


def test_dry_run_changes_nothing(project: Any, world: World) -> None:
    tried = push(project, "--dry-run", "--json")

    told = json.loads(tried.stdout)
    assert (tried.returncode, told["is_pushed"], told["changes"]) == (0, False, ["+ 帮助: click HELP"])
    assert world.menu is None


def test_key_that_nobody_answers_is_refused_with_a_suggestion(project: Any, world: World) -> None:
    refused = push(project, menu=MENU.replace("HELP", "HELPS"))

    assert refused.returncode == 1
    assert "button 1: no handler answers the key 'HELPS'; did you mean 'HELP'?" in refused.stderr
    assert world.menu is None


def test_unanswered_keys_are_told_to_programs(project: Any, world: World) -> None:
    refused = push(project, "--json", menu=MENU.replace("HELP", "OTHER"))

    assert refused.returncode == 1
    told = json.loads(refused.stdout)
    assert told["unanswered"] == ["button 1: no handler answers the key 'OTHER'"]
    assert told["hints"] == ["the handler of the key 'HELP' is on no button"]


def test_handler_without_a_button_is_a_hint(project: Any, world: World) -> None:
    pushed = push(project, menu='[[button]]\nname = "官网"\nurl = "https://shop.example.com/"\n')

    assert pushed.returncode == 0
    assert "Hint: the handler of the key 'HELP' is on no button" in pushed.stderr


def test_handler_of_all_clicks_answers_every_key(project: Any, world: World) -> None:
    project.write(
        "handlers/clicks.py",
        'from wxbot import Plugin\n\nplugin = Plugin("clicks")\n\n\n'
        '@plugin.event("CLICK")\ndef any_click(event: object) -> str:\n    return "tapped"\n',
    )

    assert push(project, menu=MENU.replace("HELP", "OTHER")).returncode == 0


def test_faulty_file_is_told_line_by_line(project: Any, world: World) -> None:
    refused = push(project, menu='[[button]]\nname = "营业时间查询"\nkind = "click"\n')

    assert refused.returncode == 1
    assert refused.stderr.count("menu.toml: ") == 2
    assert "nothing was pushed" in refused.stderr


def test_shown_menu_can_be_pushed_to_another_account(project: Any, world: World) -> None:
    push(project)
    shown = project.run("menu", "show", "--json").stdout
    world.menu = None

    assert push(project, menu=shown, file="menu.json").returncode == 0
    assert world.menu == LIVE


def test_account_without_a_menu_says_so(project: Any, world: World) -> None:
    shown = project.run("menu", "show")

    assert (shown.returncode, shown.stdout.startswith("The account has no menu")) == (0, True)
    assert project.run("menu", "show", "--json").stdout.strip() == "null"


def test_file_that_is_not_there_is_wrong_usage(project: Any, world: World) -> None:
    assert project.run("menu", "push", "nothing.toml").returncode == 2


def test_refusal_by_wechat_is_told_with_its_number(project: Any, world: World) -> None:
    configured = (project.folder / "config.toml").read_text()
    project.write("config.toml", configured.replace(f'secret = "{SECRET}"', 'secret = "wrong"'))

    refused = push(project)

    assert refused.returncode == 1
    assert "40125" in refused.stderr
