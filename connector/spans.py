"""Ranges of time that units lie in, what no unit covers, and when a range is looked at again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

_LOOK_DAYS = (1, 2, 4, 8, 16, 32, 64)


class Ranged(Protocol):
    """What has half-open bounds: a span, a unit."""

    @property
    def lower_at(self) -> datetime:
        """Its start, aware UTC."""
        ...

    @property
    def upper_at(self) -> datetime:
        """Its end, aware UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range, aware UTC."""

    lower_at: datetime
    upper_at: datetime


def find_gaps(held: Iterable[Ranged], begin: datetime, end: datetime) -> Iterator[Span]:
    """What of `begin` to `end` nothing in `held` covers."""
    reached = begin
    for one in sorted(held, key=lambda one: one.lower_at):
        if one.lower_at > reached and reached < end:
            yield Span(reached, min(one.lower_at, end))
        reached = max(reached, one.upper_at)
    if reached < end:
        yield Span(reached, end)


def late_looks(days: float) -> tuple[timedelta, ...]:
    """When a range whose rows come, or change, for up to `days` is loaded again: ever more seldom."""
    steps = [timedelta(days=step) for step in _LOOK_DAYS if step < days]
    return (*steps, timedelta(days=days)) if days else ()
