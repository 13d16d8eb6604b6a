"""The only place that gives a bot its HTTP face."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from flask import Blueprint, Flask, Request, current_app, has_app_context

from wxbot import clock, metrics, settings
from wxbot.admin.gate import Gate
from wxbot.admin.roles import Role
from wxbot.admin.trail import Trail
from wxbot.api.application import new_app
from wxbot.api.bindings import bindings_api
from wxbot.api.channels import Codes, channels_api
from wxbot.api.claims import claims_api
from wxbot.api.description import docs_blueprint
from wxbot.api.events import events_api
from wxbot.api.followers import followers_api
from wxbot.api.guard import Guard, GuardedApi
from wxbot.api.idempotency import Book
from wxbot.api.keys import Keys
from wxbot.api.logins import logins_api
from wxbot.api.messages import messages_api
from wxbot.api.promoters import promoters_api
from wxbot.api.qrcodes import qrcodes_api
from wxbot.api.stats import stats_api
from wxbot.api.webhooks import webhooks_api
from wxbot.bindings.linking import Linking
from wxbot.bindings.logins import CODE_SECONDS, Logins
from wxbot.bot import Bot, build_bot
from wxbot.callback.entry import Entry
from wxbot.callback.views import Callbacks, callback_blueprint
from wxbot.channels.answers import with_channel
from wxbot.dashboard import dashboard_blueprint, gate_of
from wxbot.errors import WxbotError
from wxbot.health.readiness import Watched
from wxbot.health.views import health_blueprint
from wxbot.jobs.notifier import Notifier
from wxbot.kits import link, login, order
from wxbot.kits.addresses import Addresses
from wxbot.kits.code_page import CodePage as ClaimPage
from wxbot.kits.code_page import add_code_page, code_pages
from wxbot.kits.link_config import LinkConfig
from wxbot.kits.link_pages import LinkPages
from wxbot.kits.login_config import LoginConfig
from wxbot.kits.login_pages import LoginPages, Parts
from wxbot.kits.login_session import Tokens
from wxbot.mounting import secret_keys
from wxbot.pages.code import CodePage
from wxbot.pages.images import images_blueprint
from wxbot.pages.login import Login, Note
from wxbot.scenes.dispatch import current_registry
from wxbot.scenes.plugin import Plugin
from wxbot.settings import Settings
from wxbot.streams import Streams
from wxbot.web.away import Away
from wxbot.web.pages import Pages
from wxbot.wechat.http import Http
from wxbot.wechat.oauth import OAuth

# Whose codes have a page for customers.
_SHOWN_KITS = (order.plugin, link.plugin)


def create_app(
    configured: Settings | None = None,
    *,
    plugins: Sequence[Plugin] = (),
    http: Http | None = None,
    now: Callable[[], datetime] = clock.now,
) -> Flask:
    """Return the WSGI app: settings read, database migrated, plugins mounted.

    Raises ConfigurationError with every fault of the settings, PluginError with every fault of the
    handlers. `plugins` are mounted beside those the settings name; `http` carries the calls to WeChat.
    """
    bot = build_bot(configured or settings.load(), plugins=plugins, http=http, now=now)
    app = new_app("wxbot")
    app.url_map.merge_slashes = False  # it would redirect, and with the signature in the address
    app.extensions["wxbot"] = bot
    bot.channels.view.also = (bot.hooks.publisher.look_if_possible,)
    bot.channels.view.start()
    app.extensions["wxbot.streams"] = streams = Streams()
    callbacks = Callbacks(bot.answering, proxies=bot.settings.server.proxies)
    app.register_blueprint(callback_blueprint(callbacks))
    others = Away(lambda: bot.outage.is_unreadable, app.wsgi_app)
    app.wsgi_app = Entry(callbacks, others)  # type: ignore[method-assign]
    app.register_blueprint(health_blueprint(_watched(bot, now), accounts=list(bot.clients)))
    app.register_blueprint(images_blueprint(bot.living))
    keys = Keys(bot.engine, now=now)
    gate = gate_of(bot, now=now)
    app.register_blueprint(_code_page(bot, keys, gate, now).blueprint)
    app.register_blueprint(dashboard_blueprint(bot, gate, streams, now=now))
    guard = _guard(bot, keys, now)
    for api in _apis(bot, guard, streams):
        app.register_api(api.blueprint)
    for blueprint in (*_kit_pages(bot, http, now), *_login_pages(bot, streams)):
        app.register_blueprint(blueprint)
    app.register_blueprint(docs_blueprint(lambda: _apis(bot, replace(guard, is_describing=True), streams)))
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


def _guard(bot: Bot, keys: Keys, now: Callable[[], datetime]) -> Guard:
    repeats = Book(bot.engine, secret_keys=secret_keys(bot.settings))
    return Guard(engine=bot.engine, keys=keys, repeats=repeats, accounts=list(bot.clients), now=now)


def _apis(bot: Bot, guard: Guard, streams: Streams) -> list[GuardedApi]:
    """Return the parts of the API, in the order in which they are described."""
    return [
        qrcodes_api(bot.minter, guard),
        claims_api(bot.claims, bot.minter, guard, streams=streams, page_of=kit_addresses(bot).of),
        bindings_api(bot.bindings, Linking(bot.engine, bot.claims, bot.bindings), guard),
        followers_api(guard),
        events_api(guard),
        messages_api(guard, tell=Notifier(bot.queue.dispatch).tell),
        webhooks_api(bot.hooks, guard),
        logins_api(Logins(bot.engine, bot.claims, bot.bindings), guard),
        channels_api(bot.channels, bot.figures, _channel_codes(bot), guard),
        promoters_api(bot.channels.promoters, bot.figures, guard),
        stats_api(bot.figures, guard),
    ]


def _channel_codes(bot: Bot) -> Codes:
    return Codes(minter=bot.minter, living=bot.living, public_url=bot.settings.server.public_url)


def _kit_pages(bot: Bot, http: Http | None, now: Callable[[], datetime]) -> Iterator[Blueprint]:
    """Yield the pages of the kits that are mounted."""
    addresses = kit_addresses(bot)
    if order.plugin in bot.registry.plugins:
        pages = code_pages(order.plugin.name)
        page = ClaimPage(pages, bot.claims, bot.minter, addresses=addresses, now=now)
        yield add_code_page(pages, page)
    if link.plugin in bot.registry.plugins:
        config = LinkConfig.model_validate(dict(bot.settings.plugins.get("link", {})))
        pages = code_pages(link.plugin.name)
        is_asking = config.confirm == "page"
        page = ClaimPage(pages, bot.claims, bot.minter, addresses=addresses, is_asking=is_asking, now=now)
        _link_pages(bot, pages, config, addresses=addresses, http=http, now=now).add()
        yield add_code_page(pages, page)


def _login_pages(bot: Bot, streams: Streams) -> Iterator[Blueprint]:
    """Yield the login page, if its kit is mounted."""
    if login.plugin not in bot.registry.plugins:
        return
    config = LoginConfig.model_validate(bot.settings.plugins[login.plugin.name])
    parts = Parts(
        config=config,
        logins=Logins(bot.engine, bot.claims, bot.bindings),
        minter=bot.minter,
        streams=streams,
        tokens=Tokens(secret_keys(bot.settings), login_seconds=config.seconds + CODE_SECONDS),
        accounts=_answering(bot, login.plugin),
    )
    yield LoginPages(parts).blueprint


def _link_pages(
    bot: Bot,
    pages: Pages,
    config: LinkConfig,
    *,
    addresses: Addresses,
    http: Http | None,
    now: Callable[[], datetime],
) -> LinkPages:
    accounts = {name: bot.clients[name].account for name in _answering(bot, link.plugin)}
    return LinkPages(
        pages,
        Linking(bot.engine, bot.claims, bot.bindings),
        config,
        addresses=addresses,
        oauths={name: OAuth(account, http, now=now) for name, account in accounts.items()},
        now=now,
    )


def _answering(bot: Bot, plugin: Plugin) -> list[str]:
    """Return the accounts for which a plugin answers."""
    accounts = bot.settings.accounts.items()
    return [name for name, each in accounts if not each.plugins or plugin.name in each.plugins]


def kit_addresses(bot: Bot) -> Addresses:
    """Return what knows the addresses of claims' pages."""
    return Addresses(
        bot.settings.server.public_url,
        purposes=[plugin.name for plugin in _SHOWN_KITS if plugin in bot.registry.plugins],
        accounts=list(bot.clients),
        secret_keys=secret_keys(bot.settings),
    )


def _watched(bot: Bot, now: Callable[[], datetime]) -> Watched:
    return Watched(
        engine=bot.engine,
        spool=bot.outage.spool,
        skipped=bot.registry.skipped,
        stuck=lambda: metrics.all_stuck_handlers(bot.runs.watch.stuck),
        now=now,
    )


def _code_page(bot: Bot, keys: Keys, gate: Gate, now: Callable[[], datetime]) -> CodePage:
    trail = Trail(bot.engine, now=now)

    def identify(text: str) -> str | None:
        key = keys.verify(text)
        # The cookie knows which key it was and not what it may: the page mints, for any account.
        is_enough = key is not None and key.may("qrcodes:write") and key.accounts is None
        return key.id if key is not None and is_enough else None

    def answered_by(scene: str, account: str) -> str:
        explanation = bot.registry.explain(scene, account=account)
        channel = bot.channels.view.find_any(account, scene)
        return with_channel(explanation, channel, at=int(now().timestamp())).winner

    def noting(asking: Request) -> Note | None:
        session = gate.session(asking)
        if session is None or not session.user.role.covers(Role.OPERATOR):
            return None
        user = session.user

        def note(scene: str, *, account: str) -> None:
            trail.add("qrcode.mint", scene, user=user, account=account)

        return note

    login = Login(
        identify=identify,
        is_active=keys.is_active,
        is_user=lambda asking: gate.session(asking) is not None,
        noting=noting,
        secret_keys=secret_keys(bot.settings),
    )
    return CodePage(bot.minter, login, accounts=list(bot.clients), answered_by=answered_by)
