"""Both languages tell the same: the same commands, the same settings, and files that exist."""

import re

from tests.deploy import shipped

ENGLISH, CHINESE = ((shipped.ROOT / "docs" / name).read_text() for name in ("deploy.md", "deploy.zh-CN.md"))


def blocks(page: str) -> list[str]:
    return re.findall(r"^ *```\w+\n.*?^ *```$", page, re.MULTILINE | re.DOTALL)


def test_both_languages_show_the_same_commands_and_settings() -> None:
    assert len(blocks(ENGLISH)) > 10
    assert blocks(ENGLISH) == blocks(CHINESE)
    assert ENGLISH.count("\n## ") == CHINESE.count("\n## ")


def test_files_that_are_named_exist() -> None:
    named = {name.rstrip("./") for name in re.findall(r"\bdeploy/[\w./-]+", ENGLISH + CHINESE)}
    made = {"deploy/.env", "deploy/secrets", "deploy/certificates"}

    assert not [
        name
        for name in named
        if not (shipped.ROOT / name).exists() and name not in made and "secrets/" not in name
    ]


def test_secrets_of_the_compose_file_are_told() -> None:
    for name in shipped.compose()["secrets"]:
        assert f"`{name}`" in ENGLISH and f"`{name}`" in CHINESE
