"""How long to wait before a request is sent again: as the vendor asks, or ever longer."""

import random
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol


class Answer(Protocol):
    """What has headers."""

    @property
    def headers(self) -> Mapping[str, str]:
        """By name, in any case."""
        ...


def read_retry_after(response: Answer) -> float | None:
    """Seconds the `Retry-After` header asks for, given as a number or as a date; else None."""
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    with suppress(ValueError):
        return max(0.0, float(value))
    with suppress(ValueError):
        due_at = parsedate_to_datetime(value)
        if due_at.tzinfo is None:  # HTTP dates are GMT, whether they say so or not
            due_at = due_at.replace(tzinfo=UTC)
        return max(0.0, (due_at - datetime.now(UTC)).total_seconds())
    return None


def grow_waits(first_s: float, most_s: float) -> Iterator[float]:
    """Waits that double up to `most_s`, each with up to a quarter of jitter added."""
    wait_s = first_s
    while True:
        yield wait_s * random.uniform(1.0, 1.25)  # noqa: S311 - jitter, not a secret
        wait_s = min(wait_s * 2, most_s)
