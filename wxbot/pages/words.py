"""Every word on the page of a code, in Chinese and in English."""

from wxbot.web.language import Words

WORDS: Words = {
    "title": ("二维码", "QR code"),
    "image_of": ("场景 {0} 的二维码", "QR code of the scene {0}"),
    "scan_hint": ("用微信扫一扫", "Scan with WeChat"),
    "scene": ("场景值", "Scene"),
    "account": ("公众号", "Account"),
    "kind": ("类型", "Kind"),
    "temporary number": ("临时，整数", "temporary, number"),
    "temporary text": ("临时，字符串", "temporary, text"),
    "permanent number": ("永久，整数", "permanent, number"),
    "permanent text": ("永久，字符串", "permanent, text"),
    "valid_until": ("有效期至", "Valid until"),
    "for_ever": ("永久有效", "for ever"),
    "answered_by": ("由谁回复", "Answered by"),
    "nobody": (
        "还没有处理函数认领这个场景值，扫码的人会收到默认回复",
        "no handler yet: who scans gets the fallback",
    ),
    "content": ("码的内容", "Content"),
    "save_png": ("保存 PNG", "Save PNG"),
    "save_svg": ("保存 SVG", "Save SVG"),
    "sign_in": ("请先登录", "Sign in first"),
    "sign_in_why": (
        "生成二维码会占用公众号的额度，所以需要 API 密钥。用 wxbot api-key create 可以新建一个。",
        "Minting uses the account’s quota, so it needs an API key. wxbot api-key create makes one.",
    ),
    "user_login": ("用后台账号登录", "Log in as a user of the dashboard"),
    "key": ("API 密钥", "API key"),
    "continue": ("继续", "Continue"),
    "wrong_key": ("密钥不对，或者已经停用。", "This key is wrong, or has been revoked."),
    "sign_out": ("退出登录", "Sign out"),
    "no_account": ("没有这个公众号", "There is no such account"),
    "not_minted": (
        "这个场景值还没有可用的二维码。只读成员不能生成，请找运营或所有者。",
        "There is no living code of this scene. Ask an operator or owner: viewers cannot mint one.",
    ),
    "mint_why": (
        "还没有可用的二维码。可以生成一个，有效期 7 天；会占用公众号的额度，并记入操作日志。",
        "There is no living code yet. You can make one for seven days; it uses the account’s quota and is "
        "noted in the audit log.",
    ),
    "mint_anew_why": (
        "快到期了。可以重新生成一个，有效期 7 天；会占用公众号的额度，并记入操作日志。",
        "It ends soon. You can make a new one for seven days; it uses the account’s quota and is noted in "
        "the audit log.",
    ),
    "mint": ("生成二维码", "Make a code"),
    "refused": ("这个场景值不能用", "This scene cannot be used"),
    "failed": ("暂时取不到二维码", "The code cannot be had at the moment"),
}
