"""The one list of settings: name, type, default, secret or not, and a sentence of help for each."""

from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from wxbot.settings import checks

_Names = Annotated[tuple[str, ...], BeforeValidator(checks.listed)]
_SecretKey = Annotated[SecretStr, AfterValidator(checks.secret_key)]
_ReplyText = Annotated[str, AfterValidator(checks.visible_text)]
_WechatBase = Annotated[str, AfterValidator(checks.wechat_base)]


class Section(BaseModel):
    """What all sections share: unknown keys are faults, and nothing changes after the start."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)


class DatabaseSettings(Section):
    """Where the records are kept."""

    url: Annotated[str, AfterValidator(checks.database_url)] = Field(
        "sqlite:///var/wxbot.db",
        description="SQLite file that keeps the records; a relative path starts at the working directory.",
    )


class ServerSettings(Section):
    """How the outside reaches this server."""

    public_url: Annotated[str, AfterValidator(checks.public_url)] = Field(
        "", description="Address under which WeChat reaches this server, as in https://bot.example.com."
    )


class CallbackSettings(Section):
    """How callbacks are checked and how long a handler may take."""

    deadline_seconds: Annotated[float, BeforeValidator(checks.not_a_switch)] = Field(
        3.0,
        ge=0.1,
        le=3.0,
        allow_inf_nan=False,
        description="Time a handler has; WeChat gives up after 5 seconds, the answer leaves within 4.3.",
    )
    timestamp_window_seconds: Annotated[int, BeforeValidator(checks.not_a_switch)] = Field(
        300,
        ge=30,
        le=3600,
        description="How far a callback's timestamp may be from this server's clock, in either direction.",
    )


class ReplySettings(Section):
    """What people read when no handler's own reply can be sent."""

    fallback: _ReplyText = Field(
        "抱歉，这次没能处理成功。请稍后再试一次；如果着急，可以直接在这里留言。",
        description="Sent when no handler answers, or the one that should has failed.",
    )
    interim: _ReplyText = Field(
        "正在为您处理，需要一点时间。请稍等片刻；如果没有收到结果，再试一次即可。",
        description="Sent when a handler is not done at the deadline.",
    )
    welcome: _ReplyText = Field(
        "欢迎关注！有什么需要，直接在这里留言就好。",
        description="Sent to a new follower whom no handler welcomes.",
    )


class HandlerSettings(Section):
    """Where the handlers come from and how they are run."""

    packages: _Names = Field(
        ("handlers",),
        description="Packages whose modules are loaded; looked for in the working directory first.",
    )
    plugins: _Names = Field((), description="Installed plugins to load, by the name of their entry point.")
    on_error: Literal["stop", "skip"] = Field(
        "stop", description="What a broken plugin does: stop the start, or be left out with /readyz degraded."
    )
    threads: Annotated[int, BeforeValidator(checks.not_a_switch)] = Field(
        32, ge=1, le=256, description="Handlers that may run at the same time in one process."
    )


class AccountSettings(Section):
    """One Official Account with its secrets."""

    appid: Annotated[str, AfterValidator(checks.appid)] = Field(
        "", description="AppID of the account. Required."
    )
    secret: Annotated[SecretStr, AfterValidator(checks.app_secret)] = Field(
        SecretStr(""), description="AppSecret; only calls to WeChat's API need it, receiving scans does not."
    )
    token: Annotated[SecretStr, AfterValidator(checks.callback_token)] = Field(
        SecretStr(""), description="Token of the server configuration, 16 to 32 letters or digits. Required."
    )
    # Before aes_key, whose check asks for it.
    mode: Literal["safe", "compatible", "plain"] = Field(
        "safe",
        description="Message encryption; test accounts know plain only, everybody else should use safe.",
    )
    aes_key: Annotated[SecretStr, AfterValidator(checks.aes_key)] = Field(
        SecretStr(""), description="EncodingAESKey, 43 letters or digits. Required unless the mode is plain."
    )
    plugins: _Names = Field((), description="Names of the plugins that answer for this account; empty: all.")
    token_kind: Literal["stable", "classic"] = Field(
        "stable",
        description="How access tokens are fetched; every classic fetch ends the tokens of other programs.",
    )
    api_base: _WechatBase = Field("https://api.weixin.qq.com", description="Where WeChat's API is.")
    mp_base: _WechatBase = Field("https://mp.weixin.qq.com", description="Where the images of QR codes are.")
    open_base: _WechatBase = Field(
        "https://open.weixin.qq.com", description="Where people log in with WeChat."
    )


def _some_account(value: dict[str, AccountSettings]) -> dict[str, AccountSettings]:
    if not value:
        raise ValueError(
            "no account is configured; add the section [accounts.default] with appid, token and aes_key"
        )
    tokens: dict[str, str] = {}
    for name, account in value.items():
        other = tokens.setdefault(account.token.get_secret_value(), name)
        if other != name:
            raise ValueError(
                f"{other} and {name} have the same token, so that a callback of one could pass for the "
                "other's; give each its own"
            )
    return value


_Accounts = Annotated[
    dict[Annotated[str, AfterValidator(checks.account_name)], AccountSettings], AfterValidator(_some_account)
]


class Settings(Section):
    """All settings of one deployment; secrets hide themselves when printed."""

    secret_key: _SecretKey = Field(
        SecretStr(""), description="Signs scenes and cookies; at least 32 characters. Required."
    )
    secret_key_fallbacks: Annotated[tuple[_SecretKey, ...], BeforeValidator(checks.listed)] = Field(
        (), description="Earlier secret keys, newest first: codes that were printed with them keep working."
    )
    database: DatabaseSettings = DatabaseSettings()
    server: ServerSettings = ServerSettings()
    callback: CallbackSettings = CallbackSettings()
    replies: ReplySettings = ReplySettings()
    handlers: HandlerSettings = HandlerSettings()
    plugins: dict[str, dict[str, Any]] = {}
    accounts: _Accounts = {}


class Setting(NamedTuple):
    """One line of the list of settings; `section` is empty for the keys before the first section."""

    section: str
    key: str
    type: str
    default: object
    is_secret: bool
    help: str


def describe() -> list[Setting]:
    """List every setting in the order of the example file; plugins' own sections are theirs to describe."""
    listed = []
    for name, field in Settings.model_fields.items():
        model = AccountSettings if name == "accounts" else field.annotation
        if isinstance(model, type) and issubclass(model, Section):
            listed += _keys_of(model, "accounts.default" if name == "accounts" else name)
    return [each for each in _keys_of(Settings, "") if each.help] + listed


def _keys_of(model: type[Section], section: str) -> list[Setting]:
    keys = []
    for key, field in model.model_fields.items():
        inner = [
            getattr(kind, "__origin__", kind) for kind in (field.annotation, *get_args(field.annotation))
        ]
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        keys.append(
            Setting(
                section,
                key,
                _type_words(field.annotation),
                default,
                SecretStr in inner,
                field.description or "",
            )
        )
    return keys


def _type_words(annotation: object) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(get_args(annotation))
    if get_origin(annotation) is tuple:
        return "list of texts"
    return {float: "number", int: "whole number"}.get(annotation, "text")  # type: ignore[call-overload,no-any-return]
