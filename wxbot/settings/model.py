"""The one list of settings: name, type, default, secret or not, and a sentence of help for each."""

from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from wxbot.settings import checks

_Names = Annotated[tuple[str, ...], BeforeValidator(checks.listed)]
_CallbackToken = Annotated[SecretStr, AfterValidator(checks.callback_token)]
_AesKey = Annotated[SecretStr, AfterValidator(checks.former_aes_key)]
_SecretKey = Annotated[SecretStr, AfterValidator(checks.secret_key)]
_ReplyText = Annotated[str, AfterValidator(checks.visible_text)]
_OwnText = Annotated[str, AfterValidator(checks.visible_or_empty)]
_Path = Annotated[str, AfterValidator(checks.path)]
_WechatBase = Annotated[str, AfterValidator(checks.wechat_base)]


class Section(BaseModel):
    """What all sections share: unknown keys are faults, and nothing changes after the start."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)


class DatabaseSettings(Section):
    """Where the records are kept."""

    url: Annotated[SecretStr, AfterValidator(checks.database_url)] = Field(
        SecretStr("sqlite:///var/wxbot.db"),
        description="Database of the records: sqlite:///, postgresql:// or mysql://; a relative path of a "
        "file starts at the working directory.",
    )


class RedisSettings(Section):
    """A Redis server, which is never the only place of anything."""

    url: Annotated[SecretStr, AfterValidator(checks.redis_url)] = Field(
        SecretStr(""), description="Redis server, as in redis://localhost:6379/0; empty: none is used."
    )


class JobSettings(Section):
    """How jobs reach the workers. The jobs themselves are in the database."""

    backend: Literal["sqlite", "redis"] = Field(
        "sqlite", description="What carries jobs to workers: a file on this machine, or Redis for several."
    )
    path: _Path = Field(
        "var/jobs.db", description="File of the backend sqlite; it may be deleted at any time."
    )
    threads: Annotated[int, BeforeValidator(checks.not_a_switch)] = Field(
        4, ge=1, le=64, description="Jobs that a worker does at the same time."
    )
    attempts: Annotated[int, BeforeValidator(checks.not_a_switch)] = Field(
        5, ge=1, le=50, description="How often a job is tried before it is put aside as dead."
    )


class SpoolSettings(Section):
    """Where events are kept while the database cannot be written."""

    path: _Path = Field(
        "var/spool",
        description="Folder that keeps events while the database is out of reach; best on another disk.",
    )
    reserve_mb: Annotated[int, BeforeValidator(checks.not_a_switch)] = Field(
        16,
        ge=0,
        le=1024,
        description="Space in that folder which is held free for events, should the disk be full; 0: none.",
    )


class LoggingSettings(Section):
    """What is logged, and how."""

    format: Literal["text", "json"] = Field(
        "text", description="Lines for people, or JSON for log collectors."
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least that is logged."
    )


class PrivacySettings(Section):
    """What is kept of people, and for how long."""

    on_unfollow: Literal["pseudonymise", "erase"] = Field(
        "pseudonymise",
        description="What remains of who leaves: what they did, without the openid; or only what is counted.",
    )
    events_days: Annotated[int, BeforeValidator(checks.not_a_switch)] = Field(
        0,
        ge=0,
        le=36500,
        description="Days after which events are deleted; 0: never. Their repeats are refused then.",
    )
    jobs_days: Annotated[int, BeforeValidator(checks.not_a_switch)] = Field(
        30,
        ge=1,
        le=36500,
        description="Days after which finished jobs, and messages nobody came for, are deleted.",
    )
    claims_days: Annotated[int, BeforeValidator(checks.not_a_switch)] = Field(
        365,
        ge=1,
        le=36500,
        description="Days after which one-time codes that nobody used, or that were given up, are deleted.",
    )
    webhooks_days: Annotated[int, BeforeValidator(checks.not_a_switch)] = Field(
        30,
        ge=7,
        le=36500,
        description="Days after which what webhooks were told is deleted; until then it can be sent again.",
    )
    malformed_days: Annotated[int, BeforeValidator(checks.not_a_switch)] = Field(
        30, ge=1, le=36500, description="Days after which the copy of a malformed callback is deleted."
    )
    audit_days: Annotated[int, BeforeValidator(checks.not_a_switch)] = Field(
        730, ge=180, le=36500, description="Days after which lines of the dashboard's audit log are deleted."
    )


class AnalyticsSettings(Section):
    """How scans and follows are counted. A change takes effect with `wxbot stats rebuild`."""

    timezone: Annotated[str, AfterValidator(checks.timezone)] = Field(
        "Asia/Shanghai", description="By whose midnight days are told apart."
    )
    attribution: Literal["first", "last"] = Field(
        "first",
        description="The code that an unfollow or a claim is put down to: of the first follow, or the last.",
    )
    compare_with_wechat: bool = Field(
        True, description="Asks WeChat once a day for its own counts of followers, to show what was missed."
    )


class WebhookSettings(Section):
    """Where the deployer's site may be told what happens."""

    allow_private: bool = Field(
        False,
        description="Lets webhooks go to any address, also over http://; for development only.",
    )
    ports: Annotated[tuple[int, ...], BeforeValidator(checks.listed), AfterValidator(checks.ports)] = Field(
        (443, 8443), description="Ports to which webhooks may go."
    )


class ServerSettings(Section):
    """How the outside reaches this server."""

    public_url: Annotated[str, AfterValidator(checks.public_url)] = Field(
        "", description="Address under which WeChat reaches this server, as in https://bot.example.com."
    )
    proxies: Annotated[int, BeforeValidator(checks.not_a_switch)] = Field(
        0,
        ge=0,
        le=5,
        description="Proxies of yours in front that add to X-Forwarded-For; 0: the peer's address counts.",
    )


class AdminSettings(Section):
    """How long people stay logged in to the dashboard."""

    idle_minutes: Annotated[int, BeforeValidator(checks.not_a_switch)] = Field(
        120, ge=5, le=1440, description="Minutes without a request after which a login has ended."
    )
    login_hours: Annotated[int, BeforeValidator(checks.not_a_switch)] = Field(
        12, ge=1, le=168, description="Hours after which everybody has to log in anew."
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
    check_address: bool = Field(
        False,
        description="Refuses callbacks, signed or not, from addresses that WeChat does not name as its own.",
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
    recorded: _ReplyText = Field(
        "已经收到，系统正在恢复，稍后会为您处理。",
        description="Sent while the database is out of reach; the event is kept and worked off later.",
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
    give_up_seconds: Annotated[float, BeforeValidator(checks.not_a_switch)] = Field(
        120.0,
        ge=5,
        le=3600,
        allow_inf_nan=False,
        description="Time after which a handler counts as hung: what it wrote is undone, its thread is lost.",
    )


class AccountSettings(Section):
    """One Official Account with its secrets."""

    appid: Annotated[str, AfterValidator(checks.appid)] = Field(
        "", description="AppID of the account. Required."
    )
    secret: Annotated[SecretStr, AfterValidator(checks.app_secret)] = Field(
        SecretStr(""), description="AppSecret; only calls to WeChat's API need it, receiving scans does not."
    )
    token: _CallbackToken = Field(
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
    token_fallbacks: Annotated[tuple[_CallbackToken, ...], BeforeValidator(checks.listed)] = Field(
        (), description="Earlier tokens, accepted until fallbacks_until, while WeChat's page is changed."
    )
    aes_key_fallbacks: Annotated[tuple[_AesKey, ...], BeforeValidator(checks.listed)] = Field(
        (), description="Earlier AES keys, accepted until fallbacks_until, while WeChat's page is changed."
    )
    fallbacks_until: Annotated[str, AfterValidator(checks.end_of_fallbacks)] = Field(
        "", description="Until when earlier tokens and AES keys count, as in 2030-01-31T18:00+08:00."
    )
    plugins: _Names = Field((), description="Names of the plugins that answer for this account; empty: all.")
    fallback: _OwnText = Field("", description="The account's own text in place of that in [replies].")
    interim: _OwnText = Field("", description="The account's own text in place of that in [replies].")
    recorded: _OwnText = Field("", description="The account's own text in place of that in [replies].")
    welcome: _OwnText = Field("", description="The account's own text in place of that in [replies].")
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
        for token in (account.token, *account.token_fallbacks):
            other = tokens.setdefault(token.get_secret_value(), name)
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
    redis: RedisSettings = RedisSettings()
    jobs: Annotated[JobSettings, AfterValidator(checks.jobs_backend)] = JobSettings()
    spool: SpoolSettings = SpoolSettings()
    server: ServerSettings = ServerSettings()
    admin: AdminSettings = AdminSettings()
    callback: CallbackSettings = CallbackSettings()
    replies: ReplySettings = ReplySettings()
    handlers: HandlerSettings = HandlerSettings()
    logging: LoggingSettings = LoggingSettings()
    privacy: PrivacySettings = PrivacySettings()
    analytics: AnalyticsSettings = AnalyticsSettings()
    webhooks: WebhookSettings = WebhookSettings()
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
        return "list of whole numbers" if int in get_args(annotation) else "list of texts"
    return {float: "number", int: "whole number", bool: "true or false"}.get(annotation, "text")  # type: ignore[call-overload,no-any-return]
