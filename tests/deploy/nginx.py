"""nginx on the files in deploy/nginx, before servers of this machine."""

import os
import re
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

import requests

from tests import services
from tests.certificates import certify
from tests.deploy import shipped

HOST = "bot.example.com"


class Nginx(services.Server):
    """An nginx on the shipped files, before these ports; `changes` spoil the site on purpose."""

    package = "nginx"

    def __init__(self, servers: Sequence[int], *, changes: dict[str, str] | None = None) -> None:
        self.servers = servers
        self.changes = changes or {}
        # Beside TLS, for load that is cheap to make.
        self.plain_port = services.free_port()
        super().__init__()

    @classmethod
    def binary(cls) -> str | None:
        """Return the program's path: Debian has it out of the path of ordinary users."""
        return shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")

    def prepare(self) -> None:
        """Put the shipped files to places in this folder."""
        here = f"{self.folder}/"
        temporary = "".join(
            f"{kind}_temp_path {here}{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        listen = f"listen 127.0.0.1:{self.port} ssl; listen 127.0.0.1:{self.plain_port};"
        self._ship(
            "nginx.conf",
            {
                "user nginx;": "user root;" if os.geteuid() == 0 else "",
                "/run/nginx.pid": f"{here}pid",
                "/var/log/nginx/": here,
                "worker_rlimit_nofile 20000;": "",
                "http {": f"http {{ {temporary}",
            },
        )
        self._ship("wxbot.conf", {"/var/log/nginx/": here} | self.changes)
        self._ship("wxbot/site.conf", {"listen 443 ssl;": listen, "/etc/ssl/wxbot/": here})
        names = (f"web{number}:8000" for number in range(1, 3))
        ports = (f"127.0.0.1:{port}" for port in self.servers)
        self._ship("wxbot/servers.conf", dict(zip(names, ports, strict=True)))
        certify(self.folder, HOST)

    def command(self) -> list[str]:
        """Return the command that serves in the foreground."""
        return [
            self.binary() or "",
            "-p",
            str(self.folder),
            "-c",
            str(self.folder / "nginx.conf"),
            "-g",
            "daemon off;",
        ]

    def ask(self) -> None:
        """Raise when nginx does not answer."""
        self.get("/nowhere")

    def get(self, path: str, **headers: str) -> requests.Response:
        """Ask for a page over TLS."""
        return requests.get(f"{self.url}{path}", headers=headers, verify=str(self.certificate), timeout=10)

    @property
    def url(self) -> str:
        """Where nginx listens with TLS."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def certificate(self) -> Path:
        """The certificate, which signs itself."""
        return self.folder / "fullchain.pem"

    def access_log(self) -> list[str]:
        """Return the lines of the access log."""
        return (self.folder / "access.log").read_text().splitlines()

    def leave_out(self, *ports: int) -> None:
        """Mark the servers on these ports as down, and only these, and have nginx read that."""
        file = self.folder / "wxbot" / "servers.conf"
        text = re.sub(r" down;", ";", file.read_text())
        for port in ports:
            text = re.sub(rf"(:{port} .*);", r"\1 down;", text)
        file.write_text(text)
        os.kill(self.processes()[0], signal.SIGHUP)

    def _ship(self, name: str, places: dict[str, str]) -> None:
        (self.folder / name).parent.mkdir(exist_ok=True)
        text = (shipped.DEPLOY / "nginx" / name).read_text()
        (self.folder / name).write_text(shipped.placed(text, places))
