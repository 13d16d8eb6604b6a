"""`wxbot dev`: scan, edit, scan again, as on the phone page, and nothing left behind."""

import re
import signal
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from wxbot.admin.users import check_password
from wxbot.cli.dev.login import NAME, dev_password

SECONDS = 40


class Phone:
    """Ailin, who follows, and her phone, as the page in the browser would use it."""

    def __init__(self, url: str) -> None:
        self._api = f"{url}/phone/api"

    @property
    def scenes(self) -> list[str]:
        """The scenes of the codes there are."""
        return [code["scene"] for code in self._state()["codes"]]

    @property
    def keys(self) -> list[str]:
        """The keys of the menu."""
        return [button["key"] for button in self._state()["menu"]]

    def scan(self, scene: str) -> str:
        """Scan the code of a scene; return what is shown last."""
        state = self._state()
        ticket = next(code["ticket"] for code in state["codes"] if code["scene"] == scene)
        scanned = requests.post(
            f"{self._api}/people/{state['person']}/scan", json={"ticket": ticket, "follows": True}, timeout=20
        )
        assert scanned.status_code == 200, scanned.text
        return str(self._state()["entries"][-1]["bubble"]["text"])

    def scan_until(self, scene: str, wanted: str) -> None:
        """Scan again and again until this is shown."""
        until(lambda: self.scan(scene) == wanted)

    def _state(self) -> Any:
        person = requests.get(f"{self._api}/state", timeout=5).json()["people"][0]["openid"]
        return {
            **requests.get(f"{self._api}/state", params={"person": person}, timeout=5).json(),
            "person": person,
        }


def until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < give_up_at, "it did not become so"
        time.sleep(0.1)


def is_free(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as attempt:
        return attempt.connect_ex((str(parts.hostname), int(parts.port or 0))) != 0


def start(project: Any, **variables: str) -> tuple[Any, Phone, str, str]:
    """Start a session; return it, a phone, and the addresses of the phone page and the bot."""
    started = project.start("dev", "--port", "0", "--emulator-port", "0", "--shop-port", "0", **variables)
    page = started.wait_for(r"Phone page .* (http://\S+)/\n")[1]
    bot = started.wait_for(r"Callback .* (http://\S+)/wechat")[1]
    return started, Phone(page), page, bot


def end(session: tuple[Any, Phone, str, str], how: signal.Signals) -> None:
    """End a session, and see that nothing is left of it."""
    started, _, page, bot = session
    assert started.end(how) == 0
    assert is_free(page) and is_free(bot)
    assert "Traceback" not in started.output and "Warning" not in started.output


def start_over(page: str) -> None:
    """Start WeChat over, as the button of the phone page does."""
    answer = requests.post(f"{page}/control/reset", json={"keeps_tokens": True}, timeout=5)
    assert answer.status_code == 200


def test_edited_handler_answers_the_next_scan(project: Any) -> None:
    session = started, phone, page, _ = start(project)
    started.wait_for("Edit a handler")
    shop = project.folder / "handlers" / "shop.py"
    first = shop.read_text()

    assert sorted(phone.scenes) == ["shop:1001", "vip"], "no code of the shop's plugins, which the shop makes"
    assert phone.keys == ["HELP", "link", "unlink"]
    assert phone.scan("vip") == "你好"

    shop.write_text(first.replace("你好", "欢迎回来"))
    phone.scan_until("vip", "欢迎回来")

    shop.write_text(first.replace('return f"店铺', 'retrun f"店铺'))
    started.wait_for(r"wxbot: handlers/shop\.py:20: .*SyntaxError")
    started.wait_for("goes on answering")
    time.sleep(1.1)  # the same scan within one second is the same event
    assert phone.scan("vip") == "欢迎回来"

    shop.write_text(first.replace("你好", "修好了").replace('"shop:<', '"store:<'))
    phone.scan_until("vip", "修好了")
    until(lambda: "store:1001" in phone.scenes)
    for _ in range(2):
        start_over(page)
        until(lambda: "vip" in phone.scenes and phone.keys == ["HELP", "link", "unlink"])
    assert phone.scan("vip") == "修好了"
    assert "did not take" not in started.output
    end(session, signal.SIGTERM)


def test_new_handlers_and_the_configuration_are_followed(project: Any) -> None:
    session = started, phone, _, _ = start(project)
    started.wait_for("Edit a handler")

    project.write("handlers/more.py", project_handler("tea", "请喝茶"))
    until(lambda: "tea" in phone.scenes)
    assert phone.scan("tea") == "请喝茶"

    config = project.folder / "var" / "dev.toml"
    text = config.read_text()
    config.write_text("nonsense = 1\n" + text)
    started.wait_for(r"wxbot: nonsense: there is no such setting")
    config.write_text(text + '\n[handlers]\npackages = ["handlers", "shops.south"]\n')
    started.wait_for("wxbot: .*shops")
    project.write("shops/__init__.py", "")
    project.write("shops/south/__init__.py", project_handler("sea", "看海"))
    until(lambda: "sea" in phone.scenes)
    end(session, signal.SIGHUP)


def test_session_can_begin_with_a_fault_and_follows_a_configuration_made_meanwhile(project: Any) -> None:
    broken = project.write("handlers/broken.py", "import nothing_of_this_name\n")
    project.write("shops/__init__.py", project_handler("sea", "看海"))
    started, phone, _, _ = start(project)
    started.wait_for(r"wxbot: handlers/broken\.py:1: ")
    started.wait_for("waiting for an edit")

    broken.unlink()
    until(lambda: "vip" in phone.scenes)
    assert phone.scan("vip") == "你好"

    made = project.write("config.toml", f'{project.config}[handlers]\npackages = ["handlers", "shops"]\n')
    started.wait_for(r"config\.toml changed: ")
    until(lambda: "sea" in phone.scenes)

    made.unlink()
    started.wait_for(r"(?s)(config\.toml (and 1 more )?changed: handlers.*){2}")


def lets_in(dashboard: str, *, name: str, password: str) -> bool:
    """Log in to the dashboard as a browser would."""
    browser = requests.Session()
    token = browser.get(f"{dashboard}login", timeout=10).text.split('csrf" value="')[1][:64]
    form = {"csrf": token, "name": name, "password": password}
    return browser.post(f"{dashboard}login", data=form, timeout=10).ok


def test_sessions_one_after_the_other_have_the_same_configuration_and_know_where_they_are(
    project: Any,
) -> None:
    session = started, phone, page, bot = start(project)
    login = started.wait_for(r"(http://\S+/admin/) \(log in as (\S+) with (\S+)\)")
    started.wait_for("Edit a handler")
    file = project.folder / "var" / "dev.toml"
    made = file.read_text()
    assert 'appid = "wx0000000000000001"' in made and 'mode = "safe"' in made
    assert lets_in(login[1], name=login[2], password=login[3])
    assert not lets_in(login[1], name=login[2], password="another password")
    result = project.run("simulate", "scan", "shop:7", "--url", f"{bot}/wechat")
    assert "店铺 7" in result.stdout
    codes_are_minted_where_the_emulator_is(project, phone, page)
    end(session, signal.SIGINT)

    started, phone, page, _ = start(project)  # at other ports

    started.wait_for(re.escape(f"log in as {login[2]} with {login[3]}"))
    started.wait_for("Edit a handler")
    assert file.read_text() == made and stat.S_IMODE(file.stat().st_mode) == 0o600
    codes_are_minted_where_the_emulator_is(project, phone, page)


def codes_are_minted_where_the_emulator_is(project: Any, phone: Phone, page: str) -> None:
    """Mint the code of a scene, and once more when WeChat has forgotten it."""
    assert "shop:7" not in phone.scenes
    first = project.run("qr", "mint", "shop:7")
    assert "shop:7" in phone.scenes, first.stderr
    start_over(page)
    until(lambda: "vip" in phone.scenes)
    second = project.run("qr", "mint", "shop:7")
    assert "shop:7" in phone.scenes, second.stderr


def test_password_is_never_one_that_users_may_not_have(tmp_path: Path) -> None:
    for number in range(100):
        password = dev_password(tmp_path / str(number))
        assert check_password(password, NAME) == password
        assert NAME[-1] not in password  # so that the name cannot come up by chance


def test_password_that_somebody_wrote_has_to_be_a_good_one(project: Any) -> None:
    project.write("var/dev-login.txt", "DEV-dev-dev1\n")

    started, _, _, _ = start(project)

    started.wait_for(
        r"wxbot: var/dev-login.txt: this password is too easy to guess; .*; delete the file, and one is made"
    )
    assert started.process.wait(SECONDS) == 1


def test_real_account_is_left_out_and_the_bot_ends_when_its_session_is_killed(configured: Any) -> None:
    configured.write("config.toml", configured.config + '\n[database]\nurl = "sqlite:///real.db"\n')

    # What is exported must not bring the real account back either.
    started, phone, _, bot = start(configured, WXBOT_ACCOUNTS__DEFAULT__TOKEN_FILE="token.txt")
    started.wait_for("Edit a handler")

    assert phone.scan("vip") == "你好"
    assert "config.toml" in started.output and "var/dev.db" in started.output
    assert (configured.folder / "var" / "dev.db").exists()
    assert not (configured.folder / "real.db").exists()
    url = f"{bot}/wechat"
    real = configured.run("simulate", "scan", "vip", "--url", url)
    made = configured.run("simulate", "scan", "vip", "--url", url, WXBOT_CONFIG="var/dev.toml")
    assert (real.returncode, made.returncode) == (1, 0)
    assert "set WXBOT_CONFIG=var/dev.toml" in real.stderr

    started.end(signal.SIGKILL)

    until(lambda: is_free(bot))


def test_nothing_is_left_when_it_is_ended_while_the_bot_starts(project: Any) -> None:
    project.write("handlers/slow.py", "import time\ntime.sleep(60)\n")
    started, _, page, bot = start(project)

    assert started.end(signal.SIGTERM) == 0

    assert is_free(page)
    until(lambda: is_free(bot))
    assert "Traceback" not in started.output


@pytest.mark.parametrize("option", ["--port", "--emulator-port", "--shop-port"])
def test_taken_port_is_named(project: Any, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ports = {"--port": "0", "--emulator-port": "0", "--shop-port": "0"} | {option: port}
        result = project.run("dev", *(part for pair in ports.items() for part in pair))

    assert result.returncode == 1
    assert (
        f"wxbot: port {port} is in use; stop what uses it, or choose another with {option}" in result.stderr
    )


def test_bad_configuration_is_not_started(configured: Any) -> None:
    configured.write("config.toml", configured.config.replace("secret_key", "secret_kee"))

    result = configured.run("dev", "--port", "0", "--emulator-port", "0", "--shop-port", "0")

    assert result.returncode == 78
    assert "wxbot: secret_kee" in result.stderr and "Traceback" not in result.stderr


def project_handler(scene: str, reply: str) -> str:
    return (
        f'"""{scene}."""\n\nfrom wxbot import Plugin\n\n{scene} = Plugin("{scene}")\n\n\n'
        f'@{scene}.scene("{scene}")\ndef answer(scan) -> str:\n    return "{reply}"\n'
    )


def test_demo_year_is_written_once_and_scanned_like_any_channel(project: Any) -> None:
    started = project.start("dev", "--demo", "--port", "0", "--emulator-port", "0", "--no-shop")
    told = started.wait_for(r"Demo year .* (\d+) events of (\d+) people at 24 channels")
    callback = started.wait_for(r"Callback .* (http://\S+/wechat)")[1]
    started.wait_for("Edit a handler")

    scanned = project.run("simulate", "scan", "ch:shop-0001", "--url", callback)
    started.end()
    again = project.start("dev", "--demo", "--port", "0", "--emulator-port", "0", "--no-shop")
    again.wait_for("Demo year .* is there already")

    assert int(told[1]) > 5000
    assert "又见面了" in scanned.stdout
