"""The channels of the year, and who promotes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from wxbot.year.plan import DAY_SECONDS, Plan
from wxbot.year.seasons import campaign_of, midnight
from wxbot.year.style import STYLES, Style

SCENE_PREFIX = "ch:"
_CITIES = ("杭州", "上海", "苏州", "南京", "宁波", "成都", "广州", "深圳", "武汉", "西安")
_STREETS = (
    "南山路",
    "武林路",
    "延安路",
    "解放路",
    "人民路",
    "文一路",
    "体育场路",
    "湖滨路",
    "中山路",
    "学院路",
)
_SPOTS = {
    "shop": ("收银台", "橱窗", "门口立牌", "会员角"),
    "table": ("1号桌", "2号桌", "3号桌", "5号桌", "6号桌", "8号桌", "包间", "露台"),
    "poster": ("地铁站厅海报", "公交站牌", "电梯海报", "社区公告栏"),
    "pack": ("龙井礼盒卡片", "茉莉袋泡茶内页", "盖碗说明书", "快递箱贴"),
    "event": ("春茶品鉴会", "开店周年庆", "茶艺课堂", "市集摊位", "新品试饮"),
    "street": ("写字楼地推", "校园地推", "商场地推", "小区地推"),
    "online": ("公众号文章底部", "小红书笔记", "视频号直播间", "朋友圈长图"),
}
_SURNAMES = "李王张刘陈杨赵黄周吴徐孙朱马胡郭林何高罗"
_GIVEN = ("伟", "芳", "娜", "敏", "静", "磊", "强", "洋", "艳", "勇", "军", "杰", "娟", "涛", "明", "超")
_LONGEST_EVENT_DAYS = 9
_HAS_PROMOTER = {"street": 1.0, "event": 0.5, "shop": 0.25, "online": 0.5}
# One promoter in so many pays for followers who are none; the first of them is always there.
_HONEST = 40
_FIRST_FRAUD = 3


@dataclass(frozen=True, kw_only=True)
class Place:
    """A channel of the year; `opens_at` and `closes_at` in seconds since 1970, None without that bound."""

    number: int
    name: str
    scene: str
    title: str
    style: Style
    pull: float
    promoter: int | None
    made_at: int
    opens_at: int | None = None
    closes_at: int | None = None

    def is_open(self, at: int) -> bool:
        """Say whether the channel counts at this time."""
        return (self.opens_at is None or self.opens_at <= at) and (
            self.closes_at is None or at < self.closes_at
        )


@dataclass(frozen=True, kw_only=True)
class Agent:
    """A promoter of the year; `is_fraud`: they buy followers who leave within minutes."""

    number: int
    name: str
    title: str
    is_fraud: bool


def agents_of(plan: Plan) -> list[Agent]:
    """Return the promoters."""
    random = plan.random("promoters")
    return [
        Agent(
            number=number,
            name=f"promoter-{number + 1:03}",
            title=random.choice(_SURNAMES) + random.choice(_GIVEN),
            is_fraud=number % _HONEST == _FIRST_FRAUD,
        )
        for number in range(plan.promoters)
    ]


def places_of(plan: Plan, agents: Sequence[Agent]) -> list[Place]:
    """Return the channels; every promoter has one at least."""
    random = plan.random("channels")
    styles = _styles(plan.channels)
    streets = [number for number, style in enumerate(styles) if style.slug == "street"]
    held = dict(zip(streets, (agent.number for agent in agents), strict=False))
    rest = [agent.number for agent in agents][len(held) :]
    shops = [number for number, style in enumerate(styles) if style.slug == "shop"]
    held |= dict(zip(shops, rest, strict=False))
    return [
        _place(plan, random, number=number, style=style, promoter=held.get(number))
        for number, style in enumerate(styles)
    ]


def _styles(count: int) -> list[Style]:
    """Return the kinds of so many channels by their shares, one of each at least."""
    several = [style for style in STYLES for _ in range(max(1, int(style.share * count)))]
    # What is missing is made up by the first kind, of which there are most.
    return [STYLES[0]] * (count - len(several)) + several


def _place(plan: Plan, random: Random, *, number: int, style: Style, promoter: int | None) -> Place:
    if promoter is None and random.random() < _HAS_PROMOTER.get(style.slug, 0.0):
        promoter = random.randrange(plan.promoters)
    opens_at, closes_at = _window(plan, random, number) if style.slug == "event" else (None, None)
    made_at = plan.since - random.randrange(90) * DAY_SECONDS if opens_at is None else opens_at - DAY_SECONDS
    name = f"{style.slug}-{number + 1:04}"
    title = f"{random.choice(_CITIES)}{random.choice(_STREETS)} {random.choice(_SPOTS[style.slug])}"
    return Place(
        number=number,
        name=name,
        scene=f"{SCENE_PREFIX}{name}",
        title=title,
        style=style,
        # A few places bring most of the people.
        pull=style.pull * min(random.paretovariate(1.5), 12.0),
        promoter=promoter,
        made_at=made_at,
        opens_at=opens_at,
        closes_at=closes_at,
    )


def _window(plan: Plan, random: Random, number: int) -> tuple[int, int]:
    """Return when an event is: one in two belongs to the campaign."""
    length = random.randint(2, _LONGEST_EVENT_DAYS) * DAY_SECONDS
    begins = plan.since + random.randrange(max(1, plan.days - 2)) * DAY_SECONDS
    if number % 2 == 0:
        begins = midnight(campaign_of(plan))
    return begins, begins + length
