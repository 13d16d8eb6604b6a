"""What the pages of promoters say."""

from wxbot.admin.channel_words import WORDS as CHANNEL_WORDS
from wxbot.web.language import Words

WORDS: Words = {
    **CHANNEL_WORDS,
    "promoters": ("推广员", "Promoters"),
    "new_promoter": ("新建推广员", "New promoter"),
    "edit_promoter": ("编辑推广员：{0}", "Edit {0}"),
    "no_promoters": ("还没有推广员", "There are no promoters yet"),
    "no_promoters_why": (
        "推广员是拉新的人或团队。给他定一个目标，再把渠道分给他，就能看到完成了多少。",
        "A promoter is to win followers. Name one, with a target or without, and give channels to them.",
    ),
    "promoter_made": ("推广员“{0}”已建好。", "{0} is there."),
    "promoter_changed": ("已保存。", "Saved."),
    "promoter_archived": (
        "已归档：不能再分配新渠道，已有的渠道仍归他。",
        "Archived: no more channels can be given to them; those they have stay theirs.",
    ),
    "promoter_restored": ("已恢复。", "They are back."),
    "promoter_archive_why": (
        "归档后不能再把渠道分给他，已有的渠道和数据都不变。以后可以恢复。",
        "No more channels can be given to them then. Channels and figures stay, and it can be undone.",
    ),
    "target": ("目标人数", "Target"),
    "target_hint": ("要带来多少新增关注；没有目标就留空。", "New followers they are to win; empty for none."),
    "promoter_name_hint": (
        "1 到 64 个英文字母、数字、_ 或 -，建好后不能改。",
        "1 to 64 letters, digits, _ or -. It never changes.",
    ),
    "promoter_title_hint": ("例如姓名或团队名。", "A person’s name, or a team’s."),
    "progress": ("进度", "Progress"),
    "progress_of": ("{0} 的目标完成度：{1}", "{0} has reached {1} of the target"),
    "no_target": ("未定目标", "No target"),
    "their_channels": ("名下渠道", "Their channels"),
    "channels_count": ("渠道数", "Channels"),
    "in_use": ("在用", "Active"),
    "no_channels_of_theirs": ("还没有渠道分给他。", "No channel is theirs yet."),
}
