"""What WeChat says about the accounts, and what the time is there."""

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from wxbot.clock import DAY_SECONDS
from wxbot.doctor.finding import Finding, fail, ok, warn
from wxbot.doctor.vitals import read_vitals
from wxbot.wechat.api import ApiClient
from wxbot.wechat.errcodes import ApiError, NotAllowedError
from wxbot.wechat.their_clock import NoTimeError, seconds_ahead

if TYPE_CHECKING:
    from wxbot.settings import Settings

_SKEW_SECONDS = 5
_WRONG_SECONDS = 60
_SCARCE = 0.1
# Paths whose use this day can be asked for, with what the bot cannot do without them.
_NEEDED = {"qrcode/create": "mint codes", "message/custom/send": "send messages"}
_ZH = {
    40001: "请核对 AppSecret，并确认没有其他程序用旧接口获取同一账号的 access_token",
    40013: "AppID 不正确，请在「基本配置」核对",
    40125: "AppSecret 不正确，请在「基本配置」核对或重置",
    40164: "请在「基本配置 → IP 白名单」加入该地址，约十分钟后生效",
    40201: "请在「基本配置 → 服务器配置」填写回调地址",
    40202: "微信访问不到回调地址，请检查域名、端口和防火墙",
    40203: "微信访问不到回调地址，请检查域名、端口和防火墙",
    40243: "AppSecret 已被冻结，请在公众平台解冻",
    45009: "今日接口调用次数已用完，次日零点恢复",
    48001: "该账号没有此接口权限；带参数二维码需要已认证的服务号",
    48004: "该账号的此接口已被封禁，请查看公众平台通知",
    50004: "该账号被禁止获取 access_token，请查看公众平台通知",
    50007: "该账号已被冻结，请查看公众平台通知",
    89503: "需要管理员在公众平台确认本次调用",
    89506: "管理员拒绝了本次调用，24 小时后再试",
    89507: "管理员拒绝了本次调用，1 小时后再试",
}


def of_clocks(configured: "Settings") -> Iterator[Finding]:
    """Yield how this machine's clock compares with WeChat's; callbacks outside of a window are refused."""
    for base in dict.fromkeys(account.api_base for account in configured.accounts.values()):
        yield _of_clock(base, configured.callback.timestamp_window_seconds)


def of_accounts(clients: Mapping[str, ApiClient], engine: Engine) -> Iterator[Finding]:
    """Yield what WeChat says about each account that has a secret."""
    for name, client in clients.items():
        if client.account.secret:
            yield from _of_account(name, client, engine)


def _of_clock(base: str, window: int) -> Finding:
    check = "clock"
    try:
        ahead = seconds_ahead(base)
    except NoTimeError as error:
        advice = "may this machine reach WeChat, directly and without a proxy?"
        advice_zh, zh = "请确认本机可以直接访问微信接口（不经代理）", f"没有从 {base} 取到时间"
        return fail(check, f"{base} does not tell the time: {error}", advice, advice_zh, zh=zh)
    said, zh = f"{round(ahead):+} s against {base}", f"与 {base} 相差 {round(ahead):+} 秒"
    advice = f"let this machine take its time from NTP; callbacks beyond {window} s are refused"
    if abs(ahead) > min(_WRONG_SECONDS, window):
        return fail(check, said, advice, "请启用 NTP 对时，否则回调会被拒绝", zh=zh)
    if abs(ahead) > _SKEW_SECONDS:
        return warn(check, said, advice, "请启用 NTP 对时", zh=zh)
    return ok(check, said, zh=zh)


def _of_account(name: str, client: ApiClient, engine: Engine) -> Iterator[Finding]:
    check = f"{name}: access token"
    try:
        client.callback_ips()
    except ApiError as error:
        yield _refused(check, error)
        return
    yield ok(check, "WeChat accepts it, and this machine's address", zh="微信已接受，本机地址也在白名单内")
    yield _of_other_consumers(f"{name}: token's users", name, client, engine)
    yield _of_callback(f"{name}: callback", client)
    for path, purpose in _NEEDED.items():
        yield _of_permission(f"{name}: {path}", client, path, purpose)
    yield _of_tags(f"{name}: tags", client)


def _of_other_consumers(check: str, name: str, client: ApiClient, engine: Engine) -> Finding:
    token = read_vitals(engine).tokens.get(name)
    ago = time.time() - token.renewed_at if token is not None else DAY_SECONDS
    if ago >= DAY_SECONDS:
        kind = client.account.token_kind
        return ok(check, f"no sign of another program ({kind} tokens)", zh=f"没有发现其他程序（{kind}）")
    said = f"WeChat refused a token before its end {ago / 60:.0f} min ago: another program ends ours"
    zh = f"{ago / 60:.0f} 分钟前，有 access token 未到期就失效：有其他程序在换它"
    if client.account.token_kind == "classic":
        advice = 'set token_kind = "stable": classic tokens are ended by whoever else fetches one'
        advice_zh = '其他程序也在获取旧版 access_token，请改用 token_kind = "stable"'
        return warn(check, said, advice, advice_zh, zh=zh)
    advice = "find the program that asks stable_token with force_refresh, or resets the AppSecret"
    return warn(check, said, advice, "其他程序在强制刷新 stable_token（force_refresh），请停用", zh=zh)


def _of_callback(check: str, client: ApiClient) -> Finding:
    try:
        told = client.check_callback()
    except ApiError as error:
        return _refused(check, error)
    found = [each for each in told.get("ping") or () if isinstance(each, dict)]
    reached = [each for each in found if str(each.get("package_loss", "")) != "100%"]
    if not told.get("dns"):
        advice = "is the name in the server configuration right, and known to the public DNS?"
        advice_zh, zh = "请检查服务器配置里的域名和它的公网解析", "微信解析不到回调域名"
        return fail(check, "WeChat cannot resolve its name", advice, advice_zh, zh=zh)
    if not reached:
        advice = (
            "is the server up, and does the firewall let WeChat in? `wxbot simulate verify --url` tries it"
        )
        return fail(check, "WeChat cannot reach it", advice, _ZH[40202], zh="微信访问不到")
    took = reached[0].get("time", "time")
    return ok(check, f"WeChat reaches it in {took}", zh=f"微信可以访问，用时 {took}")


def _of_permission(check: str, client: ApiClient, path: str, purpose: str) -> Finding:
    try:
        quota = client.quota(path)
    except NotAllowedError as error:
        return fail(
            check, f"the account may not {purpose}: {error.advice}", "", _ZH.get(error.errcode or 0, "")
        )
    except ApiError as error:
        return warn(check, str(error), error.advice, _ZH.get(error.errcode or 0, ""))
    if not quota.daily_limit:
        said, advice = f"the account may not {purpose}", "verify the account, or do without"
        return fail(check, said, advice, _ZH[48001], zh="该账号没有此权限")
    zh = f"今天还剩 {quota.remain} 次，共 {quota.daily_limit} 次"
    said = f"{quota.remain} of {quota.daily_limit} calls of today are left"
    if quota.remain < quota.daily_limit * _SCARCE:
        advice = "WeChat refuses calls beyond that until midnight in China"
        return warn(check, said, advice, "用完后要等次日零点恢复，请节省调用", zh=zh)
    return ok(check, said, zh=zh)


def _of_tags(check: str, client: ApiClient) -> Finding:
    try:
        used = len(client.tags())
        return ok(check, f"{used} in use, of 100", zh=f"已用 {used} 个，上限 100 个")
    except ApiError as error:
        advice = "handlers that tag people will fail"
        return warn(check, str(error), advice, _ZH.get(error.errcode or 0, ""))


def _refused(check: str, error: ApiError) -> Finding:
    return fail(check, str(error), "", _ZH.get(error.errcode or 0, ""))
