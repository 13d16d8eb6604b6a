"""Why a rule takes a scene or does not, in the reader's language: the explanation itself is in English."""

import re

# Only what stands in quotes or digits is carried over, so that each reason is one sentence here.
_CHINESE = (
    (r"answers: no rule takes the scene", "没有规则匹配，由它回复"),
    (r"answers: no handler's rule takes the scene", "没有处理函数的规则匹配，由渠道回复"),
    (r"answers: it is exactly this scene", "正是这个场景值，由它回复"),
    (r"answers: captures (.+)", "由它回复，取得 {0}"),
    (r"would answer if the ones before it gave nothing", "前面的都没有回复时才轮到它"),
    (r"would answer without the channel", "没有这个渠道时由它回复"),
    (r"counts; a handler's rule answers", "只计数，由处理函数回复"),
    (r"matches, but (.+) is more specific", "匹配，但 {0} 更具体"),
    (r"is only for people who follow with the scan .*", "只用于扫码关注的人"),
    (r"is only for people who followed already .*", "只用于已关注的人"),
    (r"is not in (\d+) to (\d+)", "不在 {0} 到 {1} 之间"),
    (r"is not (.+)", "不是 {0}"),
    (r"does not begin with (.+)", "不以 {0} 开头"),
    (r"does not end with (.+)", "不以 {0} 结尾"),
    (r"(.+) does not follow behind (\w+)", "{1} 后面没有 {0}"),
    (r"nothing is left for (\w+)", "{0} 没有内容"),
    (r"is no canonical integer", "不是规范的整数"),
    (r"(\w+) is no canonical integer: (.+)", "{0} 不是规范的整数：{1}"),
    (r"(\w+) carries no signature: (.+)", "{0} 没有签名：{1}"),
    (
        r"the signature of (\w+) is none of ours: .+",
        "{0} 的签名不对：可能是伪造的、属于别的公众号或规则，或者密钥已从 secret_key_fallbacks 删除",
    ),
    (r"is archived", "渠道已归档"),
    (r"has not begun", "渠道还没开始"),
    (r"is over", "渠道已结束"),
    (r"only counts and tags: it has no reply for these people", "只计数和打标签，没有给这些人的回复"),
)


def reason_in(language: str, reason: str) -> str:
    """Return a reason in this language; as it is where there are no words for it."""
    if language == "en":
        return reason
    for pattern, words in _CHINESE:
        if found := re.fullmatch(pattern, reason, re.DOTALL):
            return words.format(*found.groups())
    return reason
