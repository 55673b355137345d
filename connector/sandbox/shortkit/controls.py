"""The controls of the video export: what a test may look at and change."""

from typing import Any

from connector.errors import ConfigError
from connector.sandbox.faults import FaultBook
from connector.sandbox.shortkit.posting import ANSWER_S, post_webhook
from connector.sandbox.shortkit.rows import DAY_S
from connector.sandbox.shortkit.service import ShortKitService
from connector.sandbox.shortkit.truth import count_video_truth, list_video_truth
from connector.sandbox.shortkit.webhooks import Signing, Spoiling, Webhooks, read_bound
from connector.sandbox.world import World


class ShortKitControls:
    """Methods of `Emulator` that are about ShortKit. Days are ISO dates in UTC."""

    world: World

    def __init__(self, world: World, faults: FaultBook) -> None:
        self.shortkit = ShortKitService(world, faults)
        self._webhooks = Webhooks(self.shortkit)

    def add_video_export(self, data_type: str, **declared: Any) -> None:
        """Put a made-up export in place of the population on a range of days.

        `since`, `until` (days, both included; left out or "any": open) and one of `rows` (JSON
        objects as they are to be sent), `body` (text or bytes), `body_base64`, `path` (served as
        it is); optional `row_count`, which is declared of a body.
        """
        with self.world.lock:
            self.shortkit.maker.inject({"data_type": data_type, **declared})

    def shortkit_truth(
        self,
        data_type: str,
        since: str | None = None,
        until: str | None = None,
        *,
        retention: bool = True,
    ) -> dict[str, Any]:
        """Every row of a data type; form in `shortkit.truth.list_video_truth`."""
        with self.world.lock:
            return list_video_truth(self.shortkit, data_type, since, until, kept=retention)

    def video_truth(self, since: str | None = None, until: str | None = None) -> dict[str, Any]:
        """Numbers of playback and ads per day; form in `shortkit.truth.count_video_truth`."""
        with self.world.lock:
            return count_video_truth(self.shortkit, since, until)

    def shortkit_requests(self) -> dict[str, Any]:
        """What was asked of the video export; form in `shortkit.statistics.RequestLog`."""
        return self.shortkit.log.describe()

    def shortkit_jobs(self) -> dict[str, Any]:
        """Every export there is or was, oldest first, those of other clients included."""
        with self.world.lock:
            return {"jobs": self.shortkit.describe_queue()}

    def add_foreign_video_jobs(self, count: int, seconds: float) -> None:
        """Let another client of the organisation have exports at work, each of `seconds`."""
        with self.world.lock:
            self.shortkit.add_foreign(count, seconds)

    def erase_person(self, user_id: str) -> dict[str, Any]:
        """Let somebody else erase a user, as DELETE does; ConfigError where there is none."""
        with self.world.lock:
            rows = self.shortkit.forget(user_id)
        if not rows:
            raise ConfigError(f"erase: ShortKit has no user {user_id!r}")
        return {"rows": rows}

    def send_webhook(
        self,
        url: str,
        *,
        secret: str = "",
        recipe: str = "A",
        start: str | None = None,
        end: str | None = None,
        export_id: str = "",
        replay: bool = False,
        answer_s: float = ANSWER_S,
        **spoiling: Any,
    ) -> dict[str, Any]:
        """Announce a scheduled export of days `start` to `end` (yesterday) to a receiver.

        With `export_id` it is one announced before, under a new delivery id, or with `replay` word
        for word. `spoiling` has the keys of `shortkit.webhooks.Spoiling`. The answer has
        `export_id`, `delivery_id`, `url`, `body`, `headers`, `at`, and the `status` of the answer
        within `answer_s` seconds, 0 for none. With recipe D the secret is put after the URL.
        """
        with self.world.lock:
            if replay:
                webhook = self._webhooks.find(export_id)
            else:
                today = int(self.world.clock.timestamp()) // DAY_S
                first = read_bound(start, read_bound(end, today - 1))
                number = export_id or self._webhooks.make(first, read_bound(end, first)).id
                signing, spoiled = Signing(secret, recipe), Spoiling(**spoiling)
                webhook = self._webhooks.write(url, number, signing, spoiled)
        status = post_webhook(webhook.url, webhook.body, webhook.headers, answer_s)
        return self._webhooks.note(webhook, status)

    def run_schedule(
        self,
        url: str,
        *,
        secret: str = "",
        recipe: str = "A",
        since: str | None = None,
        days: int = 1,
        hour: int = 1,
        is_reversed: bool = False,
        answer_s: float = ANSWER_S,
    ) -> list[dict[str, Any]]:
        """Send every webhook of a schedule that is due by the sandbox's clock.

        An export of `days` days is announced from `hour` (UTC) of the next day on, the first one of
        days from `since`; what gets no 2xx is sent again 1 min, 5 min, 30 min, 2 h and 24 h after
        the try before. `is_reversed`: the newest goes first. Items as of `send_webhook`.
        """
        with self.world.lock:
            due = self._webhooks.plan(url, hour, days, since)
        sent = []
        for planned in reversed(due) if is_reversed else due:
            with self.world.lock:
                webhook = self._webhooks.write(url, planned.export_id, Signing(secret, recipe))
            status = post_webhook(webhook.url, webhook.body, webhook.headers, answer_s)
            with self.world.lock:
                planned.note(status, self.world.clock.timestamp())
            sent.append(self._webhooks.note(webhook, status))
        return sent
