"""What the pages of claims say."""

from wxbot.web.language import Words

WORDS: Words = {
    "claims": ("认领", "Claims"),
    "claim_title": ("一次认领", "One claim"),
    "claim_purpose": ("用途", "Purpose"),
    "claim_subject_short": ("对象", "Subject"),
    "claim_state": ("状态", "State"),
    "claim_person": ("认领人（匿名代号）", "Claimed by (a pseudonym)"),
    "claim_person_all": ("这个人的全部认领", "All claims of this person"),
    "claim_made_by": ("由谁发起", "Made by"),
    "claim_made_at": ("发起时间", "Made"),
    "claim_expires_at": ("有效期到", "Good until"),
    "claim_claimed_at": ("认领时间", "Claimed at"),
    "claim_ended_at": ("结束时间", "Ended"),
    "claim_exclusive": ("同一对象只能归一个人", "One person at a time"),
    "claim_data": (
        "附带数据的字段名（内容可能含个人信息，不显示）",
        "Attached fields (what they hold may be personal, and is not shown)",
    ),
    "claim_id": ("编号", "Id"),
    "claim_steps": ("经过", "What happened"),
    "claim_step": ("步骤", "Step"),
    "claim_detail": ("说明", "Detail"),
    "claim_is_open": ("等人扫码", "Open"),
    "claim_is_claimed": ("已认领", "Claimed"),
    "claim_is_confirmed": ("已确认", "Confirmed"),
    "claim_is_cancelled": ("已取消", "Cancelled"),
    "claim_is_released": ("已解除", "Released"),
    "claim_is_expired": ("已过期", "Expired"),
    "claim_is_made": ("发起", "Made"),
    "claim_is_replaced": ("被新码取代", "Replaced"),
    "claim_is_forgotten": ("已删除认领人的 openid", "Forgotten"),
    "claims_none": ("还没有认领", "There are no claims yet"),
    "claims_none_why": (
        "网站通过接口发起订单绑定、账号绑定或扫码登录后，会列在这里。",
        "When the site asks over the API for an order to be bound, a link or a login, it shows here.",
    ),
    "claim_cancel": ("取消认领", "Call it off"),
    "claim_cancel_why": (
        "二维码随即失效，不能恢复。",
        "Its code is not good any more, and does not become good again.",
    ),
    "claim_cancel_sure": ("确定取消", "Yes, call it off"),
    "claim_cancelled_now": ("已取消，二维码不再有效。", "It is called off; its code is not good any more."),
    "claim_release": ("解除认领", "Release"),
    "claim_release_why": (
        "从认领人手里收回，别人可以再认领；原来的二维码不会恢复有效。",
        "It is taken from who claimed it, so that somebody else may; its code does not become good again.",
    ),
    "claim_release_sure": ("确定解除", "Yes, release it"),
    "claim_released_now": ("已解除认领。", "It is released."),
    "claim_is_binding": (
        "账号已经绑定，这里不能解除认领：要由网站或本人解除绑定。",
        "The account is linked by now: its site or the person ends that, and this claim stays.",
    ),
    "claim_changed_meanwhile": (
        "状态刚刚变了，没有改动。请看最新状态。",
        "It has changed meanwhile, and nothing was done. See how it stands now.",
    ),
}
