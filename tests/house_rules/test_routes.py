"""Every route is meant for everybody, and named here, or answers nobody without an API key."""

from collections.abc import Sequence
from pathlib import Path

from flask import Flask

from wxbot import Plugin
from wxbot.app import create_app
from wxbot.kits import link, login, order
from wxbot.settings import from_data

CALLBACK = {"/wechat", "/wechat/<account>", "/healthz", "/readyz", "/metrics"}
# What the API can do is no secret; `/q/` is for everybody who shall scan.
PUBLIC = CALLBACK | {"/q/<name>", "/api/docs", "/api/docs/scalar.js", "/api/v1/openapi.json"}
# For customers; what they show is at addresses that cannot be guessed.
KITS = {"/order/<token>", "/order/<token>/state", "/login/"}
# For the script of the login page, which has a token and a cookie.
KITS |= {f"/login/{name}" for name in ("code", "state", "stream", "finish")}
LOGIN = {"site_name": "Shop", "return_to": ["https://shop.test/done"]}
KITS |= {"/link/<token>", "/link/<token>/state", "/link/start", "/link/callback"}


def app_with(folder: Path, plugins: Sequence[Plugin] = ()) -> Flask:
    """Return the app of a small bot."""
    settings = from_data(
        {
            "secret_key": "a key for tests, long enough to be used",
            "database": {"url": f"sqlite:///{folder}/wxbot.db"},
            "handlers": {"packages": []},
            "plugins": {"login": LOGIN} if login.plugin in plugins else {},
            "accounts": {
                "default": {"appid": "wx0123456789abcdef", "token": "ab12cd34ef56gh78", "mode": "plain"},
            },
        }
    )
    return create_app(settings, plugins=plugins)


def test_the_kits_have_their_pages_and_no_others(tmp_path: Path) -> None:
    bare = {rule.rule for rule in app_with(tmp_path).url_map.iter_rules()}

    plugins = [order.plugin, link.plugin, login.plugin]
    kits = {rule.rule for rule in app_with(tmp_path, plugins).url_map.iter_rules()}

    assert kits - bare == KITS


def test_what_is_not_meant_for_everybody_needs_a_key(tmp_path: Path) -> None:
    app = app_with(tmp_path)

    rules = {rule.rule: rule for rule in app.url_map.iter_rules()}
    # The dashboard has rules of its own: test_admin.py.
    guarded = [rule for name, rule in rules.items() if name not in PUBLIC and name[:6] != "/admin"]
    client = app.test_client()
    answers = {
        f"{method} {rule.rule}": client.open(
            rule.rule.replace("<", "").replace(">", ""), method=method, json={"scene": "a"}
        ).status_code
        for rule in guarded
        for method in (rule.methods or set()) - {"OPTIONS"}
    }
    assert set(rules) >= PUBLIC | {"/qrcode/<scene>", "/api/v1/qrcodes"}
    assert answers and set(answers.values()) == {401}, answers
