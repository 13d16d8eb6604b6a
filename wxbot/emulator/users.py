"""What WeChat tells the account about people: little of themselves, and how they came to follow."""

from typing import Any

from flask import request

from wxbot.emulator.calling import Answer, check_token, check_verified, count_call, json_body
from wxbot.emulator.refusals import Refusal
from wxbot.emulator.world import World, page_of, unionid_of

MOST_IN_A_BATCH = 100
# Not told since the end of 2021, though the keys may still be there.
BLANK_PROFILE = {
    "nickname": "",
    "sex": 0,
    "language": "",
    "city": "",
    "province": "",
    "country": "",
    "headimgurl": "",
}


class UserCalls:
    """The calls about people. Each raises Refusal where WeChat gives an error code."""

    def __init__(self, world: World) -> None:
        self._world = world

    def read_info(self) -> Answer:
        """GET user/info: one person; of somebody who does not follow hardly more than that."""
        check_token(self._world)
        check_verified(self._world)
        count_call(self._world, "user/info")
        return self._info(request.args.get("openid"))

    def read_infos(self) -> Answer:
        """POST user/info/batchget: up to a hundred people."""
        check_token(self._world)
        asked = json_body().get("user_list")
        check_verified(self._world)
        if not isinstance(asked, list) or not 1 <= len(asked) <= MOST_IN_A_BATCH:
            raise Refusal(40032)
        openids = [item.get("openid") if isinstance(item, dict) else None for item in asked]
        return {"user_info_list": [self._info(openid) for openid in openids]}

    def read_followers(self) -> Answer:
        """GET user/get: the openids of all followers, in pages."""
        check_token(self._world)
        check_verified(self._world)
        count_call(self._world, "user/get")
        followers = [person for person in self._world.people.values() if person.state == "following"]
        everybody = [person.openid for person in sorted(followers, key=lambda person: person.followed_at)]
        openids, next_openid = page_of(everybody, request.args.get("next_openid"))
        data = {"data": {"openid": openids}} if openids else {}
        return {"total": len(everybody), "count": len(openids), **data, "next_openid": next_openid}

    def _info(self, openid: object) -> Answer:
        world = self._world
        if not isinstance(openid, str) or openid not in world.people:
            raise Refusal(40003)
        person = world.person(openid)
        unionid: dict[str, Any] = {"unionid": unionid_of(person.name)} if world.rules.tells_unionids else {}
        tag_ids = sorted(world.tags_of[openid])
        if person.state != "following":
            return {"subscribe": 0, "openid": openid, "tagid_list": [], **unionid}
        return {
            "subscribe": 1,
            "openid": openid,
            **(BLANK_PROFILE if world.rules.blank_profiles else {}),
            "subscribe_time": person.followed_at,
            **unionid,
            "remark": "",
            "groupid": tag_ids[0] if tag_ids else 0,
            "tagid_list": tag_ids,
            "subscribe_scene": person.subscribe_scene,
            "qr_scene": person.qr_scene,
            "qr_scene_str": person.qr_scene_str,
        }
