"""What the page of the routes says."""

from wxbot.web.language import Words

WORDS: Words = {
    "routes": ("应答规则", "Routes"),
    "route_try": ("试一个场景值", "Try a scene"),
    "route_when": ("谁扫码", "Scanned by"),
    "route_when_scan": ("已关注的人", "A follower"),
    "route_when_follow": ("新关注的人", "Somebody who follows with it"),
    "route_explain": ("看看由谁回复", "Who answers?"),
    "route_answered_by": ("由它回复", "Answered by"),
    "route_nobody": ("没有处理函数，回复 [replies] 里的默认文字", "Nobody: the text from [replies]"),
    "route_takes": ("是否匹配", "Takes it"),
    "route_why": ("原因", "Why"),
    "route_suggestion": ("可以这样写一个处理函数", "A handler to paste"),
    "route_kind": ("类型", "Kind"),
    "route_rule": ("规则", "Rule"),
    "route_only": ("限于", "Only for"),
    "route_where": ("位置", "Where"),
    "route_ahead": ("先问", "Asked first"),
    "route_kind_exact": ("固定场景值", "Exact"),
    "route_kind_pattern": ("场景值模式", "Pattern"),
    "route_kind_block": ("整数区间", "Block of integers"),
    "route_kind_channel": ("渠道", "Channel"),
    "route_kind_fallback": ("兜底", "Fallback"),
    "route_kind_job": ("任务", "Job"),
    "route_kind_observer": ("扫码后通知", "Observer"),
    "route_more_channels": ("另有 {0} 个渠道，见“渠道”页", "and {0} more channels, on their own page"),
    "routes_none": ("没有处理函数", "No handler answers"),
    "routes_none_why": (
        "在 handlers 目录里放一个带 Plugin 的模块即可。",
        "Put a module with a Plugin into the package handlers.",
    ),
    "routes_skipped": ("有处理函数没能载入：{0}", "Left out: {0}"),
}
