"""The only place that wires things together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Flask, Response, current_app, has_app_context
from sqlalchemy import Engine
from werkzeug.exceptions import HTTPException

from wxbot import clock, settings
from wxbot.callback.answer import Answering
from wxbot.callback.views import callback_blueprint
from wxbot.db import migrate
from wxbot.db.engine import open_engine
from wxbot.errors import WxbotError
from wxbot.events.records import Records
from wxbot.events.runs import Runs
from wxbot.health import health_blueprint
from wxbot.scenes.dispatch import Dispatcher, Texts, current_registry
from wxbot.scenes.loader import load
from wxbot.scenes.plugin import Plugin
from wxbot.scenes.pool import Pool
from wxbot.scenes.registry import Registry
from wxbot.settings import AccountSettings, Settings
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
    app = Flask("wxbot", static_folder=None)
    app.url_map.merge_slashes = False  # it would redirect, and with the signature in the address
    app.extensions["wxbot"] = bot
    app.register_error_handler(HTTPException, _said_plainly)
    app.register_blueprint(callback_blueprint(bot.answering))
    app.register_blueprint(health_blueprint(bot.engine, skipped=bot.registry.skipped))
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
    keys = (configured.secret_key, *configured.secret_key_fallbacks)
    return Registry.build(
        loaded.plugins,
        accounts={name: account.plugins for name, account in configured.accounts.items()},
        keys=[key.get_secret_value() for key in keys],
        configs=configured.plugins,
        on_error=handlers.on_error,
        skipped=loaded.skipped,
    )


def build_bot(
    configured: Settings, *, plugins: Sequence[Plugin] = (), now: Callable[[], datetime] = clock.now
) -> Bot:
    """Return the bot without its HTTP face; the database is migrated on the way."""
    registry = build_registry(configured, plugins=plugins)
    migrate.upgrade(configured.database.url)
    engine = open_engine(
        configured.database.url, connections=2 * configured.handlers.threads + _REQUEST_CONNECTIONS
    )
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
    )


def _said_plainly(error: HTTPException) -> Response:
    """Return an error without a page: nothing here is read by people in a browser."""
    return Response(f"{error.name}\n".lower(), status=error.code, content_type="text/plain; charset=utf-8")


def _credentials(account: AccountSettings) -> Credentials:
    return Credentials(
        appid=account.appid,
        token=account.token.get_secret_value(),
        aes_key=account.aes_key.get_secret_value(),
        mode=account.mode,
    )
