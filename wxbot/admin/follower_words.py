"""What the pages of followers say."""

from wxbot.admin.channel_words import WORDS as CHANNEL_WORDS
from wxbot.web.language import Words

WORDS: Words = {
    **CHANNEL_WORDS,
    "followers": ("粉丝", "Followers"),
    "follower": ("粉丝", "Follower"),
    "follower_n": ("粉丝 {0}", "Follower {0}"),
    "find_openid": ("openid 或粉丝编号", "openid, or a follower’s digits"),
    "find_hint": (
        "openid 只在表单里传输，不会出现在网址和日志里。",
        "An openid travels in the form only, and stands in no address and no log.",
    ),
    "find": ("查找", "Find"),
    "nobody_found": ("没有找到这个人。", "There is nobody like that."),
    "no_followers": ("还没有粉丝", "There are no followers yet"),
    "no_followers_why": ("有人扫码或关注以后，会出现在这里。", "Whoever scans or follows shows here."),
    "order_hint": (
        "粉丝用编号区分，不显示姓名和 openid；顺序没有含义。",
        "People are told apart by digits and never named; their order means nothing.",
    ),
    "few_here": ("这一页没有符合条件的人，请看下一页。", "Nobody on this page; the next one may have some."),
    "state_new": ("新粉丝", "New"),
    "state_returning": ("回流", "Returning"),
    "state_existing": ("老粉丝", "Existing"),
    "state_left": ("已取关", "Left"),
    "state_new_is": ("正在关注，而且是第一次关注。", "Follows, for the first time that is known."),
    "state_returning_is": ("正在关注，以前关注过又取消过。", "Follows again."),
    "state_existing_is": (
        "正在关注，但接入 wxbot 之前就关注了。",
        "Follows, and did so before wxbot was there.",
    ),
    "state_left_is": ("已经取消关注。", "Has unfollowed."),
    "first_seen": ("首次出现", "First seen"),
    "followed_at": ("关注时间", "Followed"),
    "unfollowed_at": ("取关时间", "Left"),
    "came_back": ("回来次数", "Came back"),
    "first_scene": ("首次扫码", "First scene"),
    "last_scene": ("最近扫码", "Last scene"),
    "tags": ("标签", "Tags"),
    "came_through": ("来过的渠道", "Channels"),
    "history": ("经历", "History"),
    "history_why": (
        "最近 {0} 条，刚发生的要过一会儿才会出现。",
        "The latest {0}; what has just happened shows in a little while.",
    ),
    "no_history": ("还没有统计到。", "Nothing was counted yet."),
    "did_follow": ("关注", "Followed"),
    "did_unfollow": ("取消关注", "Unfollowed"),
    "did_claim": ("认领", "Claimed"),
    "did_scan": ("扫码", "Scanned"),
    "what_happened": ("事件", "What"),
    "personal_data": ("个人数据", "Personal data"),
    "personal_why": (
        "本人要求查看或删除时使用。两种操作都会记入操作日志。",
        "For when the person asks to see or to delete it. Both are written into the audit log.",
    ),
    "export_person": ("导出全部数据", "Export everything"),
    "forget_person": ("彻底删除…", "Forget…"),
    "forget_n": ("彻底删除粉丝 {0}", "Forget follower {0}"),
    "forget_why": (
        "与这个人有关的记录会被删除，或者抹去能认出他的部分，不能恢复。统计数字不变。以后再来会当作新的人。"
        "数据很多时要等一会儿，请不要关闭页面。",
        "What is stored about the person is deleted, or loses what leads to them, for good. No count "
        "changes. Whatever they do later is recorded anew. With many records it takes a while: leave this "
        "page open.",
    ),
    "forget_where": ("会处理这些数据表：", "In these tables:"),
    "forget_sure": ("确认彻底删除", "Forget them for good"),
    "forgotten": ("已彻底删除。", "Forgotten."),
    "still_spooled": (
        "数据库断开期间还有 {0} 个他的事件没有入库，恢复以后请再删除一次。",
        "{0} events of theirs wait outside the database; forget them once more when it is back.",
    ),
    "still_named": (
        "这些地方还写着这个人，请手动修改：{0}",
        "These places still name the person, and have to be changed by hand: {0}",
    ),
}
