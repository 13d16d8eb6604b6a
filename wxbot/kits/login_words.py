"""Every word on the login page, in Chinese and in English; {0} is filled by the page."""

from wxbot.web.language import Words

WORDS: Words = {
    "title": ("微信扫码登录", "Log in with WeChat"),
    "heading": ("登录{0}", "Log in to {0}"),
    "image_of": ("登录用的二维码", "The QR code to log in with"),
    "loading": ("正在生成二维码…", "The code is being made…"),
    "scan_hint": ("请用微信扫一扫", "Scan it with WeChat"),
    "seconds_left": ("{0} 秒后失效", "good for {0} more seconds"),
    "refresh": ("换一个二维码", "New code"),
    "scanned": ("已扫码，还差一步", "Scanned; one more step"),
    "type_number": (
        "请在微信里，把这个数字回复给公众号：",
        "In WeChat, send this number to the account that asked you:",
    ),
    "careful": (
        "别人发来的登录二维码不要扫。",
        "Do not scan a login code that somebody has sent you.",
    ),
    "careful_number": (
        "数字不要告诉任何人，客服也不会问您要。",
        "Tell nobody the number; no staff will ask for it.",
    ),
    "confirmed": ("已确认，正在进入…", "Confirmed; one moment…"),
    "expired": ("二维码已经失效", "This code has expired"),
    "cancelled": ("这次登录已取消", "This login was called off"),
    "lost": (
        "登录页在别处又打开了，或者放得太久。请从网站重新进入。",
        "The login page was opened elsewhere, or is too old. Please start again from the site.",
    ),
    "failed": ("暂时取不到二维码", "The code cannot be had at the moment"),
    "failed_why": ("请过一会儿再试。", "Please try again in a little while."),
    "too_many": ("刷新得太频繁了，请等一分钟。", "Too many codes; please wait a minute."),
    "wrong_address": ("这个登录地址不对", "This is no address to log in at"),
    "wrong_address_why": (
        "为了安全，没有跳转。请回到您要登录的网站，从那里重新进入。",
        "To be safe, nothing was opened. Please start again from the site that you want to log in to.",
    ),
    "script_needed": (
        "登录页需要 JavaScript。请在浏览器里打开它，再刷新这个页面。",
        "This page needs JavaScript. Please switch it on in the browser and reload.",
    ),
}
