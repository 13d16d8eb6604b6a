"""nginx as it is shipped hands on what people, sites and WeChat ask for, and nothing else."""

import re
from pathlib import Path

from tests.deploy import shipped
from wxbot.app import create_app
from wxbot.kits import link, login, order
from wxbot.settings import from_data

# Asked of each machine, in the private network.
KEPT_IN = {"/metrics", "/readyz"}
SITE = (shipped.DEPLOY / "nginx/wxbot.conf").read_text()


def is_handed_on(path: str) -> bool:
    """Say whether one of the site's locations takes a path."""
    exact = re.findall(r"location = (\S+) \{", SITE)
    patterns = re.findall(r"location ~ \"?(\^[^\s\"]+)\"? \{", SITE)
    return path in exact or any(re.search(pattern, path) for pattern in patterns)


def test_every_route_is_handed_on_but_those_for_operators(tmp_path: Path) -> None:
    account = {"appid": "wx0123456789abcdef", "token": "ab12cd34ef56gh78", "mode": "plain"}
    configured = from_data(
        {
            "secret_key": "a key for tests, long enough to be used",
            "database": {"url": f"sqlite:///{tmp_path}/wxbot.db"},
            "handlers": {"packages": []},
            "plugins": {"login": {"site_name": "Shop", "return_to": ["https://shop.test/done"]}},
            "accounts": {"default": account},
        }
    )

    app = create_app(configured, plugins=[link.plugin, login.plugin, order.plugin])

    paths = {re.sub(r"<[^>]+>", "a", rule.rule) for rule in app.url_map.iter_rules()}
    assert {path for path in paths if not is_handed_on(path)} == KEPT_IN
    assert not is_handed_on("/") and not is_handed_on("/loginx") and not is_handed_on("/admin.php")
