"""What pages of figures say in common: the names of figures, periods, and what each figure means."""

from wxbot.web.language import Words

NAMES: Words = {
    "scans": ("扫码次数", "Scans"),
    "scanners": ("扫码人数", "Scanners"),
    "new": ("新增关注", "New followers"),
    "refollows": ("再次关注", "Re-follows"),
    "unfollows": ("取消关注", "Unfollows"),
    "lost": ("流失", "Lost"),
    "net": ("净增", "Net growth"),
    "gone": ("实时流失", "Gone now"),
    "staying": ("留存人数", "Still following"),
    "retention": ("留存", "Retention"),
    "median_stay": ("关注时长", "Time to unfollow"),
    "claims": ("认领", "Claims"),
    "converted": ("转化人数", "Converted"),
    "conversion": ("转化率", "Conversion"),
    "quick": ("速取关", "Left within ten minutes"),
    "turning": ("反复关注", "Follow again and again"),
    "burst": ("突增", "Sudden bursts"),
    "reached": ("目标完成度", "Part of the target"),
    "without_code": ("无渠道码", "Follows without a code"),
    "gap": ("与微信统计的差距", "Gap to WeChat’s counts"),
}

DEFINITIONS: Words = {
    "scans_is": (
        "每扫一次算一次，同一个人扫几次就算几次。微信重复推送的同一次扫码只算一次。"
        "扫了码却没有关注的陌生人，微信不会告诉任何人，所以不在其中。",
        "Every scan counts, also several of one person. A scan that WeChat delivers twice counts once. Of a "
        "stranger who scans and does not follow WeChat tells nobody, so they are in no figure.",
    ),
    "scanners_is": (
        "这段时间里扫过码的人，每人算一次。扫过几个渠道的人，在每个渠道里各算一次。",
        "People who scanned within the period, each once. Whoever scanned the codes of several channels is "
        "one of each.",
    ),
    "new_is": (
        "第一次关注这个公众号的人，一个人一生只算一次，算在第一次关注的那一天。"
        "有迹象表明以前就关注过的人，不算新增。",
        "People who followed the account for the first time ever, each once, on the day of that follow; not "
        "those of whom something shows that they had followed before.",
    ),
    "refollows_is": (
        "第一次之后的每一次关注，不算新增。",
        "How often somebody followed who had followed before; none of them is new.",
    ),
    "unfollows_is": (
        "取消关注的次数，同一个人取消几次就算几次。",
        "How often somebody unfollowed; one person may do so several times.",
    ),
    "lost_is": (
        "只算一个人第一次取消关注，算在取消关注的那一天。以后再关注、再取消，都不再计入。",
        "The first unfollow of a person, on the day it happened. Whatever they follow and unfollow later "
        "does not count again.",
    ),
    "net_is": ("净增 = 新增关注 − 流失。", "New followers less the lost."),
    "gone_is": (
        "这段时间新增的人里，现在没有关注的人数。有人取消关注就加一，回来关注就减一，所以是实时变化的。",
        "Of those who were new in the period, how many do not follow now. It goes up with an unfollow and "
        "down with a return, so it changes afterwards.",
    ),
    "staying_is": (
        "这段时间新增的人里，现在还在关注的人数：新增关注 − 实时流失。",
        "Of those who were new in the period, how many follow now: new followers less those gone now.",
    ),
    "retention_is": (
        "第 1、7、30 天留存：新增关注的人里，到那一天结束时仍在关注的比例。还没到那一天的人不参与计算。",
        "After 1, 7 and 30 days: the part of the new followers who followed at the end of that day. Those "
        "whose day has not come yet are left out.",
    ),
    "median_stay_is": (
        "这段时间新增、后来取消关注的人，从关注到第一次取消关注所隔时间的中位数，按档位向下取整。",
        "Of those who were new in the period and left, the median of the time between follow and first "
        "unfollow, rounded down to a step.",
    ),
    "claims_is": (
        "扫一次性码认领成功的次数，例如绑定订单、绑定账号；扫码登录不算。",
        "How often a one-time code was claimed: an order bound, an account linked. Logins do not count.",
    ),
    "converted_is": (
        "这段时间新增的人里，至少成功认领过一次的人数。",
        "Of those who were new in the period, how many claimed something at least once.",
    ),
    "conversion_is": ("转化率 = 转化人数 ÷ 新增关注。", "The converted as a part of the new followers."),
    "quick_is": (
        "新增后十分钟内就取消关注的人数。比例太高，可能是刷关注。",
        "New followers who left within ten minutes. Many of them may mean that follows were bought.",
    ),
    "turning_is": (
        "关注过四次及以上的人数。反复关注再取消，常见于领奖刷量。",
        "People who followed four times or more, as is done for rewards.",
    ),
    "burst_is": (
        "十分钟内的新增，相当于平时好几天的量。也可能只是活动现场人多，请先核实。",
        "As many new followers in ten minutes as on several usual days. It may be an event: look first.",
    ),
    "reached_is": (
        "推广员名下所有渠道历来的新增关注，占目标人数的比例。",
        "All new followers ever of a promoter’s channels, as a part of the target.",
    ),
    "without_code_is": (
        "没有带场景值的关注：通过搜索、名片、文章等方式来的，或者微信没有把参数带过来。它们不归任何渠道。",
        "Follows that came without a scene: by search, a card, an article, or because WeChat lost the "
        "parameter. They belong to no channel.",
    ),
    "gap_is": (
        "微信自己统计的关注、取关人数，减去这里收到的。差距大，说明有事件没有收到，例如服务停过。"
        "微信的一天按北京时间算；这里的一天如果从别的时区的零点开始，两边的日期对不上，差距就说明不了什么，概览里也不提醒。",
        "What WeChat itself counted less what arrived here. A large gap means that events were missed, as "
        "when the server was away. WeChat’s days are those of China: where days here begin at another "
        "midnight, the two do not match, a gap tells little, and the overview does not speak of it.",
    ),
    "sums": (
        "每天的扫码人数相加，不一定等于整段时间的扫码人数：同一个人每天各算一次，在整段时间里只算一次。"
        "流失和实时流失是两种看法：流失是那些天里有多少人第一次取消关注，"
        "实时流失是那些天新增的人里现在有多少没有关注，两个数不必相等。",
        "The scanners of each day need not add up to those of the whole period: a person counts once on each "
        "day, and once in the period. Lost and gone are two views: lost are those who left for the first "
        "time on these days, gone are those of the new followers of these days who are away now. The two "
        "need not be equal.",
    ),
    "attribution_is": (
        "新增关注算给第一次关注时扫的码。以后的取消关注和认领算给哪个码，由设置决定："
        "first 是第一次关注时的码，last 是最近一次关注时的码。现在用的是 {0}。",
        "A new follower belongs to the code of their first follow. To which code an unfollow or a claim is "
        "put down is a setting: first is that of the first follow, last that of the latest. Now it is {0}.",
    ),
    "days_is": (
        "一天从 {0} 的零点开始。晚到的事件按它真正发生的时间计入，所以过去的数字也可能变。",
        "A day begins at midnight in {0}. What arrives late counts when it happened, so that past figures "
        "may still change.",
    ),
}

COMMON: Words = {
    "definitions": ("指标说明", "What figures mean"),
    "how_counted": ("怎么算的", "How it is counted"),
    "sums_short": (
        "每天的扫码人数相加，不一定等于整段时间的扫码人数",
        "The scanners of each day need not add up to those of the whole period",
    ),
    "rules_of_counting": ("归属与日期", "Attribution and days"),
    "period": ("时间段", "Period"),
    "days_1": ("今天", "Today"),
    "days_7": ("近 7 天", "7 days"),
    "days_30": ("近 30 天", "30 days"),
    "days_90": ("近 90 天", "90 days"),
    "other_days": ("自选日期", "Other dates"),
    "first_day": ("从", "From"),
    "last_day": ("到", "Until"),
    "wrong_period": (
        "日期不对：要在 {1} 到 {2} 之间，结束不能早于开始，最长 {0} 天。下面是近 30 天的数据。",
        "These dates cannot be: they are from {1} to {2}, the end is not before the start, and {0} days are "
        "the most. The last 30 days are shown.",
    ),
    "against_before": ("比之前 {0} 天", "against {0} days before"),
    "against_yesterday": ("比昨天全天", "against all of yesterday"),
    "against_day_before": ("比前一天", "against the day before"),
    "was_zero": ("之前为 0", "0 before"),
    "as_before": ("持平", "the same"),
    "counted_until": ("统计到 {0}", "Counted until {0}"),
    "not_counted_yet": (
        "还没有统计过：需要 wxbot worker 在运行。",
        "Nothing has been counted yet: it needs a running wxbot worker.",
    ),
    "weekly": ("{0}（按周）", "{0}, by week"),
    "trend": ("趋势", "Trend"),
    "channel": ("渠道", "Channel"),
    "group": ("分组", "Group"),
    "promoter": ("推广员", "Promoter"),
    "scene": ("场景值", "Scene"),
    "export_csv": ("导出 CSV", "Export CSV"),
    "day": ("日期", "Day"),
    "title": ("显示名称", "Title"),
    "name": ("名称", "Name"),
    "state": ("状态", "State"),
    "live": ("使用中", "Live"),
    "not_begun": ("未开始", "Not begun"),
    "over": ("已结束", "Over"),
    "archived": ("已归档", "Archived"),
    "next_page": ("下一页", "Next"),
    "first_page": ("回到第一页", "First page"),
    "edit": ("编辑", "Edit"),
    "archive": ("归档", "Archive"),
    "restore": ("恢复", "Restore"),
    "wrong_form": ("有几处需要修改：", "Some of it needs another look:"),
}

WORDS: Words = {**NAMES, **DEFINITIONS, **COMMON}
FIGURES = tuple(NAMES)
