"""Whether the deployer's site is told what happens, as it asked for."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from wxbot.doctor.finding import Finding, fail, ok, warn
from wxbot.webhooks.addresses import Rules
from wxbot.webhooks.store import Webhooks

if TYPE_CHECKING:
    from wxbot.settings import Settings


def of_webhooks(configured: "Settings", engine: Engine, keys: Sequence[str]) -> Iterator[Finding]:
    """Yield which webhooks are told nothing, or could not sign; nothing when there are none."""
    webhooks = Webhooks(engine, keys=keys, rules=Rules())
    found = webhooks.all()
    for each in found:
        if not each.is_active:
            said = f"{each.id} is disabled: {each.disabled_because}"
            advice = f"`wxbot webhooks enable {each.id}`, then `wxbot webhooks resend {each.id} --dead`"
            zh = f"{each.id} 已停用"
            yield warn("webhooks", said, advice, "这个 webhook 已停用，修好网站后请重新启用并重发", zh=zh)
        elif not webhooks.keys_of(each.id):
            said = f"{each.id} cannot sign: its secret was sealed with another secret_key"
            advice = f"put the former key into secret_key_fallbacks, or `wxbot webhooks rotate {each.id}`"
            zh = f"{each.id} 无法签名：它的密钥是用另一个 secret_key 加密的"
            advice_zh = "请把旧的 secret_key 放进 secret_key_fallbacks，或更换密钥"
            yield fail("webhooks", said, advice, advice_zh, zh=zh)
    if configured.webhooks.allow_private:
        said = "[webhooks] allow_private lets them reach this server's own network"
        yield warn(
            "webhooks",
            said,
            "take it out, unless this is for development",
            "仅用于开发，正式环境请关闭",
            zh="[webhooks] allow_private 允许 webhook 访问本服务器的内网",
        )
    elif found and all(each.is_active and webhooks.keys_of(each.id) for each in found):
        yield ok("webhooks", f"{len(found)}, all are told", zh=f"共 {len(found)} 个，都在正常推送")
