"""The administration of webhooks: addresses with a secret each, what was posted to them.

The vendor names the calls and no shapes; keys are this sandbox's. The connector needs none of it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from connector.sandbox.shortkit.answers import NOT_FOUND, Answer, accept, refuse
from connector.sandbox.shortkit.posting import post_webhook
from connector.sandbox.shortkit.rows import write_stamp
from connector.sandbox.shortkit.signing import sign_webhook
from connector.sandbox.world import World

_OLD_SECRET_S = 3600


@dataclass(frozen=True, slots=True)
class Post:
    """What was posted to an address; `status` is 0 where nobody answered."""

    id: str
    event: str
    body: bytes
    status: int
    at: float

    def describe(self) -> dict[str, Any]:
        """A row of the list of deliveries."""
        told = {"id": self.id, "event": self.event, "statusCode": self.status}
        return told | {"createdAt": write_stamp(self.at)}


@dataclass(slots=True)
class Hook:
    """One address and its secret; the one before is good until `old_until` (unix seconds)."""

    id: str
    url: str
    events: tuple[str, ...]
    secret: str
    created_at: float
    status: str = "active"
    old_secret: str = ""
    old_until: float = 0.0
    posts: list[Post] = field(default_factory=list)

    def describe(self) -> dict[str, Any]:
        """The address without its secret."""
        told = {"id": self.id, "url": self.url, "events": list(self.events), "status": self.status}
        return told | {"createdAt": write_stamp(self.created_at)}


class Hooks:
    """The addresses of one organisation. Callers hold `world.lock`, but not for `post`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._hooks: dict[str, Hook] = {}
        self._ids = Random(f"hooks {world.scenario.seed}")

    def create(self, given: Mapping[str, Any]) -> Answer:
        """A new address; the answer is the only one that shows its secret but a rotation's."""
        url, events = given.get("url"), given.get("events", ["export.ready"])
        if not isinstance(url, str) or not url.startswith("http"):
            return refuse(400, "MISSING_PARAMETER", "url is required", "url")
        if not isinstance(events, list):
            return refuse(400, "INVALID_PARAMETER", "events must be a list", "events")
        now = self._world.clock.timestamp()
        hook = Hook(self._new_id("wh_"), url, tuple(events), self._new_id("whsec_"), now)
        self._hooks[hook.id] = hook
        return accept(hook.describe() | {"secret": hook.secret}, 201)

    def list_all(self) -> Answer:
        """Every address."""
        return accept([hook.describe() for hook in self._hooks.values()], total=len(self._hooks))

    def get(self, number: str) -> Answer:
        """One address."""
        hook = self._hooks.get(number)
        return NOT_FOUND if hook is None else accept(hook.describe())

    def change(self, number: str, given: Mapping[str, Any]) -> Answer:
        """Another URL, other events or another status."""
        hook = self._hooks.get(number)
        if hook is None:
            return NOT_FOUND
        hook.url = str(given.get("url", hook.url))
        hook.events = tuple(given.get("events", hook.events))
        hook.status = str(given.get("status", hook.status))
        return accept(hook.describe())

    def remove(self, number: str) -> Answer:
        """Forget an address."""
        return NOT_FOUND if self._hooks.pop(number, None) is None else accept(None, 204)

    def rotate(self, number: str) -> Answer:
        """A new secret; the old one is good for an hour more."""
        hook = self._hooks.get(number)
        if hook is None:
            return NOT_FOUND
        hook.old_secret, hook.secret = hook.secret, self._new_id("whsec_")
        hook.old_until = self._world.clock.timestamp() + _OLD_SECRET_S
        return accept({"secret": hook.secret, "previousValidUntil": write_stamp(hook.old_until)})

    def list_posts(self, number: str) -> Answer:
        """What was posted to an address, oldest first."""
        hook = self._hooks.get(number)
        if hook is None:
            return NOT_FOUND
        return accept([post.describe() for post in hook.posts], total=len(hook.posts))

    def post(self, number: str, post_id: str = "") -> Answer:
        """Post a trial to an address, or once more what was posted before; takes the time it takes."""
        hook = self._hooks.get(number)
        known = {post.id: post for post in hook.posts} if hook is not None else {}
        if hook is None or (post_id and post_id not in known):
            return NOT_FOUND
        now = self._world.clock.timestamp()
        told = {"event": "webhook.test", "data": {}, "timestamp": write_stamp(now)}
        body = known[post_id].body if post_id else json.dumps(told).encode()
        event = known[post_id].event if post_id else "webhook.test"
        delivery_id = self._new_id("dlv_")
        headers = {
            "Content-Type": "application/json",
            "X-Shortform-Webhook-ID": hook.id,
            "X-Shortform-Delivery-ID": delivery_id,
            **sign_webhook("A", hook.secret, body, now),
        }
        status = post_webhook(hook.url, body, headers)
        hook.posts.append(Post(delivery_id, event, body, status, now))
        return accept(hook.posts[-1].describe())

    def _new_id(self, prefix: str) -> str:
        return f"{prefix}{self._ids.getrandbits(48):012x}"
