"""What is wrong with a channel or a promoter, told in the reader's language.

wxbot/channels/ and wxbot/qrcodes/ say it in English, for programs and the command line too. For what has no
line here the reader gets that text: better in another language than not at all.
"""

import re
from collections.abc import Mapping

# What the English text looks like, and how it is said in Chinese with what was captured.
_CHINESE: tuple[tuple[str, str], ...] = (
    (
        r"'(.*)' cannot be a name: use .*",
        "“{0}”不能当名称：只能用 1 到 64 个英文字母、数字、_ 或 -（名称会出现在网址里）",
    ),
    (r"is blank: leave it out", "只有空白：不需要的话请留空"),
    (r"begins or ends with a space: take it away", "开头或结尾有空格，请删掉"),
    (r"holds a character that cannot be printed", "含有无法显示的字符"),
    (r"has (\d+) characters, and at most (\d+) are kept", "有 {0} 个字，最多只能 {1} 个"),
    (
        r"a text in it has (\d+) bytes of UTF-8, and WeChat shows (\d+): shorten it",
        "文字太长：按 UTF-8 算有 {0} 字节，微信最多显示 {1} 字节（大约 680 个汉字）",
    ),
    (r"is not a time between 1970 and 30 December 9999", "时间要在 1970 年到 9999 年 12 月 30 日之间"),
    (r"is not a time as in .*", "时间的写法不对，请写成 2026-05-01T12:00 这样"),
    (
        r"'(.*)' is no address: it begins with https:// or http://",
        "“{0}”不是网址，要以 https:// 或 http:// 开头",
    ),
    (r"is not after the start: choose a later end", "结束时间要晚于开始时间"),
    (r"(?:Text\.content|Image\.media_id) must not be blank", "选了这种回复，就要填上内容"),
    (r"News\.articles must hold 1 to (\d+) articles, not 0", "图文消息至少要有一篇文章（最多 {0} 篇）"),
    (r"Article\.title must not be blank", "每篇文章都要有标题"),
    (r"\w+\.\w+ must not be longer than (\d+) characters", "链接或素材 ID 太长，最多 {0} 个字符"),
    (
        r"there is no promoter '(.*)': make one first; .*",
        "没有名称是“{0}”的推广员。这里要填名称，不是显示名称；如果还没有这位推广员，请先新建",
    ),
    (r"the promoter '(.*)' is archived: .*", "推广员“{0}”已归档，请先恢复，或者换一位"),
    (r"is given, and a number is to be taken: one of the two", "填了场景值，又要自动取号：两者只能选一个"),
    (r"the scene is empty; .*", "场景值是空的"),
    (r"no scene may begin with '(.*)': .*", "场景值不能以“{0}”开头，那是微信自己用的前缀"),
    (r"the scene has (\d+) characters, WeChat takes (\d+); .*", "场景值有 {0} 个字符，微信最多接受 {1} 个"),
    (r"the scene holds '(.*)'; WeChat .*", "场景值含有“{0}”：只能用英文字母、数字和 _ . : = -"),
    (
        r"the scene ends like a code for one use, and would be counted under '(.*)' .*",
        "场景值的结尾像一次性二维码，会和它们一起计入“{0}”：请把最后一段改短或改长",
    ),
    (
        r"the scene (\d+) is a number above (\d+), of which .*",
        "场景值 {0} 是大于 {1} 的数字，微信不能为它生成永久码，没法印刷：请在前面加上字母，例如 d{0}",
    ),
    (
        r"the number of a (?:permanent|temporary) code is between 1 and (\d+), not .*",
        "数字场景值要在 1 到 {0} 之间",
    ),
    (r"there is a channel '(.*)' already: .*", "已经有名称为“{0}”的渠道了，请换个名称"),
    (
        r"there is an archived channel '(.*)' already: .*",
        "“{0}”是一个已归档渠道的名称，印出去的码还会被扫，请换个名称",
    ),
    (
        r"the scene '(.*)' belongs to an? (?:archived )?channel, '(.*)', whose .*",
        "场景值“{0}”属于渠道“{1}”，印出去的码还会被扫，请换一个",
    ),
    (
        r"the name or the scene was given to another channel just now",
        "名称或场景值刚刚被另一个渠道占用，请换一个",
    ),
    (
        r"there is a promoter '(.*)' already \(who may be archived\)",
        "已经有名称为“{0}”的推广员了（也可能已归档）",
    ),
    (
        r"is not a number between 1 and (\d+): leave it out for none",
        "目标要是 1 到 {0} 之间的整数；没有目标就留空",
    ),
    (
        r"was changed by somebody else just now, to “(.*)”: .*",
        "刚刚有人改成了“{0}”，请核对；再次保存就以您填的为准",
    ),
    (r"was emptied by somebody else just now: .*", "刚刚有人清空了这一项，请核对；再次保存就以您填的为准"),
    (r"was changed by somebody else just now: .*", "刚刚有人改过，请核对；再次保存就以您填的为准"),
    (
        r"all (\d+) permanent numbers of account '.*' are taken, rest, or are scenes of other codes; .*",
        "这个公众号的 {0} 个永久编号都用完了，请先归还一些，或者用文字场景值",
    ),
    (
        r"the permanent number (\d+) rests until (\S+): it belonged to .*",
        "永久编号 {0} 要隔离到 {1}：它以前有别的用途，印出去的旧码还会被扫，请换一个",
    ),
    (r"the living code '(.*)' shows another scene, .*", "活码“{0}”已经指向另一个场景值"),
    (r"the name '(.*)' of a living code is taken: .*", "活码名称“{0}”已被占用，请换一个"),
)


def told(fault: str, language: str) -> str:
    """Return a fault in a language of wxbot/web/language.py."""
    if language == "en":
        return f"{fault[:1].upper()}{fault[1:]}."
    for pattern, chinese in _CHINESE:
        # What was typed is quoted as Python quotes it: with an apostrophe in it, in double quotes.
        if found := re.fullmatch(pattern.replace("'", "['\"]"), fault, re.DOTALL):
            return f"{chinese.format(*found.groups())}。"
    return fault


def all_told(faults: Mapping[str, str], language: str) -> dict[str, str]:
    """Return the faults of a form by field."""
    return {name: told(fault, language) for name, fault in faults.items()}
