"""Every route is meant for everybody, and named here, or answers nobody without an API key."""

from pathlib import Path

from wxbot.app import create_app
from wxbot.settings import from_data

CALLBACK = {"/wechat", "/wechat/<account>", "/healthz", "/readyz"}
# What the API can do is no secret; `/q/` is for everybody who shall scan.
PUBLIC = CALLBACK | {"/q/<name>", "/api/docs", "/api/docs/scalar.js", "/api/v1/openapi.json"}


def test_what_is_not_meant_for_everybody_needs_a_key(tmp_path: Path) -> None:
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

    rules = {rule.rule: rule for rule in app.url_map.iter_rules()}
    guarded = [rule for name, rule in rules.items() if name not in PUBLIC]
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
