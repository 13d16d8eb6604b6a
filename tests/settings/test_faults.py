"""What is refused and how it is said: all at once, in the operator's words, without a secret."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wxbot.errors import ConfigurationError
from wxbot.settings import describe, from_data, load
from wxbot.settings.model import ReplySettings, Setting
from wxbot.wechat.replies import Text

Faults = Callable[..., tuple[str, ...]]

# (what is replaced, by what, a part of the only fault)
BAD = [
    ('secret_key = "9f86', 'secret_key = "" # ', "secret_key: is missing; make one with: python3"),
    (
        'secret_key = "9f86',
        'secret_key = "tooshort" # ',
        "secret_key: needs at least 32 characters, this one has 8",
    ),
    ('secret_key = "', 'secret_key = "change-me-', "secret_key: looks like a placeholder"),
    ('secret_key = "9f86', f'secret_key = "{"ab" * 20}" # ', "secret_key: looks like a placeholder"),
    ('token = "K8', 'token = "" # ', "[accounts.default] token: is missing"),
    ('token = "K8', 'token = "K8mQ2v" # ', "this one has 6 characters; make one"),
    ('token = "K8', 'token = "K8 Q2vR7xW4nB9tY" # ', "must be 16 to 32 letters or digits"),
    ('token = "K8', 'token = "aaaaaaaaaaaaaaaa" # ', "token: looks like a placeholder"),
    ('aes_key = "j', 'aes_key = "', "[accounts.default] aes_key: must be 43 letters or digits"),
    ('aes_key = "j', 'aes_key = "+', "must be 43 letters or digits (EncodingAESKey"),
    ('aes_key = "j', 'aes_key = "" # ', "is missing: the EncodingAESKey"),
    ('appid = "wx', 'appid = "', "[accounts.default] appid: must be wx and 16 digits or letters a to f"),
    ('appid = "wx', 'appid = "" # ', "[accounts.default] appid: is missing"),
    ('secret = "', 'secret = "4f 1b', "[accounts.default] secret: must not contain spaces"),
    ("[accounts.default]", "[accounts.'My Shop']", "[accounts.My Shop]: the name of an account must be"),
]
# (a section with one key, the only fault)
WRONG = [
    ('mode = "secure"', "[accounts.default] mode: must be 'safe', 'compatible' or 'plain'"),
    ('api_base = "http://api.weixin.qq.com"', "[accounts.default] api_base: must begin with https://"),
    ('mp_base = "mp.weixin.qq.com"', "[accounts.default] mp_base: must be a URL that begins with https://"),
    ('open_base = "https://[x"', "[accounts.default] open_base: is not a URL"),
    ('api_base = "https://u:p@x.example"', "api_base: must be a URL without a user"),
    ("plugins = [1]", "[accounts.default] plugins item 1: must be text in quotes"),
    ("tokn = 1", "[accounts.default] tokn: there is no such setting; did you mean token?"),
    ('[database]\nurl = "oracle://u:hidden@h/x"', "[database] url: must begin with sqlite:///"),
    ('[database]\nurl = "mysql://u:Geheim？1@h/x"', "[database] url: is not a URL; type full-width"),
    ('[database]\nurl = "postgresql://u:hidden@h"', "[database] url: must name the database"),
    ('[redis]\nurl = "http://h"', "[redis] url: must begin with redis://"),
    ('[redis]\nurl = "redis://:pa#ss@h"', "[redis] url: is not a URL; type full-width"),
    ('[redis]\nurl = "redis://h:six"', "[redis] url: is not a URL; type full-width"),
    ('[redis]\nurl = "redis://10.0.0.7：6379"', "[redis] url: is not a URL; type full-width"),
    ('[jobs]\nbackend = "redis"', '[jobs]: backend "redis" needs [redis] url'),
    ('[database]\nurl = "sqlite://"', "[database] url: must name a file"),
    ('[database]\nurl = "sqlite:///:memory:"', "[database] url: must name a file"),
    ('[server]\npublic_url = "bot"', "[server] public_url: must be a URL"),
    ('[callback]\ndeadline_seconds = "fast"', "[callback] deadline_seconds: must be a number"),
    ("[callback]\ndeadline_seconds = 3.1", "[callback] deadline_seconds: must be at most 3.0"),
    ("[callback]\ndeadline_seconds = 0", "[callback] deadline_seconds: must be at least 0.1"),
    ("[callback]\ndeadline_seconds = nan", "[callback] deadline_seconds: must be"),
    ("[callback]\ntimestamp_window_seconds = 1.5", "timestamp_window_seconds: must be a whole number"),
    ("[callback]\ntimestamp_window_seconds = 0", "timestamp_window_seconds: must be at least 30"),
    ("[webhooks]\nports = []", "[webhooks] ports: must name at least one port, from 1 to 65535"),
    ("[webhooks]\nports = [70000]", "[webhooks] ports: must name at least one port, from 1 to 65535"),
    ('[webhooks]\nports = ["https"]', "[webhooks] ports item 1: must be a whole number"),
    ('[webhooks]\nallow_private = "maybe"', "[webhooks] allow_private: must be true or false"),
    ("[privacy]\nwebhooks_days = 3", "[privacy] webhooks_days: must be at least 7"),
    ("[handlers]\nthreads = true", "[handlers] threads: must be a number"),
    ("[handlers]\nthreads = 0", "[handlers] threads: must be at least 1"),
    ('[handlers]\non_error = "ignore"', "[handlers] on_error: must be 'stop' or 'skip'"),
    ('[replies]\nfallback = " \\u200b\\u3164\\n"', "[replies] fallback: must contain text that can be seen"),
    ('[replies]\nfallback = "\\uFE0F"', "[replies] fallback: must contain text that can be seen"),
    ('[replies]\nfallback = "\\U000E0100"', "[replies] fallback: must contain text that can be seen"),
    (f'[replies]\nwelcome = "{"你" * 700}"', "[replies] welcome: must not be longer than 2048 bytes"),
    ("[plugins]\norders = 1", "[plugins.orders]: must be a section"),
    ("[memcached]\nurl = 1", "memcached: there is no such setting"),
    ("[databse]\nurl = 1", "databse: there is no such setting; did you mean database?"),
    (
        "[callback]\npackages = 3",
        "[callback] packages: there is no such setting; did you mean packages in [handlers]?",
    ),
    (
        "[server]\nsecret_key = 3",
        "secret_key: there is no such setting; did you mean secret_key before the first",
    ),
    ('[server]\n"a\\nb" = 3', "[server] a?b: there is no such setting"),
]


@pytest.mark.parametrize(("good_part", "bad_part", "said"), BAD)
def test_a_bad_value_is_refused_in_one_line(
    good_part: str, bad_part: str, said: str, good: str, faults: Faults
) -> None:
    assert good_part in good

    (fault,) = faults(good.replace(good_part, bad_part, 1))

    assert said in fault


@pytest.mark.parametrize(("added", "said"), WRONG)
def test_a_wrong_line_is_refused_in_one_line(added: str, said: str, good: str, faults: Faults) -> None:
    (fault,) = faults(good + added + "\n")

    assert fault.startswith(said) or said in fault


def test_all_faults_are_told_at_once(good: str, faults: Faults) -> None:
    text = good.replace("secret_key = ", "wokers = ").replace("wx01", "01").replace("aes_key", "aes_kee")

    told = faults(
        text + "[callback]\ndeadline_seconds = 'x'\n", WXBOT_TYPO="1", WXBOT_HANDLERS__THREADS="many"
    )

    assert [fault.partition(":")[0] for fault in told] == [
        "secret_key",
        "[callback] deadline_seconds",
        "[handlers] threads (from WXBOT_HANDLERS__THREADS)",
        "[accounts.default] appid",
        "[accounts.default] aes_key",
        "[accounts.default] aes_kee",
        "wokers",
        "typo (from WXBOT_TYPO)",
    ]


def test_a_configuration_without_accounts_is_refused(faults: Faults) -> None:
    told = faults("[server]\n")

    assert told[-1].startswith("[accounts]: no account is configured; add the section [accounts.default]")


def test_a_variable_where_a_section_belongs_is_refused(good: str, faults: Faults) -> None:
    told = faults(good, WXBOT_ACCOUNTS="x", WXBOT_ACCOUNTS__DEFAULT__TOKEN="y", WXBOT_CALLBACK="z")

    assert told == (
        "[callback] (from WXBOT_CALLBACK): must be a section",
        "[accounts] (from WXBOT_ACCOUNTS): must be a section",
    )


def test_a_misspelt_section_in_a_variable_names_the_variable(good: str, faults: Faults) -> None:
    (fault,) = faults(good, WXBOT_CALLBAK__DEADLINE_SECONDS="1")

    assert (
        fault
        == "callbak (from WXBOT_CALLBAK__DEADLINE_SECONDS): there is no such setting; did you mean callback?"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WXBOT_SERVER_PORT", "8000"),
        ("WXBOT_REDIS__PORT", "tcp://10.96.0.7:6379"),
        ("WXBOT_WEBHOOKS__SERVICE_HOST", "10.96.0.7"),
        ("WXBOT_REDIS_URL", "redis://10.96.0.7:6379"),
    ],
)
def test_a_misspelt_variable_is_not_taken_for_one_of_kubernetes(
    name: str, value: str, good: str, faults: Faults
) -> None:
    (fault,) = faults(good, **{name: value})

    assert f"(from {name}): there is no such setting" in fault


@given(st.text(st.characters(categories=["Cc", "Cf", "Co", "Cn", "Z", "M"]), min_size=1, max_size=3))
@example("\ue415")
def test_settings_refuse_as_blank_what_a_reply_refuses(text: str) -> None:
    def is_refused(make: Callable[[str], object]) -> bool:
        try:
            make(text)
        except ValueError:
            return True
        return False

    assert is_refused(lambda value: ReplySettings(fallback=value)) == is_refused(Text)


def test_plain_mode_needs_no_aes_key(good: str) -> None:
    data = tomllib.loads(good)
    data["accounts"]["default"] |= {"mode": "plain", "aes_key": ""}

    assert from_data(data).accounts["default"].mode == "plain"


@pytest.mark.parametrize("host", ["localhost:8900", "127.0.0.1:8900", "127.3.2.1", "[::1]:8900"])
def test_wechat_on_this_machine_may_be_reached_without_tls(host: str, good: str) -> None:
    data = tomllib.loads(good)
    data["accounts"]["default"]["api_base"] = f"http://{host}/"

    assert from_data(data).accounts["default"].api_base == f"http://{host}"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nowhere", "the file it names cannot be read: No such file or directory"),
        (".", "the file it names cannot be read: Is a directory"),
        ("binary", "the file it names is not UTF-8 text"),
        ("a\0b", "must be the path of a file"),
    ],
)
def test_a_secret_file_that_cannot_be_read_is_one_fault(
    path: str, said: str, good: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("binary").write_bytes(b"\xff\xfe")
    data = tomllib.loads(good)
    del data["accounts"]["default"]["token"]
    data["accounts"]["default"]["token_file"] = path

    with pytest.raises(ConfigurationError) as caught:
        from_data(data)

    assert caught.value.faults == (f"[accounts.default] token_file: {said}",)


def test_a_secret_and_a_file_for_it_are_refused(good: str, faults: Faults) -> None:
    (fault,) = faults(good + 'token_file = "/run/secrets/token"\n')

    assert fault == "[accounts.default] token_file: token is set as well; keep one of the two"


def test_a_file_for_what_is_no_secret_is_refused_beside_a_variable_as_well(good: str, faults: Faults) -> None:
    (fault,) = faults(good + '[jobs]\npath_file = "x"\n', WXBOT_JOBS__PATH="var/other.db")

    assert fault == "[jobs] path_file: there is no such setting; did you mean path?"


def secrets_of(good: str) -> list[str]:
    data = tomllib.loads(good)
    account = data["accounts"]["default"]
    return [data["secret_key"], account["secret"], account["token"], account["aes_key"]]


def test_settings_hide_their_secrets_when_printed(good: str) -> None:
    settings = from_data(tomllib.loads(good))

    shown = f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"

    assert "wx0123456789abcdef" in shown
    assert not [secret for secret in secrets_of(good) if secret in shown]


def test_faults_never_show_a_secret(good: str, faults: Faults) -> None:
    spoilt = [secret + "?" for secret in secrets_of(good)]
    text = good
    for secret, other in zip(secrets_of(good), spoilt, strict=True):
        text = text.replace(f'"{secret}"', f'"{other}\\u00e9"')
    # Written where the path of a file belongs.
    text += f'[accounts.second]\ntoken_file = "{spoilt[2]}"\naes_key_file = "{spoilt[3]}"\n'

    told = "\n".join(faults(text, WXBOT_SECRET_KEY_FALLBACKS=f"{spoilt[0][:30]},x"))

    assert told.count("\n") >= 7
    assert not [secret for secret in secrets_of(good) if secret[:12] in told]


def as_data(section: str, key: str, value: object) -> dict[str, object]:
    data: dict[str, object] = {key: value}
    for name in reversed(section.split(".") if section else []):
        data = {name: data}
    return data


@given(
    st.sampled_from([setting for setting in describe() if setting.is_secret]),
    st.one_of(st.text(alphabet="S3cr3tX", min_size=8, max_size=60), st.lists(st.just("S3cr3tXXXX"))),
)
def test_no_value_of_a_secret_is_ever_repeated(setting: Setting, value: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_data(as_data(setting.section, setting.key, value))

    assert "S3cr" not in str(caught.value) and "XXXX" not in str(caught.value)


@pytest.mark.parametrize("section", ["database", "redis"])
@given(
    st.sampled_from(["redis://", "postgresql://", "mysql://", "sqlite://", ""]),
    st.lists(st.sampled_from(["S3cr3tXXXX", *":@/?#[]%. ？：℀\n\0"]), min_size=1, max_size=9),
)
@example("redis://", [":S3cr3tXXXX", "？", "@10.0.0.7:6379/0"])
@example("redis://", [":S3cr3tXXXX", "℀", "@h"])
def test_no_address_with_a_password_is_ever_repeated(section: str, scheme: str, parts: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_data({section: {"url": scheme + "".join(parts)}})

    assert "S3cr" not in str(caught.value) and "XXXX" not in str(caught.value)


@given(
    st.dictionaries(st.text(alphabet="ABCDEFGHIJ_", max_size=30).map("WXBOT_".__add__), st.text(max_size=50))
)
def test_no_environment_makes_loading_crash(variables: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        load("/nowhere/config.toml", env=variables)
    with pytest.raises(ConfigurationError):
        from_data({}, variables=variables)
