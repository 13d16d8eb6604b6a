"""Every word on the pages that show a code, in Chinese and in English."""

from collections.abc import Mapping

from wxbot.web.language import Words

_COMMON: Words = {
    "scan": ("用微信扫一扫", "Scan with WeChat"),
    "minutes": ("二维码 {0} 分钟内有效", "The code is good for {0} more minutes"),
    "image_of": ("二维码", "QR code"),
    "ended": ("二维码已失效", "This code is no longer good"),
    "ended_why": (
        "请回到网站，重新打开二维码。",
        "Please go back to the site and ask for a new one.",
    ),
    "missing": ("没有这个页面", "There is no such page"),
    "missing_why": (
        "网址不完整，或者已经过期。请回到网站，重新打开二维码。",
        "The address is incomplete or too old. Please go back to the site and ask for a new code.",
    ),
    "no_code": ("暂时取不到二维码", "The code cannot be had at the moment"),
    "no_code_why": ("请过一会儿再试。", "Please try again in a little while."),
    "go_on": ("返回网站", "Back to the site"),
    "about": ("内容", "About"),
    "amount": ("金额", "Amount"),
    "account": ("账号", "Account"),
}

WORDS: Mapping[str, Words] = {
    "order": {
        **_COMMON,
        "title": ("绑定订单", "Your order in WeChat"),
        "open": ("扫码绑定订单 {0}", "Scan to bind order {0}"),
        "open_why": (
            "扫码后关注公众号，就能在微信里看到这笔订单。",
            "Scan the code and follow the account to see this order in WeChat.",
        ),
        "done": ("订单 {0} 已绑定", "Order {0} is bound"),
        "done_why": ("订单已经发到扫码的微信里。", "The order has been sent to the WeChat that scanned."),
        "pay": ("去付款", "Pay now"),
    },
    "link": {
        **_COMMON,
        "title": ("绑定微信", "Link WeChat"),
        "open": ("扫码绑定微信", "Scan to link your WeChat"),
        "open_why": (
            "用您自己的微信扫码，再按提示在微信里确认。",
            "Scan with your own WeChat and confirm there as it says.",
        ),
        "waiting": ("已扫码，等待确认", "Scanned; waiting for you to confirm"),
        "waiting_why": (
            "请在微信里按提示确认。如果不是您本人扫的码，请马上告诉网站。",
            "Please confirm in WeChat as it says. If it was not you who scanned, tell the site at once.",
        ),
        "typing": ("请输入微信里的数字", "Type the number from WeChat"),
        "typing_why": (
            "微信里刚收到的回复中有一个六位数字。没有收到，说明扫码的不是您的微信：关掉这个页面，就不会绑定。",
            "The reply you have just got in WeChat has a number of six digits. If you got none, it was not "
            "your WeChat that scanned: close this page, and nothing is linked.",
        ),
        "number": ("六位数字", "Six digits"),
        "confirm": ("确认绑定", "Link"),
        "wrong": ("数字不对，请核对后再输入。", "This is not the number; please look again."),
        "taken": (
            "这个微信或者这个账号已经有别的绑定了，请先解除。",
            "This WeChat or this account is linked already; please unlink first.",
        ),
        "done": ("微信已绑定", "WeChat is linked"),
        "done_why": ("现在可以回到网站了。", "You can go back to the site now."),
        "failed": ("暂时连不上微信", "WeChat cannot be reached"),
        "failed_why": ("请过一会儿再试。", "Please try again in a little while."),
        "no_way": ("这里不能绑定", "Linking cannot begin here"),
        "no_way_why": (
            "请打开网站的账号设置，用微信扫一扫上面的二维码。",
            "Please open the account settings of the site and scan the code there.",
        ),
        "not_yours": ("请从头再来", "Please start again"),
        "not_yours_why": (
            "这个网址不是从您这里打开的，或者已经过期。请回到公众号，回复「绑定」，再点里面的链接。",
            "This address was not opened from here, or is too old. Please send 绑定 to the account and tap "
            "the link in its reply.",
        ),
        "refused": ("没有获得授权", "You did not agree"),
        "refused_why": (
            "没有您的同意，就不会绑定。想继续的话，请再试一次。",
            "Nothing is linked without your consent. To go on, please try again.",
        ),
        "too_late": ("链接已失效", "This link is too old"),
        "too_late_why": ("每个链接只能用一次。请再试一次。", "A link is good for one use. Please try again."),
        "snapshot": ("请先使用完整服务", "Please choose the full service first"),
        "snapshot_why": (
            "您打开的是网页快照，微信没有告诉我们您是谁，所以不能绑定。请点页面下方的「使用完整服务」，再打开一次。",
            "What you see is WeChat’s snapshot of the page, which does not tell us who you are, so nothing "
            "can be linked. Please tap 使用完整服务 at the bottom of the page and open it again.",
        ),
    },
}
