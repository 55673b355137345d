"""The portal's scheduled exports and the webhooks that announce them, with their retries."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.errors import ConfigError
from connector.sandbox.shortkit.asks import Ask, read_day
from connector.sandbox.shortkit.describing import size_text
from connector.sandbox.shortkit.jobs import Job
from connector.sandbox.shortkit.rows import DAY_S, write_day, write_stamp
from connector.sandbox.shortkit.service import ShortKitService
from connector.sandbox.shortkit.signing import sign_webhook, spoil_signature

RETRY_S = (60, 300, 1800, 7200, 86_400)
"""Seconds from each try to the next one; with the first there are six."""

_WEBHOOK_ID = "wh_sandbox"


@dataclass(frozen=True, slots=True)
class Webhook:
    """One delivery as it is posted to `url`."""

    export_id: str
    delivery_id: str
    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Signing:
    """How webhooks are signed. `secret` "" is the scenario's."""

    secret: str = ""
    recipe: str = "A"


@dataclass(frozen=True, slots=True)
class Spoiling:
    """What is wrong with a webhook.

    `bad_signature`: the last digit is another one. `stale_s`: signed so many seconds ago.
    `forged_host`: the link leads there (scheme and host). `event`: another event. `body`: the text
    to send instead, signed as it is.
    """

    bad_signature: bool = False
    stale_s: float = 0.0
    forged_host: str = ""
    event: str = "export.ready"
    body: str | None = None


@dataclass(slots=True)
class Planned:
    """A scheduled export until its receiver has it, or all tries are used up (unix seconds)."""

    export_id: str
    next_at: float
    tries: int = 0
    statuses: list[int] = field(default_factory=list)

    def note(self, status: int, now: float) -> None:
        """Keep the outcome of a try; anything but 2xx is tried again."""
        self.statuses.append(status)
        is_over = 200 <= status < 300 or self.tries >= len(RETRY_S)
        self.next_at = float("inf") if is_over else now + RETRY_S[self.tries]
        self.tries += 1


class Webhooks:
    """Scheduled exports of one scenario. Callers hold `world.lock`, but not while they post."""

    def __init__(self, service: ShortKitService) -> None:
        self._service = service
        self._sent: dict[str, Webhook] = {}
        self._planned: dict[str, list[Planned]] = {}
        self._next_day: dict[str, int] = {}
        self._number = 0

    def make(self, first: int, last: int) -> Job:
        """A scheduled export of these days (UTC, from 1970-01-01, inclusive), done at once."""
        service, now = self._service, self._service.advance()
        text = write_day(last + 1).replace("-", "")
        export_id = f"exp_{'daily' if first == last else 'weekly'}_{text}"
        same = sum(job.startswith(export_id) for job in service.jobs)
        if same:
            export_id = f"{export_id}_{same + 1}"
        types = tuple(service.settings.scheduled_types)
        job = Job(export_id, now, Ask(first, last, last, types), kind="schedule")
        service.jobs[job.id] = job
        service.finish(job, now)
        return job

    def write(
        self, url: str, export_id: str, signing: Signing, spoiling: Spoiling | None = None
    ) -> Webhook:
        """The webhook that announces an export, signed now."""
        spoiling = spoiling or Spoiling()
        job = self._service.jobs.get(export_id)
        if job is None or job.kind != "schedule":
            raise ConfigError(f"webhook: no scheduled export {export_id!r}")
        secret = signing.secret or self._service.world.scenario.webhook_secret
        at = self._service.world.clock.timestamp() - spoiling.stale_s
        body = self._describe(job, spoiling) if spoiling.body is None else spoiling.body.encode()
        headers = sign_webhook(signing.recipe, secret, body, at)
        if spoiling.bad_signature:
            headers, secret = spoil_signature(headers), secret + "x"
        self._number += 1
        delivery_id = f"dlv_{self._number:08x}"
        webhook = Webhook(
            export_id=export_id,
            delivery_id=delivery_id,
            url=f"{url.rstrip('/')}/{secret}" if signing.recipe == "D" else url,
            body=body,
            headers={
                "Content-Type": "application/json",
                "X-Shortform-Webhook-ID": _WEBHOOK_ID,
                "X-Shortform-Delivery-ID": delivery_id,
                **headers,
            },
        )
        self._sent[export_id] = webhook
        return webhook

    def find(self, export_id: str) -> Webhook:
        """The last webhook of an export, to be sent again word for word."""
        if export_id not in self._sent:
            raise ConfigError(f"webhook: nothing was sent of export {export_id!r}")
        return self._sent[export_id]

    def note(self, webhook: Webhook, status: int) -> dict[str, Any]:
        """Keep what became of a webhook; the form of an item of `webhooks`."""
        told = {
            "export_id": webhook.export_id,
            "delivery_id": webhook.delivery_id,
            "url": webhook.url,
            "body": webhook.body.decode("utf-8", "replace"),
            "headers": dict(webhook.headers),
            "status": status,
            "at": self._service.world.clock.timestamp(),
        }
        self._service.log.add("webhooks", **told)
        return told

    def plan(self, url: str, hour: int, days: int, since: str | None) -> list[Planned]:
        """The exports whose webhook is due now: new ones of the schedule, and tries again.

        An export of `days` days is made at `hour` (UTC) of the day after them, the first of days
        from `since` on (left out: the last ones there are).
        """
        now = self._service.advance()
        planned = self._planned.setdefault(url, [])
        today = int(now) // DAY_S - (int(now) % DAY_S < hour * 3600)
        start = self._next_day.get(url, read_bound(since, today - days))
        while start + days <= today:
            planned.append(Planned(self.make(start, start + days - 1).id, now))
            start += days
        self._next_day[url] = start
        return [item for item in planned if item.next_at <= now]

    def _describe(self, job: Job, spoiling: Spoiling) -> bytes:
        ask, build = job.ask, job.build
        assert ask is not None
        assert build is not None
        describer = self._service.describer
        data = {
            "exportId": job.id,
            "dateRange": {"start": write_day(ask.first), "end": write_day(ask.end)},
            "downloadUrl": describer.link(job, build.parts[0].name, spoiling.forged_host),
            "expiresAt": describer.expires_at(job),
            "fileSize": size_text(sum(part.size for part in build.parts)),
        }
        stamp = write_stamp(self._service.world.clock.timestamp())
        told = {"event": spoiling.event, "data": data, "timestamp": stamp}
        return json.dumps(told | {"webhookId": _WEBHOOK_ID}, separators=(",", ":")).encode()


def read_bound(text: str | None, default: int) -> int:
    """A day of a control; ConfigError where the text is no ISO date."""
    if not text:
        return default
    try:
        return read_day(text)
    except ValueError as error:
        raise ConfigError(f"webhook: {error}") from None
