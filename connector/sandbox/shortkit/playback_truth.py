"""What marts of playback and advertisements have to say, counted from the rows of each visit.

The rows of a visit are known here in their true order, which their timestamps do not tell.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.shortkit.rows import VideoRow, write_day

_PLAYED = frozenset({"playStart", "watchProgress", "completion"})
_SHOWN = frozenset({"impression", "adImpression"})


@dataclass(slots=True)
class _View:
    """One content watched once, from its impression on. Seconds, milliseconds as named."""

    day: int
    content_id: str
    device_type: str
    impressions: int = 0
    startup_ms: int | None = None
    is_started: bool = False
    is_failed: bool = False
    is_completed: bool = False
    loops: int = 0
    completed_s: float | None = None
    left_s: float | None = None
    playhead_s: float | None = None
    rebuffers: int = 0
    rebuffer_ms: int = 0

    @property
    def playing_s(self) -> float:
        """Time watched: of its completion, else of the swipe away, else the farthest place."""
        known = (self.completed_s, self.left_s, self.playhead_s)
        return next((seconds for seconds in known if seconds is not None), 0.0)

    def add(self, row: VideoRow) -> None:
        """Take one row of this view."""
        event, data = row.values["event"], row.values["data"]
        self.impressions += event == "impression"
        if event in _PLAYED:
            self.is_started, self.is_failed = True, False
        if event == "playStart" and self.startup_ms is None:
            self.startup_ms = data["startupTime"]
        elif event == "watchProgress":
            self.playhead_s = max(self.playhead_s or 0.0, data["currentTime"])
        elif event == "completion":
            self.is_completed = True
            self.completed_s = max(self.completed_s or 0.0, data["watchTime"])
            self.loops = max(self.loops, data["loopCount"])
        elif event == "rebuffer" and self.is_started:
            self.rebuffers += 1
            self.rebuffer_ms += data["duration"]
        elif event == "error":
            self.is_failed = True


@dataclass(slots=True)
class _Cell:
    """The views of one day, content and kind of device."""

    views: list[_View] = field(default_factory=list)

    def describe(self) -> dict[str, Any]:
        """Sums over the views; `startup_ms` has one number per started view that told it."""
        views = self.views
        return {
            "impressions": sum(view.impressions for view in views),
            "starts": sum(view.is_started for view in views),
            "exits_before_start": sum(
                view.impressions > 0 and not view.is_started and not view.is_failed
                for view in views
            ),
            "startup_ms": sorted(v.startup_ms for v in views if v.startup_ms is not None),
            "playing_s": round(sum(view.playing_s for view in views), 3),
            "rebuffers": sum(view.rebuffers for view in views),
            "rebuffer_ms": sum(view.rebuffer_ms for view in views),
            "failures_before_start": sum(v.is_failed and not v.is_started for v in views),
            "failures_mid_stream": sum(v.is_failed and v.is_started for v in views),
            "completions": sum(view.is_completed for view in views),
            "loops": sum(view.loops for view in views),
        }


def count_playback(rows: Iterable[VideoRow], first: int, last: int) -> list[dict[str, Any]]:
    """`{day, content_id, device_type, ...}` of the views begun from one day to another.

    Days are UTC from 1970-01-01, both included; `rows` are of the types events and quality and
    reach a day further on both sides. Made-up rows are left out.
    """
    cells: dict[tuple[int, str, str], _Cell] = defaultdict(_Cell)
    for view in _find_views(rows):
        if first <= view.day <= last:
            cells[view.day, view.content_id, view.device_type].views.append(view)
    return [
        {"day": write_day(day), "content_id": content, "device_type": device} | cell.describe()
        for (day, content, device), cell in sorted(cells.items())
    ]


def count_ads(rows: Iterable[VideoRow], first: int, last: int) -> list[dict[str, Any]]:
    """`{day, unit, impressions, completions, clicks}`; `unit` is the ad's or the slot's id."""
    cells: dict[tuple[int, str], dict[str, int]] = {}
    for row in rows:
        if row.is_made or row.day is None or not first <= row.day <= last:
            continue
        event, data = row.values["event"], row.values["data"]
        unit = str(data.get("adId", data.get("slotId", "")))
        empty = dict.fromkeys(("impressions", "completions", "clicks"), 0)
        cell = cells.setdefault((row.day, unit), empty)
        cell["impressions"] += event in _SHOWN
        cell["completions"] += event == "adComplete" or bool(data.get("didComplete"))
        cell["clicks"] += event == "click"
    return [
        {"day": write_day(day), "unit": unit} | cell for (day, unit), cell in sorted(cells.items())
    ]


def _find_views(rows: Iterable[VideoRow]) -> Iterator[_View]:
    visits: dict[int, list[VideoRow]] = defaultdict(list)
    for row in rows:
        if not row.is_made:
            visits[row.rank[0]].append(row)
    for visit in visits.values():
        yield from _split_visit(sorted(visit, key=lambda row: row.rank))


def _split_visit(rows: Iterable[VideoRow]) -> list[_View]:
    """The views of one visit; an impression begins one, unless it is a row sent again."""
    found: list[_View] = []
    current: dict[str, _View] = {}
    rank = (0, -1)
    for row in rows:
        content, event = str(row.values.get("contentId", "")), row.values["event"]
        if event == "swipe":
            left = current.get(row.values["data"]["fromContentId"])
            if left is not None:
                left.left_s = row.values["data"]["watchTimeOnFrom"]
        elif content and row.day is not None:
            is_new = event == "impression" and row.rank != rank
            if is_new or content not in current:
                view = _View(row.day, content, row.values["deviceType"])
                current[content] = view
                found.append(view)
            current[content].add(row)
        rank = row.rank
    return found
