"""`wxbot routes` and `wxbot explain`."""

import json
from typing import Any


def test_routes_lists_the_most_specific_first(configured: Any) -> None:
    result = configured.run("routes")

    heading, *lines = result.stdout.splitlines()
    assert heading.split() == ["kind", "rule", "when", "handler", "where"]
    assert [line.split()[1] for line in lines] == ["vip", "shop:<int:shop_id>", "HELP"]
    assert "handlers/shop.py:11" in lines[0]


def test_routes_are_never_wrapped_or_cut_without_a_terminal(configured: Any) -> None:
    long = "a" * 60
    configured.write(
        "handlers/long.py",
        f'from wxbot import Plugin\nlong = Plugin("{long}")\n@long.scene("{long}")\ndef {long}(scan): ...\n',
    )

    lines = configured.run("routes", COLUMNS="40").stdout.splitlines()

    assert any(line.startswith("exact") and f"{long}.{long}" in line for line in lines)


def test_routes_speak_to_programs(configured: Any) -> None:
    found = json.loads(configured.run("routes", "--json").stdout)

    assert found[0] == {
        "kind": "exact",
        "rule": "vip",
        "when": None,
        "handler": "shop.vip",
        "plugin": "shop",
        "location": "handlers/shop.py:11",
    }


def test_explain_names_the_winner_and_what_the_others_lack(configured: Any) -> None:
    result = configured.run("explain", "vip")

    assert "answered by shop.vip" in result.stdout
    assert "does not begin with 'shop:'" in result.stdout
    assert "paste" not in result.stdout


def test_explain_offers_a_handler_for_a_scene_without_one(configured: Any) -> None:
    result = configured.run("explain", "table-7", "--when", "follow")

    assert result.returncode == 0
    assert "answered by nobody" in result.stdout and '@plugin.scene("table-7")' in result.stdout


def test_explain_speaks_to_programs(configured: Any) -> None:
    found = json.loads(configured.run("explain", "shop:x", "--json").stdout)

    assert (found["winner"], found["is_matched"]) == ("", False)
    assert "no canonical integer" in found["candidates"][0]["reason"]


def test_unknown_account_is_wrong_usage(configured: Any) -> None:
    result = configured.run("routes", "--account", "branch")

    assert result.returncode == 2
    assert "there is no account 'branch'; there are: default" in result.stderr


def test_only_account_needs_no_name(project: Any) -> None:
    project.write("config.toml", project.config.replace("accounts.default", "accounts.branch"))

    assert "shop.vip" in project.run("routes").stdout


def test_without_configuration_the_one_of_dev_is_used_and_named(project: Any) -> None:
    project.write("var/dev.toml", project.config)

    result = project.run("routes")

    assert "shop.vip" in result.stdout
    assert result.stderr == "Using var/dev.toml, since there is no config.toml.\n"


def test_without_any_configuration_the_way_to_one_is_shown(project: Any) -> None:
    result = project.run("routes")

    assert result.returncode == 78
    assert "config.toml: there is no such file" in result.stderr and "wxbot dev" in result.stderr


def test_routes_end_with_observers_and_jobs(configured: Any) -> None:
    configured.write(
        "handlers/late.py",
        'from wxbot import Plugin\nlate = Plugin("late")\n'
        "@late.job\ndef send(order_id, key): ...\n"
        "@late.on_scan\ndef count(scan): ...\n",
    )

    observer, job = (line.split() for line in configured.run("routes").stdout.splitlines()[-2:])

    assert observer == ["observer", "late.count", "handlers/late.py:5"]
    assert job == ["job", "order_id", "late.send", "handlers/late.py:3"]
