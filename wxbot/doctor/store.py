"""What the database is like, and what it tells about those who work with it."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, make_url, text

from wxbot.db import migrate
from wxbot.db.durability import weak_settings
from wxbot.db.engine import is_file, shown
from wxbot.db.fit import Fit, newer
from wxbot.doctor.finding import Finding, fail, ok, warn
from wxbot.doctor.vitals import Vitals, is_disk_full

if TYPE_CHECKING:
    from wxbot.settings import Settings

# One writes at a time; more processes wait rather than work.
_MOST_ON_SQLITE = 4
_CONNECTION_LIMITS = {"postgresql": "SHOW max_connections", "mysql": "SELECT @@max_connections"}
_SKEW_SECONDS = 5
_MOST_NAMES = 3
_ASIDE_ZH = {"dead": "失败", "unknown": "结果不明"}


def has_file(url: str) -> bool:
    """Say whether there is something to open: looking must not make an SQLite file."""
    return not is_file(url) or Path(make_url(url).database or "").exists()


def of_missing_file(url: str) -> Finding:
    """Return what to do where there is no SQLite file."""
    path = make_url(url).database
    advice, zh = "run `wxbot db upgrade`, or start a server", f"没有数据库文件 {path}"
    return fail("database", f"there is no file {path}", advice, "请运行 wxbot db upgrade", zh=zh)


def is_migrated(engine: Engine) -> bool:
    """Say whether the tables have what this program needs."""
    return migrate.fit(engine).is_usable


def of_migrations(engine: Engine) -> Finding:
    """Return whether the database is at our revision."""
    current, head = migrate.current(engine), migrate.head()
    where = shown(engine.url.render_as_string(hide_password=False))
    if current == head:
        zh = f"{where} 连接正常，版本 {head}"
        return ok("database", f"{where} answers, at revision {head}", zh=zh)
    found = migrate.fit(engine)
    if found is Fit.NEWER:
        zh = f"数据库已是较新的版本 {current}，本机为 {head}，仍可使用"
        return warn("database", newer(current, head), "upgrade this machine too", "请把这台机器也升级", zh=zh)
    if found is Fit.TOO_NEW:
        advice = "install the newer wxbot, or bring back a copy from before the upgrade"
        said = f"{where} is at revision {current}, made by a newer wxbot"
        advice_zh, zh = (
            "请安装新版 wxbot，或恢复升级前的备份",
            f"{where} 的版本 {current} 由更新的 wxbot 建立",
        )
        return fail("database", said, advice, advice_zh, zh=zh)
    said = f"{where} is at revision {current or 'none'}, this wxbot needs {head}"
    advice, zh = (
        "run `wxbot db upgrade`, or start a server",
        f"{where} 的版本是 {current or '空'}，需要 {head}",
    )
    return fail("database", said, advice, "请运行 wxbot db upgrade", zh=zh)


def of_disk(engine: Engine) -> Iterator[Finding]:
    """Yield that the disk of an SQLite file is full: the file can be read all the same."""
    if is_disk_full(engine):
        file = engine.url.database
        said, zh = f"the disk of {file} is full: nothing can be written", f"{file} 所在的磁盘已满，写不进去"
        yield fail("database", said, "free the disk; until then scans go into the spool", "请清理磁盘", zh=zh)


def of_durability(engine: Engine) -> Iterator[Finding]:
    """Yield whether what is committed survives a power cut."""
    with engine.connect() as connection:
        faults = [
            (f"{name} is {value}: set it to {right}", f"{name} 现在是 {value}，请改为 {right}")
            for name, value, right in weak_settings(connection)
        ]
        if engine.dialect.name == "sqlite":
            journal = connection.execute(text("PRAGMA journal_mode")).scalar()
            if journal != "wal":
                said = f"the file's journal is {journal}, not WAL: start a server once, which changes it"
                faults.append((said, f"文件的日志模式是 {journal}，不是 WAL；启动一次服务就会改好"))
    for said, zh in faults:
        advice = "scans that were acknowledged may be lost in a power cut"
        yield fail("durability", said, advice, "断电时可能丢失已确认的扫码", zh=zh)
    if not faults:
        yield ok("durability", "what is committed survives a power cut", zh="已提交的数据断电也不会丢")


def of_clock(ahead: float) -> Finding:
    """Return how the database's clock, by which leases run, compares with ours."""
    said, zh = f"{round(ahead):+} s against this machine's", f"与本机相差 {round(ahead):+} 秒"
    if abs(ahead) <= _SKEW_SECONDS:
        return ok("database clock", said, zh=zh)
    advice = "let both machines take their time from NTP"
    return warn("database clock", said, advice, "请为两台机器启用 NTP 对时", zh=zh)


def of_workers(vitals: Vitals) -> Iterator[Finding]:
    """Yield whether jobs are done, and whether some need a person."""
    if vitals.has_worker:
        yield ok("worker", f"seen {vitals.worker_age} s ago", zh=f"{vitals.worker_age} 秒前还在运行")
    else:
        seen = "never" if vitals.worker_age is None else f"last seen {vitals.worker_age} s ago"
        yield warn(
            "worker",
            f"none is at work ({seen}): late results are not sent, lost handlers not run again",
            "start `wxbot worker`; `wxbot serve` brings one along",
            "请启动 wxbot worker（wxbot serve 会自带一个）",
            zh="没有 worker 在运行：迟到的回复发不出去，中断的处理不会重做",
        )
    aside = {state: vitals.jobs[state] for state in ("dead", "unknown") if vitals.jobs[state]}
    if aside:
        said = ", ".join(f"{count} {state}" for state, count in aside.items())
        advice = "see `wxbot jobs list`, then `wxbot jobs replay`"
        zh = "，".join(f"{count} 个{_ASIDE_ZH[state]}" for state, count in aside.items())
        yield warn("jobs", f"put aside: {said}", advice, "有任务需要处理：查明原因后重新执行", zh=zh)
    if vitals.late and vitals.has_worker:
        yield _of_late(vitals.late)
    elif not aside:
        waiting = vitals.jobs["waiting"]
        zh = f"{waiting} 个等待执行，没有失败的"
        yield ok("jobs", f"{waiting} wait, none was put aside", zh=zh)


def _of_late(late: Mapping[str, int]) -> Finding:
    names = sorted(late, key=lambda name: (-late[name], name))[:_MOST_NAMES]
    count = sum(late.values())
    return warn(
        "waiting jobs",
        f"{count} should have begun minutes ago ({', '.join(names)})",
        "is their plugin loaded in the worker, with the same WXBOT_CONFIG? If so, start more workers",
        "请确认 worker 装了这些任务的插件，WXBOT_CONFIG 也和服务一致；都没问题就再开几个 worker",
        zh=f"{count} 个任务过了几分钟还没有开始（{'、'.join(names)}）",
    )


def of_processes(
    configured: "Settings", engine: Engine, vitals: Vitals, *, connections: int
) -> Iterator[Finding]:
    """Yield whether the database and the queue suit the number of processes and machines.

    `connections` is how many one process opens at most.
    """
    check, machines = "processes", len(vitals.hosts)
    processes = int(os.environ.get("WEB_CONCURRENCY") or 2)
    if machines > 1 and engine.dialect.name == "sqlite":
        yield fail(
            check,
            f"{machines} machines share one SQLite file ({', '.join(sorted(vitals.hosts))})",
            "SQLite cannot lock over a network; move to PostgreSQL or MySQL with [database] url",
            "SQLite 文件不能由多台机器共享，请改用 PostgreSQL 或 MySQL",
            zh=f"{machines} 台机器共用一个 SQLite 文件（{'、'.join(sorted(vitals.hosts))}）",
        )
    elif machines > 1 and configured.jobs.backend == "sqlite":
        yield warn(
            check,
            f"{machines} machines, and jobs travel through a file on one of them",
            'set [jobs] backend = "redis": jobs of the others wait for the sweep of a worker',
            '请设置 [jobs] backend = "redis"，否则其他机器的任务要等 worker 巡查',
            zh=f"有 {machines} 台机器，任务队列却是其中一台上的文件",
        )
    elif engine.dialect.name == "sqlite" and processes > _MOST_ON_SQLITE:
        advice = "SQLite lets one write at a time; use fewer processes, or PostgreSQL"
        advice_zh = "SQLite 同时只能有一个写入，请减少进程，或改用 PostgreSQL"
        said, zh = (
            f"WEB_CONCURRENCY is {processes}, and the database is SQLite",
            f"SQLite 上开了 {processes} 个进程",
        )
        yield warn(check, said, advice, advice_zh, zh=zh)
    else:
        yield _of_connections(engine, processes, connections)


def _of_connections(engine: Engine, processes: int, connections: int) -> Finding:
    limit_query = _CONNECTION_LIMITS.get(engine.dialect.name)
    if limit_query is None:
        return ok(
            "processes", f"{processes} on this machine's file", zh=f"{processes} 个，共用本机的数据库文件"
        )
    with engine.connect() as connection:
        limit = int(connection.execute(text(limit_query)).scalar() or 0)
    needed = (processes + 1) * connections
    if needed <= limit:
        said = f"at most {needed} connections from this machine, the server allows {limit}"
        return ok("processes", said, zh=f"本机最多用 {needed} 个连接，数据库允许 {limit} 个")
    return warn(
        "processes",
        f"{processes} servers and a worker may need {needed} connections, the server allows {limit}",
        "raise max_connections, or lower [handlers] threads or WEB_CONCURRENCY",
        "请调大 max_connections，或减小 [handlers] threads 或 WEB_CONCURRENCY",
        zh=f"{processes} 个服务进程加 worker 可能需要 {needed} 个连接，数据库只允许 {limit} 个",
    )
