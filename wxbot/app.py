"""The only place that wires things together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Flask, current_app, has_app_context
from sqlalchemy import Engine

from wxbot import clock, settings
from wxbot.api.application import docs_blueprint, new_app
from wxbot.api.keys import Keys
from wxbot.api.qrcodes import qrcodes_api
from wxbot.callback.answer import Answering
from wxbot.callback.views import callback_blueprint
from wxbot.db import migrate
from wxbot.db.engine import open_engine
from wxbot.errors import WxbotError
from wxbot.events.records import Records
from wxbot.events.runs import Runs
from wxbot.health import health_blueprint
from wxbot.pages.code import CodePage, code_blueprint
from wxbot.pages.images import images_blueprint
from wxbot.pages.login import Login
from wxbot.qrcodes.living import LivingCodes
from wxbot.qrcodes.mint import Minter
from wxbot.qrcodes.numbers import Numbers
from wxbot.scenes.dispatch import Dispatcher, Texts, current_registry
from wxbot.scenes.loader import load
from wxbot.scenes.plugin import Plugin
from wxbot.scenes.pool import Pool
from wxbot.scenes.registry import Registry
from wxbot.settings import AccountSettings, Settings
from wxbot.tokens import Tokens
from wxbot.wechat.api import ApiAccount, ApiClient
from wxbot.wechat.envelope import Credentials
from wxbot.wechat.replies import Text

# Beside the handlers' connections: one for each request thread that recalls or notes a deadline.
_REQUEST_CONNECTIONS = 32


@dataclass(frozen=True, kw_only=True)
class Bot:
    """The parts of one running bot, as `app.extensions["wxbot"]`."""

    settings: Settings
    registry: Registry
    engine: Engine
    dispatcher: Dispatcher
    pool: Pool
    answering: Answering
    clients: Mapping[str, ApiClient]
    minter: Minter
    numbers: Numbers
    living: LivingCodes


def create_app(
    configured: Settings | None = None,
    *,
    plugins: Sequence[Plugin] = (),
    now: Callable[[], datetime] = clock.now,
) -> Flask:
    """Return the WSGI app: settings read, database migrated, plugins mounted.

    Raises ConfigurationError with every fault of the settings, PluginError with every fault of the
    handlers. `plugins` are mounted beside those the settings name.
    """
    bot = build_bot(configured or settings.load(), plugins=plugins, now=now)
    app = new_app("wxbot")
    app.url_map.merge_slashes = False  # it would redirect, and with the signature in the address
    app.extensions["wxbot"] = bot
    app.register_blueprint(callback_blueprint(bot.answering))
    app.register_blueprint(health_blueprint(bot.engine, skipped=bot.registry.skipped))
    app.register_blueprint(images_blueprint(bot.living))
    keys = Keys(bot.engine, now=now)
    app.register_blueprint(code_blueprint(_code_page(bot, keys)))
    app.register_api(qrcodes_api(bot.minter, bot.engine, keys=keys, accounts=list(bot.clients), now=now))
    app.register_blueprint(docs_blueprint(app))
    return app


def scene_for(endpoint: str, /, *, account: str | None = None, **values: object) -> str:
    """Return the scene that brings `values` to a handler (`plugin.function`), as `url_for` does for URLs.

    Works inside a handler and inside the Flask app's context. Without `account` there must be only one.
    Raises WxbotError when no rule takes exactly these values, or outside of both.
    """
    registry = current_registry.get(None)
    if registry is None and has_app_context():
        registry = current_app.extensions["wxbot"].registry
    if registry is None:
        raise WxbotError(
            "scene_for() needs a running bot: call it in a handler or in `with app.app_context():`"
        )
    return registry.scene_for(endpoint, account=account, **values)


def build_registry(configured: Settings, *, plugins: Sequence[Plugin] = ()) -> Registry:
    """Return the registry of the settings' plugins; raises PluginError with every fault."""
    handlers = configured.handlers
    loaded = load(handlers.packages, handlers.plugins, extra=plugins, on_error=handlers.on_error)
    return Registry.build(
        loaded.plugins,
        accounts={name: account.plugins for name, account in configured.accounts.items()},
        keys=_secret_keys(configured),
        configs=configured.plugins,
        on_error=handlers.on_error,
        skipped=loaded.skipped,
    )


def open_database(configured: Settings) -> Engine:
    """Return the engine of the settings' database, migrated to the newest revision."""
    migrate.upgrade(configured.database.url)
    return open_engine(
        configured.database.url, connections=2 * configured.handlers.threads + _REQUEST_CONNECTIONS
    )


def build_clients(
    configured: Settings, engine: Engine, *, now: Callable[[], datetime] = clock.now
) -> Mapping[str, ApiClient]:
    """Return a client of WeChat's API for each account; nothing is asked of WeChat yet."""
    accounts = [
        ApiAccount(
            name=name,
            appid=account.appid,
            secret=account.secret.get_secret_value(),
            api_base=account.api_base,
            mp_base=account.mp_base,
            token_kind=account.token_kind,
        )
        for name, account in configured.accounts.items()
    ]
    tokens = Tokens(engine, accounts=accounts, keys=_secret_keys(configured), now=now)
    return {
        account.name: ApiClient(account, token=tokens.source(account.name), now=now) for account in accounts
    }


def build_minter(
    clients: Mapping[str, ApiClient],
    engine: Engine,
    *,
    now: Callable[[], datetime] = clock.now,
    holder: str = "",
    pace: Callable[[], None] = lambda: None,
) -> Minter:
    """Return what mints codes for these clients' accounts."""

    def client_for(account: str) -> ApiClient:
        if account not in clients:
            raise WxbotError(f"there is no account {account!r}; there are: {', '.join(clients)}")
        return clients[account]

    return Minter(engine, client_for=client_for, now=now, holder=holder, pace=pace)


def build_bot(
    configured: Settings, *, plugins: Sequence[Plugin] = (), now: Callable[[], datetime] = clock.now
) -> Bot:
    """Return the bot without its HTTP face; the database is migrated on the way."""
    registry = build_registry(configured, plugins=plugins)
    engine = open_database(configured)
    clients = build_clients(configured, engine, now=now)
    minter = build_minter(clients, engine, now=now)
    texts = Texts(
        fallback=Text(configured.replies.fallback),
        interim=Text(configured.replies.interim),
        welcome=Text(configured.replies.welcome),
    )
    dispatcher = Dispatcher(registry, texts)
    records = Records(engine)
    pool = Pool(configured.handlers.threads)
    runs = Runs(
        engine,
        records=records,
        dispatcher=dispatcher,
        pool=pool,
        deadline_seconds=configured.callback.deadline_seconds,
    )
    answering = Answering(
        accounts={name: _credentials(account) for name, account in configured.accounts.items()},
        records=records,
        runs=runs,
        fallback=texts.fallback,
        window_seconds=configured.callback.timestamp_window_seconds,
        now=now,
    )
    return Bot(
        settings=configured,
        registry=registry,
        engine=engine,
        dispatcher=dispatcher,
        pool=pool,
        answering=answering,
        clients=clients,
        minter=minter,
        numbers=Numbers(engine, now=now),
        living=LivingCodes(engine, minter, now=now),
    )


def _code_page(bot: Bot, keys: Keys) -> CodePage:
    def identify(text: str) -> str | None:
        key = keys.verify(text)
        return None if key is None else key.id

    def answered_by(scene: str, account: str) -> str:
        return bot.registry.explain(scene, account=account).winner or ""

    login = Login(identify=identify, is_active=keys.is_active, secret_keys=_secret_keys(bot.settings))
    return CodePage(bot.minter, login, accounts=list(bot.clients), answered_by=answered_by)


def _secret_keys(configured: Settings) -> list[str]:
    """Return the keys, newest first."""
    keys = (configured.secret_key, *configured.secret_key_fallbacks)
    return [key.get_secret_value() for key in keys]


def _credentials(account: AccountSettings) -> Credentials:
    return Credentials(
        appid=account.appid,
        token=account.token.get_secret_value(),
        aes_key=account.aes_key.get_secret_value(),
        mode=account.mode,
    )
