"""What each method asks and how it reads the answer, with the examples of WeChat's documents."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from wxbot.emulator.threaded import run_emulator
from wxbot.emulator.world import Account, World
from wxbot.wechat import replies
from wxbot.wechat.api import ApiAccount, ApiClient, Quota, Tag, UserInfo
from wxbot.wechat.errcodes import ApiError, BusyError, UnreachableError
from wxbot.wechat.http import TOTAL_SECONDS, Answer, Http
from wxbot.wechat.oauth import OAuth
from wxbot.wechat.summaries import UserDay
from wxbot.wechat.token_call import TokenCall

OPENID = "o6_bmjrPTlm6_2sgVt7hMZOPfL2M"
OK = {"errcode": 0, "errmsg": "ok"}


class Recorder:
    """Answers every call with the same JSON and keeps what was asked, in place of the network."""

    def __init__(self, answer: object) -> None:
        self._answer = answer
        self.asked: list[SimpleNamespace] = []

    def send(
        self, method: str, url: str, *, call: str, query: Any = None, body: bytes | None = None
    ) -> Answer:
        """Take one call."""
        self.asked.append(SimpleNamespace(method=method, url=url, call=call, query=query, body=body))
        return Answer(status=200, content=json.dumps(self._answer).encode())


class Fixed:
    """One token for ever."""

    def current(self) -> str:
        """Return it."""
        return "token"

    def refused(self, token: str) -> str:
        """Return it again."""
        return token


def answering(content: bytes) -> Any:
    """Return what answers every call with the same bytes, in place of the network."""
    return SimpleNamespace(send=lambda *_, **__: Answer(status=200, content=content))


def client_of(http: Any) -> ApiClient:
    account = ApiAccount(name="default", appid="wx0000000000000001", secret="secret")
    return ApiClient(account, token=Fixed(), http=http, sleep=lambda _: None)


CALLS: list[tuple[Callable[[ApiClient], object], object, str, object, object]] = [
    (
        lambda api: api.send_service_message(OPENID, replies.Text("你好 <&>")),
        OK,
        "message/custom/send",
        {"touser": OPENID, "msgtype": "text", "text": {"content": "你好 <&>"}},
        None,
    ),
    (
        lambda api: api.create_tag("广东"),
        {"tag": {"id": 134, "name": "广东"}},
        "tags/create",
        {"tag": {"name": "广东"}},
        Tag(tag_id=134, name="广东"),
    ),
    (
        lambda api: api.user_summary(date(2014, 12, 2), date(2014, 12, 7)),
        {"list": [{"ref_date": "2014-12-07", "user_source": 30, "new_user": 5, "cancel_user": 2}]},
        "/datacube/getusersummary",
        {"begin_date": "2014-12-02", "end_date": "2014-12-07"},
        [UserDay(day=date(2014, 12, 7), source=30, followed=5, unfollowed=2)],
    ),
    (
        lambda api: api.tags(),
        {"tags": [{"id": 1, "name": "黑名单", "count": 0}, {"id": 127, "name": "广东", "count": 5}]},
        "tags/get",
        None,
        [Tag(tag_id=1, name="黑名单"), Tag(tag_id=127, name="广东", count=5)],
    ),
    (
        lambda api: api.rename_tag(134, "广东人"),
        OK,
        "tags/update",
        {"tag": {"id": 134, "name": "广东人"}},
        None,
    ),
    (lambda api: api.delete_tag(134), OK, "tags/delete", {"tag": {"id": 134}}, None),
    (
        lambda api: api.tag_followers(134, (OPENID,)),
        OK,
        "tags/members/batchtagging",
        {"openid_list": [OPENID], "tagid": 134},
        None,
    ),
    (
        lambda api: api.untag_followers(134, (OPENID,)),
        OK,
        "tags/members/batchuntagging",
        {"openid_list": [OPENID], "tagid": 134},
        None,
    ),
    (
        lambda api: api.tags_of(OPENID),
        {"tagid_list": [134, 2]},
        "tags/getidlist",
        {"openid": OPENID},
        [134, 2],
    ),
    (
        lambda api: api.user_info(OPENID),
        {
            "subscribe": 1,
            "openid": OPENID,
            "language": "zh_CN",
            "subscribe_time": 1382694957,
            "unionid": "o6_bmasdasdsad6_2sgVt7hMZOPfL",
            "remark": "",
            "groupid": 0,
            "tagid_list": [128, 2],
            "subscribe_scene": "ADD_SCENE_QR_CODE",
            "qr_scene": 98765,
            "qr_scene_str": "",
        },
        "user/info",
        None,
        UserInfo(
            is_following=True,
            subscribed_at=1382694957,
            subscribe_scene="ADD_SCENE_QR_CODE",
            qr_scene=98765,
            unionid="o6_bmasdasdsad6_2sgVt7hMZOPfL",
            tag_ids=(128, 2),
        ),
    ),
    (
        lambda api: api.user_info(OPENID),
        {"subscribe": 0, "openid": OPENID, "tagid_list": []},
        "user/info",
        None,
        UserInfo(is_following=False),
    ),
]


@pytest.mark.parametrize(("use", "answer", "path", "body", "result"), CALLS)
def test_call_asks_and_reads_as_documented(
    *, use: Callable[[ApiClient], object], answer: object, path: str, body: object, result: object
) -> None:
    recorder = Recorder(answer)

    assert use(client_of(recorder)) == result

    (asked,) = recorder.asked
    assert asked.url == f"https://api.weixin.qq.com{path if path.startswith('/') else f'/cgi-bin/{path}'}"
    assert asked.query["access_token"] == "token"
    assert (asked.method, json.loads(asked.body or b"null")) == ("POST" if body else "GET", body)


def test_text_that_is_too_long_is_clipped_as_in_an_answer() -> None:
    recorder = Recorder(OK)

    client_of(recorder).send_service_message(OPENID, replies.Text("字" * 1000))

    content = json.loads(recorder.asked[0].body)["text"]["content"]
    assert len(content.encode()) <= 2048 and content.endswith("字…")


def test_text_is_sent_as_it_is_and_not_as_escapes() -> None:
    recorder = Recorder(OK)

    client_of(recorder).send_service_message(OPENID, replies.Text("你好 🎉"))

    assert "你好 🎉".encode() in recorder.asked[0].body


@pytest.mark.parametrize(
    ("reply", "content"),
    [
        (replies.Image("m"), {"image": {"media_id": "m"}}),
        (replies.Voice("m"), {"voice": {"media_id": "m"}}),
        (replies.Video("m", title="t"), {"video": {"media_id": "m", "title": "t", "description": ""}}),
        (
            replies.Music("m", url="https://m.example"),
            {
                "music": {
                    "title": "",
                    "description": "",
                    "musicurl": "https://m.example",
                    "hqmusicurl": "",
                    "thumb_media_id": "m",
                }
            },
        ),
        (
            replies.News((replies.Article("one", url="https://n.example"), replies.Article("two"))),
            {
                "news": {
                    "articles": [
                        {"title": "one", "description": "", "url": "https://n.example", "picurl": ""}
                    ]
                }
            },
        ),
    ],
)
def test_every_reply_has_its_form_as_a_message(reply: replies.Reply, content: dict[str, object]) -> None:
    recorder = Recorder(OK)

    client_of(recorder).send_service_message(OPENID, reply)

    assert json.loads(recorder.asked[0].body) == {"touser": OPENID, "msgtype": next(iter(content)), **content}


def test_transfer_is_no_message() -> None:
    with pytest.raises(ValueError, match="return it from a handler"):
        client_of(Recorder(OK)).send_service_message(OPENID, replies.Transfer())


@pytest.mark.parametrize("answer", [[1], "text", None, {"errcode": "0"}, {}, {"tags": 1}, {"tags": [1]}])
def test_foreign_answer_is_an_error(answer: object) -> None:
    with pytest.raises(UnreachableError, match="not WeChat's"):
        client_of(Recorder(answer)).tags()


@pytest.mark.parametrize(
    ("content", "remark"),
    [
        (b'{"subscribe":1,"remark":"vip\x10"}', "vip\x10"),
        (b'{"subscribe":1,"remark":"a\nb\tc"}', "a\nb\tc"),
        ('{"subscribe":1,"remark":"小店'.encode()[:-1] + b'"}', "小\ufffd"),
    ],
)
def test_answer_is_read_whatever_is_in_the_texts_that_people_typed(content: bytes, remark: str) -> None:
    assert client_of(answering(content)).user_info(OPENID).remark == remark


@pytest.mark.parametrize("content", [b"[" * 200_000, b'{"access_token":' * 200_000, b'{"errcode":\xff}'])
def test_answer_that_cannot_be_read_is_an_error_of_every_call(content: bytes) -> None:
    http = answering(content)
    api = client_of(http)

    with pytest.raises(UnreachableError, match="not WeChat's"):
        api.tags()
    with pytest.raises(UnreachableError, match="not WeChat's"):
        TokenCall(http).fetch(api.account, is_forced=False)
    with pytest.raises(UnreachableError, match="not WeChat's"):
        OAuth(api.account, http).exchange("code")


@pytest.mark.parametrize("told", [5, "134", {"134": 1}])
def test_tags_that_are_no_list_are_an_error(told: object) -> None:
    api = client_of(Recorder({"subscribe": 1, "tagid_list": told}))

    with pytest.raises(UnreachableError, match="not WeChat's"):
        api.user_info(OPENID)
    with pytest.raises(UnreachableError, match="not WeChat's"):
        api.tags_of(OPENID)


@pytest.mark.parametrize(("seconds", "tries"), [(0.1, 3), (0.5, 2), (3.5, 1)])
def test_busy_wechat_is_asked_again_only_while_the_call_can_end_in_time(seconds: float, tries: int) -> None:
    began = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
    passed: list[float] = []

    def send(*_: Any, **__: Any) -> Answer:
        passed.append(seconds)
        return Answer(status=200, content=b'{"errcode":-1,"errmsg":"system error"}')

    api = ApiClient(
        client_of(None).account,
        token=Fixed(),
        http=cast(Http, SimpleNamespace(send=send)),
        now=lambda: began + timedelta(seconds=sum(passed)),
        sleep=passed.append,
    )

    with pytest.raises(BusyError):
        api.tags()

    assert passed.count(seconds) == tries
    # The last try could have taken as long as any.
    assert sum(passed) - seconds + TOTAL_SECONDS <= 5


def test_error_about_a_person_does_not_show_who() -> None:
    recorder = Recorder({"errcode": 45015, "errmsg": f"response out of time limit {OPENID}"})

    with pytest.raises(ApiError, match="too late to write") as refused:
        client_of(recorder).send_service_message(OPENID, replies.Text("private words"))

    assert OPENID not in str(refused.value) and "private" not in str(refused.value)


def test_housekeeping_calls_work_on_the_emulator() -> None:
    world = World(account=Account(callback_url="http://127.0.0.1/wechat"))
    token = world.tokens.issue_classic(world.clock.now())[0]
    source = SimpleNamespace(current=lambda: token, refused=lambda _: token)
    with run_emulator(world) as running:
        account = ApiAccount(name="default", appid=world.account.appid, secret="secret", api_base=running.url)
        api = ApiClient(account, token=source)
        api.create_qrcode(scene="door", is_permanent=False, expires_in=60)

        assert api.callback_ips() == ("127.0.0.1",)
        assert set(api.check_callback()) == {"dns", "ping"}
        assert api.quota("qrcode/create") == Quota(daily_limit=100000, used=1, remain=99999)
        api.clear_quota()
        assert api.quota("qrcode/create").used == 0
        with pytest.raises(ApiError, match="76021"):
            api.quota("no/such/path")
