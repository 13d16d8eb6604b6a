"""What the pages of the permanent numbers say."""

from wxbot.web.language import Words

WORDS: Words = {
    "numbers": ("永久编号", "Permanent numbers"),
    "number_title": ("永久编号 {0}", "Permanent number {0}"),
    "numbers_used": ("已占用的比例", "The part in use"),
    "numbers_of": ("每个公众号共 100,000 个，已占用 {0}", "100,000 for each account, {0} in use"),
    "numbers_taken": ("在用", "Taken"),
    "numbers_resting": ("隔离期", "Resting"),
    "numbers_free": ("可用", "Free"),
    "numbers_scarce": (
        "剩余不多。请归还不再使用的编号，或改用字符串码和临时码。",
        "Few are left. Release those whose prints are gone, or use texts and temporary codes.",
    ),
    "number": ("编号", "Number"),
    "number_owner": ("归属", "Owner"),
    "number_purpose": ("用途", "Purpose"),
    "number_taken_at": ("启用时间", "Taken"),
    "number_released_at": ("归还时间", "Given back"),
    "number_free_at": ("何时可再用", "Free again"),
    "number_holder": ("现在归谁", "Who has it now"),
    "number_nobody": ("现在没有归属", "Nobody has it now"),
    "number_history": ("以前的用途", "What it meant before"),
    "number_history_none": ("没有记录", "Nothing is on record"),
    "numbers_none": ("还没有用过永久编号", "No permanent number has been taken yet"),
    "numbers_none_resting": ("没有编号在隔离期", "No number rests"),
    "number_release": ("归还", "Give it back"),
    "number_release_why": (
        "微信删不掉永久码，印出去的还会有人扫。这个编号会隔离 {0} 天，之后才能给别的用途。",
        "WeChat cannot delete its code, and what is printed goes on being scanned. The number rests for "
        "{0} days before somebody else may have it.",
    ),
    "number_release_sure": ("确定归还", "Yes, give it back"),
    "number_released": ("{0} 已归还，隔离 {1} 天。", "{0} is given back, and rests for {1} days."),
    "number_not_released": ("{0} 现在没有归属，没有改动。", "Nobody has {0} now; nothing was done."),
    "number_of_a_channel": (
        "{0} 是渠道“{1}”的场景值，不能归还：归还以后，这个渠道就生成不了二维码了。",
        "{0} is the scene of the channel {1}, which keeps it: its code could not be had without it.",
    ),
    "numbers_from": ("从哪个编号起", "From number"),
    "numbers_rest_why": (
        "隔离期：旧码还在外面被扫，暂时不给新用途。",
        "Old prints of these are still scanned, so that nobody may take them for now.",
    ),
    "numbers_next": ("后面的", "Further"),
}
