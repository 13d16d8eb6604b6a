"""What the pages of webhooks say."""

from wxbot.web.language import Words

WORDS: Words = {
    "webhooks": ("Webhook", "Webhooks"),
    "hook_place": ("通知到", "Leads to"),
    "hook_description": ("用途", "What it is for"),
    "hook_account": ("公众号", "Account"),
    "hook_all_accounts": ("所有公众号", "All accounts"),
    "hook_state": ("状态", "State"),
    "hook_active": ("启用", "Active"),
    "hook_disabled": ("已停用", "Disabled"),
    "hook_because": ("停用原因", "Because"),
    "hook_cannot_sign": (
        "密钥是用另一个 secret_key 加密的，无法签名。"
        "请把旧的 secret_key 放进 secret_key_fallbacks，或更换密钥。",
        "Its secret was sealed with another secret_key, so that nothing can be signed. Put the former key "
        "into secret_key_fallbacks, or give it a new secret.",
    ),
    "hook_kinds": ("通知的事情", "Is told of"),
    "hook_made_at": ("添加时间", "Made"),
    "hook_old_until": ("旧密钥同时有效到", "The former secret signs until"),
    "hook_last": ("最近一次送达", "Last delivered"),
    "hook_waiting": ("等待发送", "Waiting"),
    "hook_dead": ("未送达", "Given up"),
    "hook_delivered": ("已送达", "Delivered"),
    "hook_id": ("编号", "Id"),
    "hooks_none": ("还没有 webhook", "There are no webhooks yet"),
    "hooks_none_why": (
        "用 wxbot webhooks add 网址 添加一个，网站就能实时收到扫码、关注和认领。",
        "Make one with wxbot webhooks add URL, and the site is told of scans, follows and claims at once.",
    ),
    "hook_deliveries": ("发送记录", "Deliveries"),
    "hook_delivery": ("一次发送", "One delivery"),
    "hook_deliveries_none": ("没有这样的记录", "There are none"),
    "hook_kind": ("内容", "Of what"),
    "hook_attempts": ("次数", "Attempts"),
    "hook_attempt": ("第几次", "Attempt"),
    "hook_answer": ("网站的应答", "Answer"),
    "hook_no_answer": ("没有应答", "None"),
    "hook_detail": ("说明", "Detail"),
    "hook_person": ("涉及的粉丝（匿名代号）", "About (a pseudonym)"),
    "hook_message_id": ("消息编号", "Message id"),
    "hook_log": ("每次尝试", "All attempts"),
    "hook_log_none": ("还没有尝试过", "None yet"),
    "hook_test": ("发送测试", "Send a test"),
    "hook_tested": (
        "测试已排队，worker 几秒内发出；刷新本页看结果。",
        "A test is queued; a worker sends it within seconds. Reload to see what came of it.",
    ),
    "hook_disable": ("停用", "Disable"),
    "hook_disable_why": (
        "停用后不再通知，等待中的会搁置，以后可以重发。",
        "It is told nothing from now on; what waits is put aside, and can be sent again.",
    ),
    "hook_disable_sure": ("确定停用", "Yes, disable it"),
    "hook_disabled_now": ("已停用。", "It is told nothing from now on."),
    "hook_enable": ("重新启用", "Enable"),
    "hook_enabled_now": (
        "已重新启用。停用期间搁置的，可以点“重发未送达的”。",
        "It is told again. What was put aside meanwhile can be sent again.",
    ),
    "hook_rotate": ("更换密钥", "New secret"),
    "hook_rotate_why": (
        "新密钥只显示一次。24 小时内新旧密钥同时有效，请在此期间更新网站。",
        "The new secret is shown once. Both sign for 24 hours: let the site change over meanwhile.",
    ),
    "hook_rotate_sure": ("确定更换", "Yes, make a new one"),
    "hook_secret": (
        "新密钥（只显示这一次，请立即保存）",
        "The new secret: keep it now, it is not shown again",
    ),
    "hook_resend": ("重发", "Send again"),
    "hook_resent": ("已排队重发，编号不变。", "It is queued, under the same id."),
    "hook_not_resent": ("正在发送，稍后再试。", "It is being sent at this moment."),
    "hook_resend_dead": ("重发未送达的", "Send all given up again"),
    "hook_resend_dead_why": (
        "未送达的全部按原编号重发一遍。",
        "Everything that was given up or put aside goes out once more, under the same ids.",
    ),
    "hook_resend_sure": ("确定重发", "Yes, send them"),
    "hook_resent_dead": ("{0} 条已排队重发。", "{0} are queued."),
}
