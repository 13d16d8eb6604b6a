"""What the overview says."""

from wxbot.admin.promoter_words import WORDS as PROMOTER_WORDS
from wxbot.web.language import Words

WORDS: Words = {
    **PROMOTER_WORDS,
    "overview": ("概览", "Overview"),
    "attention": ("需要留意", "Needs attention"),
    "all_well": ("一切正常。", "All is well."),
    "counting_stopped": (
        "统计停在 {0}：请确认 wxbot worker 在运行。",
        "Counting stopped at {0}: see that wxbot worker is running.",
    ),
    "dead_jobs": ("有 {0} 个任务多次重试仍失败", "Jobs that failed for good: {0}"),
    "few_numbers": ("永久编号只剩 {0} 个", "Only {0} permanent numbers are left"),
    "suspect_quick": (
        "疑似刷关注：“{0}”近 7 天有 {1} 人十分钟内就取关（共新增 {2} 人）",
        "{0}: {1} of {2} new followers left within ten minutes in 7 days",
    ),
    "suspect_turning": (
        "疑似刷关注：“{0}”近 7 天有 {1} 人反复关注（共新增 {2} 人）",
        "{0}: {1} of {2} new followers follow again and again in 7 days",
    ),
    "suspect_burst": (
        "新增猛涨：“{0}”在 {1} 起的十分钟里新增 {2} 人，平时一天约 {3} 人",
        "{0}: {2} new followers within ten minutes from {1}; a usual day brings about {3}",
    ),
    "more_suspects": (
        "还有 {0} 条类似情况，用 {1} 可以列出",
        "{0} more like these; {1} lists them",
    ),
    "gap_follows": (
        "近 7 天微信统计的关注比这里多 {0} 次，可能漏收了事件",
        "In 7 days WeChat counted {0} follows more than arrived here",
    ),
    "ends_soon": ("渠道“{0}”将在 {1} 结束", "{0} ends at {1}"),
    "best_channels": ("带来新增最多的渠道", "Channels with the most new followers"),
    "all_of_them": ("查看全部", "All of them"),
    "promoters_progress": ("推广员进度", "Promoters’ progress"),
    "latest_events": ("最近的事件", "Latest events"),
    "no_events": ("还没有人扫码", "Nobody has scanned yet"),
    "no_events_why": (
        "把二维码印出来，或者在模拟手机上扫一下，这里就会有记录。",
        "Print a code, or scan one on the emulated phone, and it shows here.",
    ),
    "event": ("事件", "Event"),
    "outcome": ("结果", "Outcome"),
    "handler": ("处理函数", "Handler"),
    "took": ("耗时", "Took"),
}
