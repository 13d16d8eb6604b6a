"""A bot without its HTTP face: its parts, wired together for web processes, workers and commands."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from pathlib import Path

from sqlalchemy import Engine

from wxbot import clock
from wxbot.analytics import marks
from wxbot.analytics.figures import Figures
from wxbot.bindings.bindings import Bindings
from wxbot.bindings.claims import Claims
from wxbot.callback.answer import Answering
from wxbot.callback.callers import Callers
from wxbot.channels.parts import ChannelParts, channel_parts
from wxbot.db.database import Database
from wxbot.errors import WxbotError
from wxbot.events.listeners import Audience, Listener
from wxbot.events.outage import Outage
from wxbot.events.records import Records
from wxbot.events.run import Lender, Limits, Tools
from wxbot.events.runs import Runs
from wxbot.events.spool import Spool
from wxbot.jobs.ledger import Ledger
from wxbot.jobs.notifier import Notifier
from wxbot.jobs.queue import Queue, queue_of
from wxbot.jobs.telling import tell_after_commit
from wxbot.kits.link_config import policy_of
from wxbot.mounting import build_registry, secret_keys
from wxbot.people.leaving import Leaving
from wxbot.qrcodes.kinds import check_scene
from wxbot.qrcodes.living import LivingCodes
from wxbot.qrcodes.mint import Minter
from wxbot.qrcodes.numbers import Numbers
from wxbot.scenes.dispatch import AccountTexts, Dispatcher, Texts
from wxbot.scenes.plugin import Plugin
from wxbot.scenes.pool import Pool
from wxbot.scenes.registry import Registry
from wxbot.settings import AccountSettings, Settings, forget_secrets
from wxbot.tokens import Tokens
from wxbot.webhooks.parts import Hooks, hooks_of
from wxbot.webhooks.telling import Teller
from wxbot.wechat.api import ApiAccount, ApiClient
from wxbot.wechat.envelope import Credentials
from wxbot.wechat.http import Http
from wxbot.wechat.replies import Text
from wxbot.wechat.token_call import TokenCall

# Beside the handlers' connections: one for each clerk, and a few for pages and the API.
_REQUEST_CONNECTIONS = 32


@dataclass(frozen=True, kw_only=True)
class Bot:
    """The parts of one running bot, as `app.extensions["wxbot"]`.

    `runs.watch.on_exhausted` is for whoever can replace this process.
    """

    settings: Settings
    registry: Registry
    engine: Engine
    dispatcher: Dispatcher
    pool: Pool
    records: Records
    runs: Runs
    outage: Outage
    tools: Tools
    answering: Answering
    ledger: Ledger
    queue: Queue
    clients: Mapping[str, ApiClient]
    minter: Minter
    numbers: Numbers
    living: LivingCodes
    claims: Claims
    bindings: Bindings
    channels: ChannelParts
    hooks: Hooks
    leaving: Leaving
    figures: Figures

    def forget_secrets(self) -> None:
        """Take the secrets out of the environment of this process, where every handler can look."""
        forget_secrets(self.settings, os.environ)


def open_database(configured: Settings) -> Engine:
    """Return the engine of the settings' database, migrated to the newest revision."""
    database = _database(configured)
    database.prepare()
    return database.engine


def connections_of(configured: Settings) -> int:
    """Return how many connections to the database one process opens at most."""
    return 2 * configured.handlers.threads + _REQUEST_CONNECTIONS


def build_clients(
    configured: Settings,
    engine: Engine,
    *,
    http: Http | None = None,
    now: Callable[[], datetime] = clock.now,
) -> Mapping[str, ApiClient]:
    """Return a client of WeChat's API for each account; nothing is asked of WeChat yet."""
    accounts = [
        ApiAccount(
            name=name,
            appid=account.appid,
            secret=account.secret.get_secret_value(),
            api_base=account.api_base,
            mp_base=account.mp_base,
            open_base=account.open_base,
            token_kind=account.token_kind,
        )
        for name, account in configured.accounts.items()
    ]
    http = http or Http()
    fetch = TokenCall(http, now=now).fetch
    tokens = Tokens(engine, accounts=accounts, keys=secret_keys(configured), fetch=fetch, now=now)
    return {
        account.name: ApiClient(account, token=tokens.source(account.name), http=http, now=now)
        for account in accounts
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
    configured: Settings,
    *,
    plugins: Sequence[Plugin] = (),
    http: Http | None = None,
    now: Callable[[], datetime] = clock.now,
) -> Bot:
    """Return the bot without its HTTP face: the database migrated, or a spool until it is there."""
    registry = build_registry(configured, plugins=plugins)
    spool = _spool(configured)
    database = _database_if_there(configured)
    clients = build_clients(configured, database.engine, http=http, now=now)
    minter = build_minter(clients, database.engine, now=now)
    texts = _all_texts(configured)
    numbers = Numbers(database.engine, now=now)
    channels = _channels(database, numbers)
    dispatcher = Dispatcher(registry, texts, answered_by=channels.answers.handler_for)
    queue = queue_of(configured)
    hooks = hooks_of(configured, database, keys=secret_keys(configured), now=now)
    claims, bindings = _claims(configured, database.engine, hooks.teller)
    leaving = Leaving(database.engine, configured.privacy, claims=claims, bindings=bindings)
    records = _records(database.engine, registry, queue, texts, channels.listener, hooks.listener, leaving)
    outage = _outage(database, spool, records, texts)
    pool = Pool(configured.handlers.threads)
    tools = _tools(configured, registry, clients, claims=claims, bindings=bindings, channels=channels)
    runs = _runs(configured, records, dispatcher=dispatcher, pool=pool, tools=tools, outage=outage)
    return Bot(
        settings=configured,
        registry=registry,
        engine=database.engine,
        dispatcher=dispatcher,
        pool=pool,
        records=records,
        runs=runs,
        outage=outage,
        tools=tools,
        answering=_answering(configured, records, runs, outage, texts=texts, now=now),
        ledger=Ledger(database.engine, attempts=configured.jobs.attempts),
        queue=queue,
        clients=clients,
        minter=minter,
        numbers=numbers,
        living=LivingCodes(database.engine, minter, now=now),
        claims=claims,
        bindings=bindings,
        channels=channels,
        hooks=hooks,
        leaving=leaving,
        figures=Figures(database.engine, configured.analytics, now=now),
    )


def _tools(
    configured: Settings,
    registry: Registry,
    clients: Mapping[str, ApiClient],
    *,
    claims: Claims,
    bindings: Bindings,
    channels: ChannelParts,
) -> Tools:
    """Return what handlers may use; claims and bindings are written together with the event."""
    lenders: dict[str, Lender] = {
        "claims": lambda work: claims.bound(work.session()),
        "bindings": lambda work: bindings.bound(work.session()),
        "channel": lambda work: channels.answers.channel_of(work.event),
        "public_url": lambda _: configured.server.public_url,
    }
    return Tools(registry=registry, client_for=clients.__getitem__, lenders=lenders)


def _database(configured: Settings) -> Database:
    return Database(configured.database.url.get_secret_value(), connections=connections_of(configured))


def _database_if_there(configured: Settings) -> Database:
    database = _database(configured)
    database.prepare_if_there()
    return database


def _claims(configured: Settings, engine: Engine, teller: Teller) -> tuple[Claims, Bindings]:
    policy = policy_of(configured.plugins)
    return Claims(engine, tell=teller.claim_changed), Bindings(engine, policy, tell=teller.binding_changed)


def _spool(configured: Settings) -> Spool:
    spool = Spool(Path(configured.spool.path), reserve_bytes=configured.spool.reserve_mb << 20)
    spool.check()
    return spool


def _channels(database: Database, numbers: Numbers) -> ChannelParts:
    parts = channel_parts(database.engine, check_scene=check_scene, numbers=numbers)
    if database.is_prepared:
        parts.view.refresh_if_possible()
    return parts


def _outage(database: Database, spool: Spool, records: Records, texts: Texts) -> Outage:
    outage = Outage(database.engine, spool=spool, records=records, texts=texts, probe=database.probe)
    outage.on_import = marks.read_again_from
    if not database.is_prepared:
        outage.begin()
    return outage


def _records(engine: Engine, registry: Registry, queue: Queue, texts: Texts, *listeners: Listener) -> Records:
    observed = frozenset(name for name in registry.accounts if registry.observers(name))
    tell = Notifier(queue.dispatch).tell
    tell_after_commit(engine, tell)
    audience = Audience(observed, listeners)
    return Records(engine, audience=audience, dispatch=tell, closing=texts.closing)


def _runs(
    configured: Settings,
    records: Records,
    *,
    dispatcher: Dispatcher,
    pool: Pool,
    tools: Tools,
    outage: Outage,
) -> Runs:
    limits = Limits(
        deadline_seconds=configured.callback.deadline_seconds,
        give_up_seconds=configured.handlers.give_up_seconds,
    )
    return Runs(records, dispatcher=dispatcher, pool=pool, tools=tools, outage=outage, limits=limits)


def _answering(
    configured: Settings,
    records: Records,
    runs: Runs,
    outage: Outage,
    *,
    texts: Texts,
    now: Callable[[], datetime],
) -> Answering:
    return Answering(
        accounts={name: _credentials(account) for name, account in configured.accounts.items()},
        records=records,
        runs=runs,
        outage=outage,
        texts=texts,
        window_seconds=configured.callback.timestamp_window_seconds,
        now=now,
        kept_days=configured.privacy.events_days,
        callers=_callers(configured, records.engine),
    )


def _callers(configured: Settings, engine: Engine) -> Callers | None:
    if not configured.callback.check_address:
        return None
    callers = Callers(engine)
    callers.refresh()
    return callers


def _all_texts(configured: Settings) -> Texts:
    return Texts({name: _texts(configured, account) for name, account in configured.accounts.items()})


def _texts(configured: Settings, account: AccountSettings) -> AccountTexts:
    """Return an account's texts: its own where it has some, those of all accounts otherwise."""
    common = configured.replies
    return AccountTexts(
        fallback=Text(account.fallback or common.fallback),
        interim=Text(account.interim or common.interim),
        recorded=Text(account.recorded or common.recorded),
        welcome=Text(account.welcome or common.welcome),
    )


def _credentials(account: AccountSettings) -> Credentials:
    tokens = [each.get_secret_value() for each in (account.token, *account.token_fallbacks)]
    aes_keys = [each.get_secret_value() for each in (account.aes_key, *account.aes_key_fallbacks)]
    # Which key belongs to which token is not known: WeChat's page changes them one at a time or together.
    former = [
        Credentials(appid=account.appid, token=token, aes_key=aes_key, mode=account.mode)
        for token, aes_key in product(tokens, aes_keys)
    ]
    until = datetime.fromisoformat(account.fallbacks_until) if account.fallbacks_until else None
    return replace(former[0], former=tuple(former[1:]), former_until=until)
