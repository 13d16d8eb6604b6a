"""What can be seen from the settings and on this machine."""

import base64
import ipaddress
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wxbot.doctor.finding import Finding, fail, ok, warn
from wxbot.errors import ConfigurationError, WxbotError
from wxbot.events.spool import Spool

if TYPE_CHECKING:
    from wxbot.settings import AccountSettings, Settings

_MEND, _MEND_ZH = "mend the file and line that it names", "请修改它指出的文件和行"


def of_settings(configured: "Settings", skipped_handlers: Callable[[], Sequence[str]]) -> Iterator[Finding]:
    """Yield what the settings and the handlers are like; faults have stopped the doctor before."""
    yield _of_file(Path(os.environ.get("WXBOT_CONFIG") or "config.toml"))
    try:
        skipped = skipped_handlers()
    except ConfigurationError as error:
        yield fail("handlers", "; ".join(error.faults), _MEND, _MEND_ZH)
    else:
        if skipped:
            text = "; ".join(" ".join(fault.split()) for fault in skipped)
            yield warn("handlers", f"left out: {text}", _MEND, _MEND_ZH, zh=f"有的没有加载：{text}")
        else:
            yield ok("handlers", "all loaded", zh="全部加载成功")
    yield _of_address(configured.server.public_url)
    for name, account in configured.accounts.items():
        yield from _of_account(name, account)


def of_proxy(proxies: int, *, peer: str, forwarded: str) -> Iterator[Finding]:
    """Yield what a request that came through a proxy tells of a bot that was not told of any."""
    try:
        is_inside = not ipaddress.ip_address(peer.partition("%")[0]).is_global
    except ValueError:
        is_inside = True  # a Unix socket
    if forwarded and is_inside and not proxies:
        yield warn(
            "proxy",
            "this page came through a proxy, and [server] proxies is 0",
            "set it to 1, or to how many there are: guesses at passwords are counted by address, and now "
            "somebody who guesses keeps everybody else out",
            "请改为 1（有几层就填几）：密码试错按来源地址计数，现在大家的地址都一样，"
            "有人乱试，所有人都登录不了",
            zh="页面经过了反向代理，而 [server] proxies 是 0",
        )


def of_spool(configured: "Settings") -> Iterator[Finding]:
    """Yield whether events can be kept while the database is away, and whether any wait."""
    spool = Spool(Path(configured.spool.path))
    try:
        spool.look()
        files, size = spool.size()
    except (WxbotError, OSError) as error:
        yield fail(
            "spool",
            str(error),
            "name a folder in [spool] path that this user may write; without it scans are lost in an outage",
            "请把 [spool] path 设为本用户可写的目录，否则数据库故障时的扫码会丢失",
            zh=f"{configured.spool.path} 无法使用",
        )
        return
    if spool.folder.exists() and not spool.reserve.helps():
        yield fail(
            "spool",
            f"the disk of {configured.spool.path} is full",
            "free the disk: what comes while the database is away is answered by 503, and lost",
            "请清理磁盘：否则数据库故障时的扫码只能返回 503，会丢失",
            zh=f"{configured.spool.path} 所在的磁盘已满",
        )
    elif files:
        yield warn(
            "spool",
            f"{size} bytes of events wait for the database",
            "they are brought in once the database answers; if it does, look into the log of the servers",
            "数据库恢复后会自动导入；如果数据库正常，请查看服务日志",
            zh=f"有 {size} 字节的事件等待写入数据库",
        )
    elif spool.folder.exists():
        path = configured.spool.path
        yield ok("spool", f"{path} can be written, nothing waits", zh=f"{path} 可以写入，没有积压")
    else:
        path = configured.spool.path
        yield ok("spool", f"{path} will be made at the first start", zh=f"{path} 首次启动时自动创建")


def of_queue(configured: "Settings") -> Iterator[Finding]:
    """Yield whether Redis does what it is asked, where it carries the jobs."""
    if configured.jobs.backend != "redis":
        return
    # Huey imports every client of a server that is installed.
    from wxbot.jobs.engine import ask_redis  # noqa: PLC0415

    url = configured.redis.url.get_secret_value()
    try:
        ask_redis(url)
    except ConfigurationError as error:
        advice, advice_zh = "the bot does not start until that is done", "改好之前机器人无法启动"
        yield fail("Redis", str(error), advice, advice_zh)
    except Exception as error:  # the client's own, and the system's
        yield warn(
            "Redis",
            f"{_place(url)} cannot be used: {_kind(error)}",
            "jobs are late without it, none is lost; start it, or mend [redis] url: address, password, "
            "rediss:// if it wants TLS",
            "Redis 不可用时任务会变慢，但不会丢；请启动它，或改正 [redis] url：地址、密码，要求 TLS 的写 rediss://",
            zh=f"{_place(url)} 无法使用：{_kind(error)}",
        )
    else:
        yield ok("Redis", f"{_place(url)} answers", zh=f"{_place(url)} 应答正常")


def _place(url: str) -> str:
    parts = urlsplit(url)
    return parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 6379}"


def _kind(error: Exception) -> str:
    """Return the error's kind and what the system says; Redis' own words may hold what it was sent."""
    cause = error.__cause__ or error.__context__
    said = cause.strerror if isinstance(cause, OSError) else None
    return f"{type(error).__name__} ({said})" if said else type(error).__name__


def _of_file(file: Path) -> Finding:
    if not file.exists():
        return ok("settings", f"valid, without {file}", zh=f"有效，没有用 {file}")
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        return warn(
            "settings",
            f"{file} can be read by other users",
            f"chmod 600 {file}",
            "配置文件含有密钥，请收紧权限",
            zh=f"其他用户也能读取 {file}",
        )
    return ok(
        "settings", f"{file} is valid, and readable by its owner alone", zh=f"{file} 有效，只有所有者可读"
    )


def _of_address(public_url: str) -> Finding:
    name, parts = "public address", urlsplit(public_url)
    if not public_url:
        advice = "set it to the address that WeChat calls"
        advice_zh, zh = "请填写微信访问的网址", "没有设置 [server] public_url"
        return warn(name, "[server] public_url is not set", advice, advice_zh, zh=zh)
    if parts.port not in (None, 80, 443):
        advice = "let a proxy listen on port 443 and hand on to wxbot"
        said = "WeChat calls port 80 (http) and 443 (https) only"
        advice_zh = "请用反向代理监听 443 端口，再转给 wxbot"
        return fail(name, said, advice, advice_zh, zh="微信只支持 80 和 443 端口")
    if parts.scheme != "https":
        advice = "use https: what people write passes by in clear"
        advice_zh, zh = "请改用 https，否则粉丝发的内容会明文传输", f"{public_url} 没有加密"
        return warn(name, f"{public_url} is not encrypted", advice, advice_zh, zh=zh)
    return ok(name, public_url)


def _of_account(name: str, account: "AccountSettings") -> Iterator[Finding]:
    check = f"{name}: secrets"
    secret = account.secret.get_secret_value()
    if not secret:
        advice = "set `secret` to have codes minted and messages sent; without it scans are answered, no more"
        advice_zh = "没有 AppSecret 只能回复扫码，不能生成二维码和发消息"
        yield warn(check, "there is no AppSecret", advice, advice_zh, zh="没有填写 AppSecret")
    elif not re.fullmatch("[0-9a-f]{32}", secret):
        said = "the AppSecret has not the usual 32 digits of 0-9 a-f"
        advice_zh, zh = "请与「基本配置」里的 AppSecret 核对", "AppSecret 不是常见的 32 位 0-9 a-f"
        yield warn(check, said, "compare it with WeChat's page", advice_zh, zh=zh)
    else:
        length = len(account.token.get_secret_value())
        key, key_zh = _key(account)
        yield ok(check, f"token of {length} characters, {key}", zh=f"Token 长 {length} 位，{key_zh}")
    if account.mode == "plain":
        yield warn(
            f"{name}: mode",
            "plain: nothing is encrypted, and a signature does not cover what it comes with",
            'set mode = "safe" and the same on the server configuration page; test accounts know plain only',
            '请在「基本配置 → 服务器配置」选择安全模式，并设置 mode = "safe"；测试号只支持明文',
            zh="明文模式：内容不加密，签名也不保护内容",
        )
    else:
        yield ok(
            f"{name}: mode", account.mode, zh={"safe": "安全模式", "compatible": "兼容模式"}[account.mode]
        )


def _key(account: "AccountSettings") -> tuple[str, str]:
    """Return what there is to say about the AES key, in English and Chinese."""
    key = account.aes_key.get_secret_value()
    if not key:
        return "no AES key", "没有 AES key"
    length = len(base64.b64decode(f"{key}="))
    return f"AES key of {length} bytes", f"AES key 长 {length} 字节"
