"""Examples in other languages than Python, TOML and commands: nothing is shown that nobody has tried."""

import configparser
import csv
import json
import re
import shutil
import subprocess
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.house_rules.test_code_blocks import blocks
from wxbot.cli.channels.importing import _COLUMNS
from wxbot.wechat.menus import read_menu

ROOT = Path(__file__).parents[2]
# Where the code is run that is shown, and which of it cannot be run here.
ELSEWHERE = {
    "python": "tests/house_rules/test_code_blocks.py",
    "toml": "tests/house_rules/test_code_blocks.py",
    "bash": "tests/house_rules/test_code_blocks.py",
    'python title="before: app.py"': "tests/testing/test_moving_in.py",
    'python title="before: robot.py"': "tests/testing/test_moving_in.py",
    'python title="wxbot_shop_hours/__init__.py"': "tests/cli/test_new.py",
    'python title="tests/test_shop_hours.py"': "tests/cli/test_new.py",
    "http": "tests/webhooks/test_docs.py",
    "php": "tests/webhooks/test_docs.py",
    "javascript": "tests/webhooks/test_docs.py",
    "text": "drawings and what is printed",
}


def is_json(block: str) -> None:
    assert json.loads(block)


def is_a_unit_or_a_menu(block: str) -> None:
    if "[[button]]" in block:
        assert read_menu(block, is_json=False)
        return
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(block)
    assert set(unit.sections()) <= {"Unit", "Service", "Socket", "Install"}


def is_a_list_of_channels(block: str) -> None:
    head, *lines = csv.reader(block.splitlines())
    assert set(head) <= set(_COLUMNS)
    assert lines and all(len(line) == len(head) for line in lines)


def is_a_question_to_prometheus(block: str) -> None:
    named = set(re.findall(r"wxbot_\w+", block))
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    rows = "\n".join(re.findall(r"^\| `wxbot_.*", page, re.MULTILINE))
    assert named and {name.removesuffix("_bucket") for name in named} <= set(re.findall(r"wxbot_\w+", rows))


CHECKS: dict[str, Callable[[str], None]] = {
    "json": is_json,
    "ini": is_a_unit_or_a_menu,
    "csv": is_a_list_of_channels,
    "promql": is_a_question_to_prometheus,
}


@pytest.mark.parametrize("language", CHECKS)
def test_examples_are_what_they_say(language: str) -> None:
    found = [block for _, block in blocks(ROOT, language)]

    assert found
    for block in found:
        CHECKS[language](block)


def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    nginx, openssl = shutil.which("nginx"), shutil.which("openssl")
    if nginx is None or openssl is None:
        pytest.skip("needs nginx and openssl")
    key, certificate = tmp_path / "privkey.pem", tmp_path / "fullchain.pem"
    make = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=bot.example.com"]
    subprocess.run([*make, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    found = [block for _, block in blocks(ROOT, "nginx")]

    assert found
    for block in found:
        here = re.sub(r"/(?:etc/ssl/bot.example.com|var/log/nginx)/", f"{tmp_path}/", block)
        file = tmp_path / "nginx.conf"
        file.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{here}\n}}\n")
        done = subprocess.run(
            [nginx, "-t", "-c", file, "-e", "stderr"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_drawings_with_chinese_stand_straight() -> None:
    """Lines and arrows are one letter wide in some fonts, and two in those that Chinese needs."""
    for page, block in blocks(ROOT, "text"):
        if re.search(r"[\u4e00-\u9fff]", block):
            unsure = {sign for sign in block if unicodedata.east_asian_width(sign) == "A"}
            assert unsure == set(), page


def test_no_language_is_left_out() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    shown = {
        language
        for page in pages
        for language in re.findall(r"^ *```(\w.*)$", page.read_text("utf-8"), re.MULTILINE)
    }

    assert shown == {*CHECKS, *ELSEWHERE, "nginx"}
    assert [file for file in ELSEWHERE.values() if "/" in file and not (ROOT / file).exists()] == []
