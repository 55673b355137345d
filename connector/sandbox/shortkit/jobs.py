"""One export from create to its dead link: what its state is at a moment."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from connector.sandbox.faults import Fault
from connector.sandbox.scenario import ShortKit
from connector.sandbox.shortkit.asks import Ask
from connector.sandbox.shortkit.building import Build

QUEUED, PROCESSING, COMPLETE, FAILED, CANCELLED, EXPIRED = (
    "queued",
    "processing",
    "complete",
    "failed",
    "cancelled",
    "expired",
)
"""The states of an export, as they are spelled."""

_HOLDS = ("video_queued", "never_ready", "stuck", "progress_backwards", "video_status")
_FORGOTTEN_S = 3600.0
_QUEUED_SHARE = 0.25


@dataclass(slots=True)
class Job:
    """One export. `ask` is None for another client's; unix seconds of the sandbox's clock.

    `status` is "" while it is at work. `kind` tells who it is for: a `client`, another client
    (`foreign`), the portal's schedule, or one person (`user_id`).
    """

    id: str
    created_at: float
    ask: Ask | None = None
    kind: Literal["client", "foreign", "schedule", "person"] = "client"
    user_id: str = ""
    takes_s: float = 0.0
    faults: Sequence[Fault] = ()
    estimate: int = 0
    polls: int = 0
    status: str = ""
    done_at: float = 0.0
    build: Build | None = None
    link_number: int = 0
    refused_downloads: int = 0
    begun_downloads: int = 0

    @property
    def is_own(self) -> bool:
        """True for what a client asked for over the API, which the limits of jobs are about."""
        return self.kind in {"client", "foreign"}

    def fault(self, kind: str) -> Fault | None:
        """The fault of a kind that goes with this export."""
        return next((fault for fault in self.faults if fault.kind == kind), None)

    def hold(self) -> Fault | None:
        """The fault that keeps it from being done, while it does."""
        for fault in self.faults:
            if fault.kind in _HOLDS:
                polls = int(fault.params["polls"])
                if self.polls <= polls or (not polls and fault.kind != "progress_backwards"):
                    return fault
        return None

    def ready_at(self, settings: ShortKit, now: float) -> float | None:
        """When it is done, as far as that is known by now."""
        if self.takes_s:
            return self.created_at + self.takes_s
        if any(fault.kind in _HOLDS for fault in self.faults):
            return None if self.hold() else now
        if not settings.prepare_polls:
            return self.created_at + settings.prepare_s
        is_forgotten = now - self.created_at >= _FORGOTTEN_S
        return now if self.polls > settings.prepare_polls or is_forgotten else None

    def state(self, settings: ShortKit, now: float) -> tuple[str, float]:
        """The status and, from 0 to 0.99, how much is done."""
        if self.status:
            return self.status, 1.0
        hold = self.hold()
        if hold is not None:
            return _held_state(hold, self.polls)
        if settings.prepare_polls and not self.takes_s:
            done = self.polls / (settings.prepare_polls + 1)
            return (QUEUED if self.polls <= 1 else PROCESSING), min(0.99, done)
        takes_s = self.takes_s or settings.prepare_s or 1.0
        done = max(0.0, min(0.99, (now - self.created_at) / takes_s))
        return (QUEUED if done < _QUEUED_SHARE else PROCESSING), done

    def life_s(self, settings: ShortKit) -> float:
        """How many seconds after being done its file and link live."""
        return settings.link_days * 86_400

    def sign(self, name: str, expires: int) -> str:
        """The signature of the present link to one of its files."""
        text = f"{self.id}/{name}/{expires}/{self.link_number}"
        return hashlib.blake2b(text.encode(), digest_size=20, key=b"sandbox").hexdigest()


def _held_state(hold: Fault, polls: int) -> tuple[str, float]:
    if hold.kind == "video_queued":
        return QUEUED, 0.0
    if hold.kind == "video_status":
        return str(hold.params["status"]), 0.5
    if hold.kind == "stuck":
        return PROCESSING, float(hold.params["progress"]) / 100
    if hold.kind == "progress_backwards":
        return PROCESSING, max(5.0, 90.0 - 20.0 * polls) / 100
    return PROCESSING, 0.1
