"""The first ten minutes: `wxbot dev`, the phone page, a scan, an edited handler, another scan."""

import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import handlers

Open = Callable[..., Page]
Keep = Callable[[Page, str], None]
STARTS_WITHIN_SECONDS = 40


@dataclass(frozen=True)
class Dev:
    """A running `wxbot dev`: its phone page, and the handlers it watches."""

    url: str
    handlers: Path


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Dev]:
    """Run `wxbot dev` with the shipped handlers in a folder of its own."""
    own = tmp_path / "handlers"
    shutil.copytree(Path(handlers.__file__).parent, own, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "wxbot", "dev"]
    for option in ("--port", "--emulator-port"):
        command += [option, str(_free_port())]
    log = tmp_path / "dev.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=output, stderr=output)
    try:
        yield Dev(_address(process, log), own)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    give_up_at = time.monotonic() + STARTS_WITHIN_SECONDS
    while "ready in" not in log.read_text():
        assert process.poll() is None and time.monotonic() < give_up_at, log.read_text()
        time.sleep(0.1)
    found = re.search(r"http://127\.0\.0\.1:\d+/(?!wechat)", log.read_text())
    assert found, log.read_text()
    return found[0]


def scan(page: Page, scene: str) -> None:
    page.locator(f"[data-scene='{scene}']").get_by_test_id("scan").click()


def test_stranger_and_follower_reach_the_handler_and_its_edit(
    open_page: Open, keep: Keep, phone: Dev
) -> None:
    page = open_page()
    bubbles = page.get_by_test_id("bubble")

    scan(page, "vip")
    expect(bubbles).to_have_text(["会员您好，欢迎再次光临！"])
    page.get_by_test_id("person-Bo").click()
    scan(page, "vip")
    page.get_by_test_id("sheet-follow").click()
    expect(bubbles.last).to_have_text(re.compile("欢迎加入会员"))
    scan(page, "poster:1001")
    expect(bubbles.last).to_have_text(re.compile("您扫的是 1001 号海报"))
    page.get_by_test_id("text").fill("帮助")
    page.get_by_test_id("text").press("Enter")
    expect(bubbles.last).to_have_text(re.compile("您可以"))
    page.get_by_text("营业时间", exact=True).click()
    expect(bubbles.last).to_have_text(re.compile("每天 9:00–21:00"))
    page.locator("[data-scene^='ord:']").get_by_test_id("scan").click()
    expect(bubbles.last).to_contain_text("示例小店 · 订单 1001")
    keep(page, "first-scan")

    welcome = phone.handlers / "welcome.py"
    welcome.write_text(welcome.read_text().replace("欢迎再次光临", "今天也请多关照"))
    give_up_at = time.monotonic() + STARTS_WITHIN_SECONDS
    while "今天也请多关照" not in (bubbles.last.text_content() or ""):
        assert time.monotonic() < give_up_at
        scan(page, "vip")
        page.wait_for_timeout(1000)  # the same person's scans within one second are one event

    page.get_by_test_id("more").click()
    page.get_by_test_id("unfollow").click()
    expect(page.get_by_test_id("person-Bo").get_by_test_id("state")).to_have_text("已取消关注")
