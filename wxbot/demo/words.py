"""Every word of the shop, in Chinese and in English."""

LANGUAGES = ("zh-CN", "en")

# (Chinese, English); {0} is filled by the page.
WORDS: dict[str, tuple[str, str]] = {
    "shop": ("山间茶铺", "Hillside Tea"),
    "demo": (
        "这是 wxbot 自带的演示商店：它扮演你的网站，只通过 HTTP 接口、页面和 Webhook 和机器人打交道。",
        "This demo shop comes with wxbot. It plays your site, and knows the bot by its HTTP API, pages and "
        "webhooks only.",
    ),
    "switch_language": ("English", "中文"),
    "phone": ("打开手机", "Open the phone"),
    "nav_goods": ("商品", "Goods"),
    "nav_settings": ("我的账号", "My account"),
    "sign_in": ("登录", "Sign in"),
    "sign_out": ("退出", "Sign out"),
    "title_goods": ("今天喝点什么？", "What will it be today?"),
    "buy": ("下单", "Order"),
    "journeys": ("三件可以试的事", "Three things to try"),
    "journey_order": ("订单绑定微信", "Bind an order"),
    "journey_order_text": (
        "下一单，用手机扫订单页上的码，订单详情就发到微信里。",
        "Order something and scan the code on its page: the details arrive in WeChat.",
    ),
    "journey_link": ("账号绑定微信", "Link an account"),
    "journey_link_text": (
        "用演示账号登录，在「我的账号」里扫码，手机上确认后绑定。",
        "Sign in with the demo account, scan the code under “My account” and confirm on the phone.",
    ),
    "journey_login": ("扫码登录", "Sign in by scanning"),
    "journey_login_text": (
        "退出后选「微信扫码登录」，在手机上确认，网页就登录了。",
        "Sign out, choose “Sign in with WeChat” and confirm on the phone.",
    ),
    "go": ("去试试", "Try it"),
    # an order
    "title_order": ("订单 {0}", "Order {0}"),
    "order_total": ("合计", "Total"),
    "state_unpaid": ("待付款", "Unpaid"),
    "state_paid": ("已付款", "Paid"),
    "state_cancelled": ("已取消", "Cancelled"),
    "code_waiting": ("微信扫码，把订单带走", "Scan to keep this order in WeChat"),
    "code_waiting_text": (
        "扫一扫，关注公众号，订单详情和发货通知都会发到你的微信。",
        "Scan and follow the account: the details and news of this order come to your WeChat.",
    ),
    "code_left": ("{0} 后失效", "Valid for {0}"),
    "code_alt": ("订单 {0} 的二维码", "QR code of order {0}"),
    "scan_with_phone": ("用模拟手机扫这个码", "Scan with the emulated phone"),
    "order_bound": ("已绑定到微信", "Bound to a WeChat"),
    "order_bound_text": (
        "订单详情已经发到扫码的微信里了。这个码别人再扫，已经没有用了。",
        "The details were sent to the WeChat that scanned. To anybody else the code is worth nothing now.",
    ),
    "order_paid_text": (
        "付款成功，谢谢惠顾。通知会发到绑定的微信。",
        "Paid, thank you. The WeChat that is bound is being told.",
    ),
    "paid_message": (
        "订单 {0} 付款成功，我们会尽快发货。",
        "Order {0} is paid. It will be on its way soon.",
    ),
    "pay": ("付款 {0}", "Pay {0}"),
    "release": ("解除绑定", "Unbind"),
    "code_expired": ("二维码已失效", "The code has expired"),
    "code_expired_text": (
        "失效的码扫了也不会绑定。换一个新的就好。",
        "It binds nothing any more. Get a new one.",
    ),
    "new_code": ("换一个二维码", "New code"),
    "order_released": ("已解除绑定", "Unbound"),
    "order_released_text": (
        "这个订单不再属于那个微信，可以重新扫码绑定。",
        "The order no longer belongs to that WeChat. It can be bound again.",
    ),
    "order_cancelled": ("订单已取消", "The order is cancelled"),
    "order_cancelled_text": ("之前的二维码也一起作废了。", "Its code has gone with it."),
    "cancel_order": ("取消订单", "Cancel the order"),
    "short_code": ("只给 1 分钟（试试过期）", "For one minute only (to see it expire)"),
    # account
    "title_settings": ("我的账号", "My account"),
    "signed_in_as": ("你好，{0}", "Hello, {0}"),
    "link_none": ("还没有绑定微信", "No WeChat is linked"),
    "link_none_text": (
        "绑定以后，可以用微信扫码登录，也能在微信里收到订单通知。",
        "With a WeChat linked you can sign in by scanning, and hear of your orders there.",
    ),
    "link": ("绑定微信", "Link a WeChat"),
    "link_code": ("微信扫码", "Scan with WeChat"),
    "link_code_text": (
        "扫码后还要在手机上确认，才会绑定。",
        "Nothing is linked before you have confirmed it on the phone.",
    ),
    "link_claimed": ("已扫码，请在手机上确认", "Scanned. Confirm it on the phone"),
    "link_claimed_text": (
        "按微信消息里的提示，回复那个数字。不回复就不会绑定。",
        "The message in WeChat asks for a number. Without it nothing is linked.",
    ),
    "link_ended": ("这次没有绑定", "Nothing was linked"),
    "link_ended_text": (
        "二维码失效了，或者在手机上取消了。可以再来一次。",
        "The code has expired, or it was cancelled on the phone. You can try again.",
    ),
    "link_offered": ("要绑定刚才的微信吗？", "Link the WeChat you come from?"),
    "link_offered_text": (
        "你从微信打开了这个页面。绑定以后，那个微信就是{0}的账号。",
        "You have opened this page in WeChat. Once linked, that WeChat stands for {0}.",
    ),
    "link_refused": ("没有绑定。", "Nothing was linked."),
    "link_refused_text": (
        "这个微信或这个账号已经绑定过了，或者链接已经失效。",
        "This WeChat or this account is linked already, or the link was too old.",
    ),
    "accept": ("绑定", "Link it"),
    "decline": ("不绑定", "No"),
    "linked": ("已绑定微信", "WeChat is linked"),
    "linked_since": ("绑定于 {0}", "Since {0}"),
    "unlink": ("解绑", "Unlink"),
    "cancel": ("取消", "Cancel"),
    "is_guest": (
        "这个账号是扫码登录时自动开的：扫码的微信没有绑定任何账号。想用微信登录小林的账号，先用演示账号登录再绑定。",
        "This account was made when you signed in: that WeChat is linked to none. To sign in as Lin, use the "
        "demo account first and link the WeChat there.",
    ),
    # login
    "title_login": ("登录", "Sign in"),
    "login_wechat": ("微信扫码登录", "Sign in with WeChat"),
    "login_wechat_text": (
        "会打开机器人的登录页。再打开手机页面，扫「二维码」（窄屏是「扫码」）里最上面的那个，按消息里的提示确认，就会回到这里。",
        "Opens the bot’s login page. Its code is the first under “Codes” on the phone page (“Scan” on a "
        "narrow screen); scan it, do what the message asks, and you come back here.",
    ),
    "login_demo": ("用演示账号登录（小林）", "Use the demo account (Lin)"),
    "login_demo_text": (
        "相当于普通的密码登录，省得你记密码。",
        "Stands for an ordinary login with a password.",
    ),
    "login_failed": ("没有登录成功", "You are not signed in"),
    "login_failed_text": (
        "登录失效、被取消，或者不是从这个浏览器开始的。请再试一次。",
        "The login has expired, was cancelled, or was not begun in this browser. Please try again.",
    ),
    "back_login": ("再试一次", "Try again"),
    # trouble
    "missing": ("没有这个页面", "There is no such page"),
    "missing_text": (
        "演示商店的数据只在内存里，重启以后订单就没了。",
        "The shop keeps everything in memory: its orders are gone after a restart.",
    ),
    "not_ready": ("机器人还没准备好", "The bot is not ready yet"),
    "not_ready_text": (
        "稍等几秒，页面会自己刷新。如果一直这样，看看终端里的报错。",
        "It takes a few seconds; this page reloads by itself. If it stays, look at the terminal.",
    ),
    "bot_refused": ("机器人没有答应", "The bot refused"),
    "bot_refused_text": (
        "接口返回 {0}。看看下面的「幕后」。",
        "The API answered {0}. Look behind the scenes below.",
    ),
    "home": ("回到首页", "Back to the goods"),
    # behind the scenes
    "behind": ("幕后：商店和机器人之间", "Behind the scenes: shop and bot"),
    "behind_text": (
        "商店对接口的调用，和机器人推来的 Webhook，最新的在上面。",
        "The shop’s calls of the API and the webhooks that came from the bot, the newest first.",
    ),
    "behind_nothing": ("还什么都没有发生。", "Nothing has happened yet."),
}


def words_for(language: str) -> dict[str, str]:
    """Return all words in one of the languages."""
    column = LANGUAGES.index(language)
    return {key: pair[column] for key, pair in WORDS.items()}
