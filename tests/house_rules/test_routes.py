"""Every route is the callback, health or a static file; whatever else comes must require a login."""

from pathlib import Path

from wxbot.app import create_app
from wxbot.settings import from_data

LOGIN = {"/qrcode/<scene>"}
PUBLIC = {"/q/<name>", "/wechat", "/wechat/<account>", "/healthz", "/readyz", "/static/<path:filename>"}


def test_nothing_but_the_callback_and_health_is_public(tmp_path: Path) -> None:
    settings = from_data(
        {
            "secret_key": "a key for tests, long enough to be used",
            "database": {"url": f"sqlite:///{tmp_path}/wxbot.db"},
            "handlers": {"packages": []},
            "accounts": {
                "default": {"appid": "wx0123456789abcdef", "token": "ab12cd34ef56gh78", "mode": "plain"},
            },
        }
    )

    app = create_app(settings)

    routes = {rule.rule for rule in app.url_map.iter_rules()}
    assert {"/wechat", "/wechat/<account>", "/healthz", "/readyz"} <= routes <= PUBLIC | LOGIN
