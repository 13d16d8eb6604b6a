"""Where settings come from and which source wins."""

from collections.abc import Callable
from pathlib import Path

import pytest

from wxbot.errors import ConfigurationError
from wxbot.settings import forget_secrets, from_data, load

Write = Callable[[str], str]


def test_a_file_with_the_required_keys_is_enough(config: Write, good: str) -> None:
    settings = load(config(good), env={})

    assert settings.accounts["default"].appid == "wx0123456789abcdef"
    assert settings.callback.deadline_seconds == 3.0
    assert settings.database.url.get_secret_value() == "sqlite:///var/wxbot.db"


def test_the_file_is_found_through_the_environment(config: Write, good: str) -> None:
    settings = load(env={"WXBOT_CONFIG": config(good)})

    assert settings.accounts["default"].mode == "safe"


def test_the_file_in_the_working_directory_is_read(
    config: Write, good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(config(good)).parent)

    assert load(env={}).accounts["default"].mode == "safe"


def test_variables_override_the_file(config: Write, good: str) -> None:
    variables = {
        "WXBOT_CALLBACK__DEADLINE_SECONDS": "1.5",
        "WXBOT_HANDLERS__PACKAGES": "handlers, shop.handlers",
        "WXBOT_ACCOUNTS__DEFAULT__MODE": "compatible",
        "WXBOT_PLUGINS__ORDERS__SHOP_NAME": "小店",
    }

    settings = load(config(good), env=variables)

    assert settings.callback.deadline_seconds == 1.5
    assert settings.handlers.packages == ("handlers", "shop.handlers")
    assert settings.accounts["default"].mode == "compatible"
    assert settings.plugins == {"orders": {"shop_name": "小店"}}


def test_the_environment_alone_is_enough(
    good: str, config: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = load(config(good), env={}).accounts["default"]
    (tmp_path / "config.toml").unlink()
    monkeypatch.chdir(tmp_path)
    variables = {
        "WXBOT_SECRET_KEY": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c",
        "WXBOT_ACCOUNTS__DEFAULT__APPID": account.appid,
        "WXBOT_ACCOUNTS__DEFAULT__TOKEN": account.token.get_secret_value(),
        "WXBOT_ACCOUNTS__DEFAULT__AES_KEY": account.aes_key.get_secret_value(),
    }

    assert load(env=variables).accounts["default"].token == account.token


def test_a_file_named_dot_env_is_not_read(
    good: str, config: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("WXBOT_CALLBACK__DEADLINE_SECONDS=1.0\n")

    assert load(config(good), env={}).callback.deadline_seconds == 3.0


def test_secrets_are_read_from_files(config: Write, good: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a-key-of-2026-0123456789-abcdefghijkl\n")
    (tmp_path / "old").write_text(
        "a-key-of-2024-0123456789-abcdefghijkl\na-key-of-2023-0123456789-abcdefghijkl\n"
    )
    (tmp_path / "token").write_text("  fromAFile12345678\n")
    text = good.replace('secret_key = "', f'secret_key_file = "{tmp_path / "key"}" # ', 1)
    variables = {
        "WXBOT_SECRET_KEY_FALLBACKS_FILE": str(tmp_path / "old"),
        "WXBOT_ACCOUNTS__DEFAULT__TOKEN_FILE": str(tmp_path / "token"),
    }

    settings = load(config(text), env=variables)

    assert settings.secret_key.get_secret_value() == "a-key-of-2026-0123456789-abcdefghijkl"
    assert [key.get_secret_value()[:13] for key in settings.secret_key_fallbacks] == [
        "a-key-of-2024",
        "a-key-of-2023",
    ]
    assert settings.accounts["default"].token.get_secret_value() == "fromAFile12345678"


def test_secrets_outside_of_accounts_are_read_from_files(config: Write, good: str, tmp_path: Path) -> None:
    (tmp_path / "database").write_text("sqlite:///elsewhere.db\n")
    (tmp_path / "redis").write_text("redis://cache:6379/1\n")
    text = f'{good}\n[redis]\nurl_file = "{tmp_path / "redis"}"\n[database]\nurl = "sqlite:///here.db"\n'

    settings = load(config(text), env={"WXBOT_DATABASE__URL_FILE": str(tmp_path / "database")})

    assert settings.database.url.get_secret_value() == "sqlite:///elsewhere.db"
    assert settings.redis.url.get_secret_value() == "redis://cache:6379/1"


def test_a_variable_replaces_the_secret_file_of_the_configuration(config: Write, good: str) -> None:
    text = good.replace("token =", 'token_file = "/nowhere" #')

    settings = load(config(text), env={"WXBOT_ACCOUNTS__DEFAULT__TOKEN": "fromTheEnvironment1"})

    assert settings.accounts["default"].token.get_secret_value() == "fromTheEnvironment1"


def test_a_variable_replaces_nothing_beside_what_is_no_secret(config: Write, good: str) -> None:
    text = f'{good}\n[plugins.orders]\ntemplate = "a"\ntemplate_file = "b.txt"\n'

    settings = load(config(text), env={"WXBOT_PLUGINS__ORDERS__TEMPLATE": "x"})

    assert settings.plugins == {"orders": {"template": "x", "template_file": "b.txt"}}


def test_a_file_saved_by_a_windows_editor_is_read(good: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(good.replace("\n", "\r\n").encode("utf-8-sig"))

    assert load(str(file), env={}).accounts["default"].mode == "safe"


@pytest.mark.parametrize(
    "name",
    [
        "WXBOT_LONG",
        "WXBOT_TEST_REQUIRE",
        "WXBOT_CONTRACT_APPID",
        "WXBOT_SERVICE_HOST",
        "WXBOT_PORT_8000_TCP_ADDR",
    ],
)
def test_variables_that_are_no_settings_are_left_alone(name: str, config: Write, good: str) -> None:
    assert load(config(good), env={name: "x"}).accounts


@pytest.mark.parametrize("service", ["WXBOT", "WXBOT_REDIS", "WXBOT_DB_2"])
def test_variables_that_kubernetes_adds_for_a_service_are_left_alone(
    service: str, config: Write, good: str
) -> None:
    variables = {
        f"{service}_SERVICE_HOST": "10.96.0.7",
        f"{service}_SERVICE_PORT": "6379",
        f"{service}_SERVICE_PORT_REDIS": "6379",
        f"{service}_PORT": "tcp://10.96.0.7:6379",
        f"{service}_PORT_6379_TCP": "tcp://10.96.0.7:6379",
        f"{service}_PORT_6379_TCP_PROTO": "tcp",
        f"{service}_PORT_6379_TCP_PORT": "6379",
        f"{service}_PORT_6379_TCP_ADDR": "10.96.0.7",
    }

    assert load(config(good), env=variables).accounts


def test_secret_files_saved_by_a_windows_editor_are_read(config: Write, good: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xef\xbb\xbfa-key-of-2026-0123456789-abcdefghijkl\r\n")
    (tmp_path / "token").write_bytes(b"\xef\xbb\xbffromAFile12345678\r\n")
    variables = {
        "WXBOT_SECRET_KEY_FILE": str(tmp_path / "key"),
        "WXBOT_ACCOUNTS__DEFAULT__TOKEN_FILE": str(tmp_path / "token"),
    }

    settings = load(config(good), env=variables)

    assert settings.secret_key.get_secret_value() == "a-key-of-2026-0123456789-abcdefghijkl"
    assert settings.accounts["default"].token.get_secret_value() == "fromAFile12345678"


def test_a_missing_file_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigurationError, match=r"config\.toml: .*Copy config\.example\.toml.*wxbot dev"):
        load(env={})


def test_a_file_that_was_asked_for_must_exist(config: Write, good: str) -> None:
    variables = {"WXBOT_CONFIG": "/nowhere/config.toml", "WXBOT_SECRET_KEY": "x" * 40}

    with pytest.raises(ConfigurationError, match=r"/nowhere/config\.toml: there is no such file") as caught:
        load(env=variables)

    assert len(caught.value.faults) == 1


def test_a_mistake_in_the_file_is_found_by_line_and_column(config: Write) -> None:
    with pytest.raises(ConfigurationError, match=r"config\.toml: is not valid TOML: .*line 2, column 5"):
        load(config('secret_key = "x"\nurl ? 3\n'), env={})


def test_data_in_the_shape_of_the_file_can_be_checked_without_one() -> None:
    data = {"secret_key": "short"}

    with pytest.raises(ConfigurationError, match="secret_key: needs at least 32 characters"):
        from_data(data)

    assert data == {"secret_key": "short"}


def test_secrets_leave_the_environment_and_nothing_else_does(config: Write, good: str) -> None:
    variables = {
        "WXBOT_ACCOUNTS__DEFAULT__TOKEN": "K8mQ2vR7xW4nB9tY",
        "WXBOT_DATABASE__URL": "sqlite:///other.db",
        "WXBOT_ACCOUNTS__DEFAULT__SECRET_FILE": "/run/secrets/secret",
        "WXBOT_JOBS__THREADS": "2",
        "PATH": "/bin",
    }
    read = load(config(good), env={name: value for name, value in variables.items() if "FILE" not in name})

    forget_secrets(read, variables)

    assert sorted(variables) == ["PATH", "WXBOT_ACCOUNTS__DEFAULT__SECRET_FILE", "WXBOT_JOBS__THREADS"]


def test_all_that_is_a_plugins_leaves_the_environment(config: Write, good: str) -> None:
    variables = {
        "WXBOT_PLUGINS__ORDER__LOOKUP_SECRET": "known to the kit alone",
        "WXBOT_plugins__shop__phrase_file": "/run/secrets/phrase",
        "WXBOT_JOBS__THREADS": "2",
    }
    read = load(config(good), env=variables)

    forget_secrets(read, variables)

    assert read.plugins["order"] == {"lookup_secret": "known to the kit alone"}
    assert list(variables) == ["WXBOT_JOBS__THREADS"]


def test_secrets_leave_the_environment_however_their_variables_are_written(config: Write, good: str) -> None:
    variables = {
        "WXBOT_accounts__default__secret": "4f1b2b0b822cd15d6c15b0f00a08aa12",
        "WXBOT_Secret_Key": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822d",
        "WXBOT_SECRET_KEY": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822e",
        "WXBOT_jobs__threads": "2",
    }
    read = load(config(good), env=variables)

    forget_secrets(read, variables)

    assert read.accounts["default"].secret.get_secret_value().endswith("aa12")
    assert list(variables) == ["WXBOT_jobs__threads"]
