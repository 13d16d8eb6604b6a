"""One rule for any number of posters: `poster:1`, `poster:2`, … each knows its own number."""

from wxbot import Plugin, Scan

poster = Plugin("poster", prefix="poster:")


@poster.scene("<int:number>")
def seen(scan: Scan, number: int) -> str:
    """Answer the poster with this number."""
    greeting = "谢谢关注！" if scan.when == "follow" else "又见面了！"
    return f"{greeting}您扫的是 {number} 号海报，向店员出示本条消息，享九折优惠。"
