"""What boards and comparisons say."""

from wxbot.admin.channel_words import WORDS as CHANNEL_WORDS
from wxbot.web.language import Words

WORDS: Words = {
    **CHANNEL_WORDS,
    "leaderboard": ("排行", "Leaderboard"),
    "compare": ("对比", "Compare"),
    "by_channel": ("渠道", "Channels"),
    "by_group": ("分组", "Groups"),
    "by_promoter": ("推广员", "Promoters"),
    "by_scene": ("场景值", "Scenes"),
    "what_to_rank": ("排什么", "What is ranked"),
    "what_to_compare": ("对比什么", "What is compared"),
    "sorted_by": ("点表头可以换排序，现在按{0}排。", "Sorted by: {0}. Click a heading to change it."),
    "sort_by": ("按{0}排序", "Sort by {0}"),
    "rank": ("名次", "Rank"),
    "lines_total": ("这段时间有数据的共 {0} 个", "{0} with figures in this time"),
    "everything": ("整个公众号", "The whole account"),
    "name_n": ("第 {0} 个", "Name {0}"),
    "compare_why": (
        "填 1 到 4 个名称；都不填就看整个公众号。",
        "Name one to four; with none it is the whole account.",
    ),
    "left_out": (
        "没有名称是“{0}”的，没有列出来。这里要填名称，不是显示名称。",
        "There is none named {0}, so it is left out. Names are wanted here, not titles.",
    ),
    "against": ("和哪段时间比", "Against"),
    "the_days_before": ("紧挨着的前一段", "The days before"),
    "a_year_before": ("去年同期（星期对齐）", "The same weekdays a year before"),
    "figure": ("指标", "Figure"),
    "from_to": ("{0} 至 {1}", "{0} to {1}"),
    "compared_with": ("对比时间段：{0} 至 {1}", "Against {0} to {1}"),
}
