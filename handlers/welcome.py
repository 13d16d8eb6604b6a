"""Greets people: new followers, members at the counter, and whoever scans a code that nobody knows."""

from wxbot import Follow, Plugin, Scan

welcome = Plugin("welcome")


@welcome.on_follow
def follow(event: Follow) -> str:
    """Say hello to somebody who found the account without a code."""
    if event.is_returning:
        return "欢迎回来！好久不见。"
    return "欢迎关注！回复“帮助”，看看我能做什么。"


@welcome.scene("vip")
def vip(scan: Scan) -> str:
    """Answer the code on the membership card."""
    if scan.when == "follow":
        return "欢迎加入会员！首次到店，凭本条消息可领一份小礼物。"
    return "会员您好，欢迎再次光临！"


@welcome.fallback
def unknown(scan: Scan) -> str:
    """Answer every code that no handler knows, such as an old print."""
    return "这个二维码已经停用了。有什么需要，直接在这里留言，我们会尽快回复。"
