"""Tags: names that the account gives to its followers, with WeChat's limits."""

from typing import Any

from wxbot.emulator.calling import OK, Answer, check_token, check_verified, count_call, json_body
from wxbot.emulator.refusals import Refusal
from wxbot.emulator.world import FIRST_OWN_TAG, World, page_of

MOST_TAGS = 100
MOST_TAGS_OF_ONE = 20
MOST_OPENIDS = 50
LONGEST_NAME = 30


class TagCalls:
    """The calls about tags. Each raises Refusal where WeChat gives an error code."""

    def __init__(self, world: World) -> None:
        self._world = world

    def create(self) -> Answer:
        """POST tags/create: a new tag; the answer has no count."""
        asked = self._asked()
        count_call(self._world, "tags/create")
        tags = self._world.tags
        if sum(tag_id >= FIRST_OWN_TAG for tag_id in tags) >= MOST_TAGS:
            raise Refusal(45056)
        name = self._new_name(_tag(asked))
        with self._world.changing():
            tag_id = self._world.new_tag_id()
            tags[tag_id] = name
        return {"tag": {"id": tag_id, "name": name}}

    def read(self) -> Answer:
        """GET tags/get: all tags, WeChat's own as well."""
        check_token(self._world)
        check_verified(self._world)
        return {
            "tags": [
                {"id": tag_id, "name": name, "count": len(self._world.members_of(tag_id))}
                for tag_id, name in self._world.tags.items()
            ]
        }

    def rename(self) -> Answer:
        """POST tags/update: another name for a tag."""
        tag = _tag(self._asked())
        tag_id = self._own_tag(tag.get("id"))
        name = self._new_name(tag, tag_id=tag_id)
        with self._world.changing():
            self._world.tags[tag_id] = name
        return OK

    def delete(self) -> Answer:
        """POST tags/delete: a tag goes, and its followers lose it."""
        world = self._world
        tag_id = self._own_tag(_tag(self._asked()).get("id"))
        with world.changing():
            del world.tags[tag_id]
            for tag_ids in world.tags_of.values():
                tag_ids.discard(tag_id)
        return OK

    def tag(self) -> Answer:
        """POST tags/members/batchtagging: a tag for up to fifty followers."""
        tag_id, openids = self._batch()
        tags_of = self._world.tags_of
        if any(len(tags_of[openid] - {tag_id}) >= MOST_TAGS_OF_ONE for openid in openids):
            raise Refusal(45059)
        done = len(openids) - min(self._world.trouble.untaggable, len(openids))
        with self._world.changing():
            for openid in openids[:done]:
                tags_of[openid].add(tag_id)
        return _partly_done(openids[done:])

    def untag(self) -> Answer:
        """POST tags/members/batchuntagging: up to fifty followers lose a tag, which they need not have."""
        tag_id, openids = self._batch()
        done = len(openids) - min(self._world.trouble.untaggable, len(openids))
        with self._world.changing():
            for openid in openids[:done]:
                self._world.tags_of[openid].discard(tag_id)
        return _partly_done(openids[done:])

    def read_of_person(self) -> Answer:
        """POST tags/getidlist: the tags of one person."""
        openid = self._asked().get("openid")
        if not isinstance(openid, str) or not openid:
            raise Refusal(40003)
        if openid not in self._world.people:
            raise Refusal(49003)
        return {"tagid_list": sorted(self._world.tags_of[openid])}

    def read_members(self) -> Answer:
        """POST user/tag/get: the followers with a tag, in pages."""
        asked = self._asked()
        tag_id = asked.get("tagid")
        if type(tag_id) is not int or tag_id not in self._world.tags:
            raise Refusal(45159)
        openids, next_openid = page_of(self._world.members_of(tag_id), asked.get("next_openid"))
        data = {"data": {"openid": openids}} if openids else {}
        return {"count": len(openids), **data, "next_openid": next_openid}

    def _asked(self) -> Answer:
        check_token(self._world)
        asked = json_body(keeps_escapes=True)
        check_verified(self._world)
        return asked

    def _batch(self) -> tuple[int, list[str]]:
        asked = self._asked()
        tag_id, openids = asked.get("tagid"), asked.get("openid_list")
        if type(tag_id) is not int or tag_id not in self._world.tags:
            raise Refusal(45159)
        if not isinstance(openids, list) or not 1 <= len(openids) <= MOST_OPENIDS:
            raise Refusal(40032)
        for openid in openids:
            if not isinstance(openid, str) or openid not in self._world.people:
                raise Refusal(49003)
            if self._world.person(openid).state != "following":
                raise Refusal(50005)
        return tag_id, openids

    def _own_tag(self, tag_id: object) -> int:
        if type(tag_id) is not int or (tag_id >= FIRST_OWN_TAG and tag_id not in self._world.tags):
            raise Refusal(45159)
        if tag_id < FIRST_OWN_TAG:
            raise Refusal(45058)
        return tag_id

    def _new_name(self, tag: dict[str, Any], *, tag_id: int | None = None) -> str:
        name = tag.get("name")
        if not isinstance(name, str) or not name.strip():
            raise Refusal(45157)
        if len(name) > LONGEST_NAME:
            raise Refusal(45158)
        if any(name == taken and other != tag_id for other, taken in self._world.tags.items()):
            raise Refusal(45157)
        return name


def _tag(asked: Answer) -> dict[str, Any]:
    tag = asked.get("tag")
    if not isinstance(tag, dict):
        raise Refusal(47001)
    return tag


def _partly_done(failed: list[str]) -> Answer:
    if failed:
        raise Refusal(45171, more={"fail_openid_list": failed})
    return OK
