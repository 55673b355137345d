"""What an export covers, and what of it is still missing.

A box is a range of availability, by default of all event times and of all values of every filter.
One that is too large for the vendor is cut: in availability, then in event time, then by the values
of a filter, which are dealt out by their checksums. Boxes that are loaded may lie side by side in
any way; what is missing of a whole is again boxes, and none of them overlaps another.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import gcd, lcm
from typing import Any
from zlib import crc32

_MOMENT = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"(\d{8}T\d{6}Z)-(\d{8}T\d{6}Z)((?:~[^~]+)*)")
_EVENT = re.compile(r"event:(-?\d*)\.\.(-?\d*)")
_SHARE = re.compile(r"(\w+):(\d+)of(\d+)")
_ALL = (0, 1)
SHORTEST = timedelta(seconds=60)  # of a range of availability
_LEADS_S = (7 * 86_400, 86_400, 3_600, 0)  # before availability: where event times lie closest


@dataclass(frozen=True, slots=True)
class Box:
    """Half-open ranges of availability (aware UTC) and event time (unix seconds, None: open), and
    by filter the share `(k, n)`: the values whose checksum leaves k when divided by n.
    """

    lower_at: datetime
    upper_at: datetime
    event_from: int | None = None
    event_to: int | None = None
    shares: tuple[tuple[str, int, int], ...] = ()

    @property
    def name(self) -> str:
        """The box as text; `parse_box` reads it."""
        parts = [f"{self.lower_at:{_MOMENT}}-{self.upper_at:{_MOMENT}}"]
        if (self.event_from, self.event_to) != (None, None):
            parts.append(f"event:{_show(self.event_from)}..{_show(self.event_to)}")
        parts += [f"{name}:{k}of{n}" for name, k, n in self.shares]
        return "~".join(parts)

    @property
    def is_whole(self) -> bool:
        """True when it has all there is in its range of availability."""
        return (self.event_from, self.event_to, self.shares) == (None, None, ())

    def share(self, name: str) -> tuple[int, int]:
        """The share of a filter's values; (0, 1) is all of them."""
        return next(((k, n) for own, k, n in self.shares if own == name), _ALL)

    def take(self, name: str, values: Iterable[str]) -> tuple[str, ...]:
        """Those of a filter's values that are in the box."""
        return take(self.share(name), values)

    def deal(self, name: str, factor: int) -> list["Box"]:
        """The box in so many, each with a part of the filter's values."""
        k, n = self.share(name)
        others = tuple(share for share in self.shares if share[0] != name)
        return [
            replace(self, shares=tuple(sorted((*others, (name, k + part * n, n * factor)))))
            for part in range(factor)
        ]

    def cut_event(self, at: int) -> list["Box"]:
        """The box in two: before an event time, and from it on."""
        return [replace(self, event_to=at), replace(self, event_from=at)]

    def overlaps(self, other: "Box") -> bool:
        """True when something may be in both."""
        is_apart = self.upper_at <= other.lower_at or other.upper_at <= self.lower_at
        names = {name for name, _, _ in (*self.shares, *other.shares)}
        return (
            not is_apart
            and _is_before(self.event_from, other.event_to)
            and _is_before(other.event_from, self.event_to)
            and all(_share_values(self.share(name), other.share(name)) for name in names)
        )

    def cut_availability(self, at: datetime) -> list["Box"]:
        """The box in two: before a moment, and from it on."""
        return [replace(self, upper_at=at), replace(self, lower_at=at)]


def take(share: tuple[int, int], values: Iterable[str]) -> tuple[str, ...]:
    """The values that are in a share."""
    k, n = share
    return tuple(value for value in values if crc32(value.encode()) % n == k)


def parse_box(text: str) -> Box:
    """The box of a name; ValueError where it is none."""
    found = _NAME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} names no box")
    lower, upper, rest = found.groups()
    values: dict[str, Any] = {"lower_at": _read_moment(lower), "upper_at": _read_moment(upper)}
    shares = []
    for part in rest.split("~")[1:]:
        if event := _EVENT.fullmatch(part):
            values["event_from"], values["event_to"] = map(_read_bound, event.groups())
        elif share := _SHARE.fullmatch(part):
            shares.append((share[1], int(share[2]), int(share[3])))
        else:
            raise ValueError(f"{text!r} names no box: {part!r}")
    return Box(**values, shares=tuple(shares))


def _read_moment(text: str) -> datetime:
    return datetime.fromisoformat(text)  # ten times as fast as strptime, and there are thousands


def _read_bound(text: str) -> int | None:
    return int(text) if text else None


def _show(bound: int | None) -> str:
    return "" if bound is None else str(bound)


def find_missing(box: Box, held: Iterable[Box]) -> Iterator[Box]:
    """What of `box` is in none of `held`, in as few boxes as the cuts between those allow."""
    near = [other for other in held if box.overlaps(other)]
    if not near:
        yield box
    elif not any(_covers(other, box) for other in near):
        for piece in _cut_along(box, near[0]):
            yield from find_missing(piece, near)


def _is_before(lower: int | None, upper: int | None) -> bool:
    return lower is None or upper is None or lower < upper


def _share_values(one: tuple[int, int], two: tuple[int, int]) -> bool:
    return (one[0] - two[0]) % gcd(one[1], two[1]) == 0


def _covers(other: Box, box: Box) -> bool:
    names = {name for name, _, _ in other.shares}
    return (
        other.lower_at <= box.lower_at
        and box.upper_at <= other.upper_at
        and _reaches(other.event_from, box.event_from)
        and _reaches(_flip(other.event_to), _flip(box.event_to))
        and all(_holds(other.share(name), box.share(name)) for name in names)
    )


def _reaches(bound: int | None, inner: int | None) -> bool:
    """True when a range from `bound` on begins no later than one from `inner` on."""
    return bound is None or (inner is not None and bound <= inner)


def _flip(bound: int | None) -> int | None:
    return None if bound is None else -bound


def _holds(outer: tuple[int, int], inner: tuple[int, int]) -> bool:
    return inner[1] % outer[1] == 0 and inner[0] % outer[1] == outer[0]


def _cut_along(box: Box, other: Box) -> list[Box]:
    """The box cut at an edge of one that overlaps and does not cover it."""
    for moment in (other.lower_at, other.upper_at):
        if box.lower_at < moment < box.upper_at:
            return box.cut_availability(moment)
    for at in (other.event_from, other.event_to):
        if at is not None and _lies_within(at, box):
            return box.cut_event(at)
    name, factor = next(
        (name, lcm(n, box.share(name)[1]) // box.share(name)[1])
        for name, _, n in other.shares
        if box.share(name)[1] % n
    )
    return box.deal(name, factor)


def _lies_within(at: int, box: Box) -> bool:
    is_after = box.event_from is None or box.event_from < at
    return is_after and (box.event_to is None or at < box.event_to)


def halve_availability(box: Box, bounds: Sequence[datetime] = ()) -> list[Box]:
    """The box in two of about equal length, at one of `bounds` where some lie within it; none where
    a half would be shorter than a minute.
    """
    middle = box.lower_at + (box.upper_at - box.lower_at) / 2
    if within := [moment for moment in bounds if box.lower_at < moment < box.upper_at]:
        return box.cut_availability(min(within, key=lambda moment: abs(moment - middle)))
    if box.upper_at - box.lower_at < 2 * SHORTEST:
        return []
    return box.cut_availability(middle.replace(microsecond=0))


def halve_event_time(box: Box, now: datetime, floor: int = 0) -> list[Box]:
    """The box in two by event time, first where most events lie; none where it has one second.
    Nothing before `floor` (unix seconds) is ever asked for.
    """
    lower = floor if box.event_from is None else max(box.event_from, floor)
    upper = int(now.timestamp()) + 1 if box.event_to is None else box.event_to
    available = int(box.lower_at.timestamp())
    leads = [available - lead for lead in _LEADS_S if lower < available - lead < upper]
    at = leads[len(leads) // 2] if leads else (lower + upper) // 2
    return box.cut_event(at) if lower < at < upper else []
