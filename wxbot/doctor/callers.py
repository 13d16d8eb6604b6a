"""Whether the second lock of callbacks, the list of WeChat's addresses, holds or keeps WeChat itself out."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from sqlalchemy import Engine, select

from wxbot.clock import DAY_SECONDS
from wxbot.db.models import callers
from wxbot.doctor.finding import Finding, ok, warn

if TYPE_CHECKING:
    from wxbot.settings import Settings

# It is asked for once a day: two days without an answer are more than bad luck.
_OLD_DAYS = 2


def of_callers(configured: "Settings", engine: Engine, *, now: float) -> Iterator[Finding]:
    """Yield what `callback.check_address` does; `now` is in seconds since 1970."""
    if not configured.callback.check_address:
        said = "from any address: [callback] check_address is off, the signature alone decides"
        yield ok("callers", said, zh="不限制来源地址（[callback] check_address 未开启），只看签名")
        return
    if configured.server.public_url.startswith("https://") and not configured.server.proxies:
        yield warn(
            "callers",
            "[callback] check_address is on and [server] proxies is 0, but something before wxbot speaks TLS",
            "set [server] proxies to how many proxies there are, 1 for nginx: now every callback seems to "
            "come from the proxy, and is refused",
            "请把 [server] proxies 设为反向代理的层数（只有 nginx 就填 1），否则回调都会因来源是代理而被拒绝",
            zh="开启了 [callback] check_address，但 [server] proxies 是 0，而 HTTPS 是由前面的代理处理的",
        )
    fetched = _fetched(engine)
    for name, account in configured.accounts.items():
        has_secret = bool(account.secret.get_secret_value())
        yield _of_list(f"{name}: callers", fetched.get(name), has_secret=has_secret, now=now)


def _of_list(check: str, fetched_at: int | None, *, has_secret: bool, now: float) -> Finding:
    if fetched_at is None and not has_secret:
        advice, advice_zh = (
            "set the account's secret: WeChat is asked with it",
            "请配置该账号的 secret，取名单要用",
        )
        said = "from any address: without the AppSecret there is no list of WeChat's addresses"
        return warn(check, said, advice, advice_zh, zh="没有 AppSecret，取不到微信的地址名单，目前不限制来源")
    if fetched_at is None:
        advice, advice_zh = (
            "is a worker running, and does WeChat answer it?",
            "请确认 worker 在运行，且能访问微信",
        )
        said = "from any address: the list of WeChat's addresses has not come yet"
        return warn(check, said, advice, advice_zh, zh="还没有取到微信的地址名单，目前不限制来源")
    days = int((now - fetched_at) / DAY_SECONDS)
    if days >= _OLD_DAYS:
        advice = "is a worker running, and does WeChat answer it? Its addresses change"
        advice_zh = "请确认 worker 在运行，且能访问微信；微信的地址会变"
        said = f"the list of WeChat's addresses is {days} days old"
        return warn(check, said, advice, advice_zh, zh=f"微信的地址名单是 {days} 天前的")
    return ok(check, "from WeChat's own addresses only", zh="只接受来自微信地址的回调")


def _fetched(engine: Engine) -> Mapping[str, int]:
    """Return when the list of each account was fetched."""
    with engine.connect() as connection:
        rows = connection.execute(select(callers.c.account, callers.c.fetched_at)).all()
    return {account: int(fetched_at) for account, fetched_at in rows}
