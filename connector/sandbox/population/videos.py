"""What a person does in the video feed during one session of the app.

Each visit is made from dice of its own, so that nothing else in the population depends on it.
"""

from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from connector.sandbox.population.contents import (
    AD_NETWORKS,
    CONTENTS,
    INTERACTIONS,
    PLAYBACK_ERRORS,
    RENDITIONS,
    WEIGHTS,
    Content,
)
from connector.sandbox.population.records import Session

VideoType = Literal["events", "quality", "ads"]
_MOST_VIDEOS = 14
OVERRUN_S = 300
"""A visit ends at most so many seconds after its session."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, at `at` (true unix seconds).

    `content_id` is "" where it is about no video, `position_s` the place in it in seconds.
    """

    data_type: VideoType
    event: str
    at: float
    content_id: str
    data: dict[str, Any]
    position_s: float | None = None


def watch(rng: Random, session: Session) -> list[Moment]:
    """Everything that happens in the feed during a session, in order."""
    visit = _Visit(rng, session)
    visit.run()
    return visit.moments


class _Visit:
    """One visit to the feed, `now` going on as videos are watched."""

    def __init__(self, rng: Random, session: Session) -> None:
        self.moments: list[Moment] = []
        self._rng = rng
        self._session = session
        self._now = session.start_at + 3.0
        self._feed_id = f"feed_{rng.getrandbits(32):08x}"
        self._entry = rng.choice(("tab", "tab", "widget", "deepLink"))
        self._ads = 0
        self._seen: list[Content] = []

    def run(self) -> None:
        """Enter, watch until the session is over, leave."""
        rng, began = self._rng, self._now
        self._note("events", "feedEntry", entryPoint=self._entry)
        content, watched = self._choose(), 0
        while True:
            watched_s = self._view(content, watched)
            watched += 1
            if self._now >= self._session.end_at or watched >= _MOST_VIDEOS:
                break
            content = self._move_on(content, watched_s, watched)
        self._note(
            "events",
            "feedExit",
            totalSessionTime=round(self._now - began, 1),
            videosWatched=watched,
            adsWatched=self._ads,
            exitMethod=rng.choice(("tabSwitch", "background", "navigation")),
        )

    def _view(self, content: Content, position: int) -> float:
        """One video from impression to the last frame; the seconds it was watched."""
        rng = self._rng
        entry = "feed" if position or self._entry == "tab" else "direct"
        self._note(
            "events",
            "impression",
            content,
            position=position,
            entryPoint=entry,
            feedId=self._feed_id,
        )
        draw = rng.random()
        startup_ms = 90 + int(rng.expovariate(1 / 340))
        if draw < 0.05:
            self._now += 1
            return 0.0  # gone before the first frame
        rendition = rng.choice(RENDITIONS)
        if draw < 0.06:
            self._fail(content, 0.0, rendition[0])
            return 0.0
        self._now += startup_ms / 1000
        self._note(
            "events",
            "playStart",
            content,
            startupTime=startup_ms,
            rendition=rendition[0],
            codec="av1" if rng.random() < 0.3 else "h264",
            autoplay=position > 0,
        )
        return self._play(content, rendition)

    def _play(self, content: Content, rendition: tuple[str, int]) -> float:
        """The frames of a video, second by second, and what happens meanwhile."""
        rng = self._rng
        is_finished = rng.random() < 0.34
        share = 1.0 if is_finished else min(0.97, 0.03 + rng.expovariate(1 / 0.35))
        watched_s = round(content.duration_s * share, 1)
        stall = int(rng.random() * watched_s) if rng.random() < 0.09 else -1
        change = int(rng.random() * watched_s) if rng.random() < 0.08 else -1
        for second in range(1, int(watched_s) + 1):
            self._now += 1
            self._progress(content, float(second), rendition)
            if second - 1 == stall:
                self._stall(content, float(second), rendition[0])
            if second - 1 == change:
                rendition = self._change_quality(content, float(second), rendition)
        self._now += watched_s % 1
        self._respond(content)
        if is_finished:
            loops = int(rng.expovariate(1 / 0.4)) if rng.random() < 0.4 else 0
            watched_s = round(watched_s * (1 + min(loops, 2)), 1)
            self._now += content.duration_s * min(loops, 2)
            self._note(
                "events",
                "completion",
                content,
                watchTime=watched_s,
                looped=loops > 0,
                loopCount=min(loops, 2),
            )
        elif rng.random() < 0.012:
            self._fail(content, watched_s, rendition[0])
        return watched_s

    def _progress(self, content: Content, second: float, rendition: tuple[str, int]) -> None:
        self._note(
            "events",
            "watchProgress",
            content,
            currentTime=second,
            duration=content.duration_s,
            percentComplete=round(100 * second / content.duration_s, 1),
            rendition=rendition[0],
            currentBitrate=rendition[1],
        )

    def _stall(self, content: Content, second: float, rendition: str) -> None:
        duration_ms = 120 + int(self._rng.expovariate(1 / 900))
        network = "wifi" if self._session.is_wifi else "cellular"
        data = {"duration": duration_ms, "currentTime": second, "rendition": rendition}
        self._note_quality("rebuffer", content, second, data | {"networkType": network})
        self._now += duration_ms / 1000

    def _change_quality(
        self, content: Content, second: float, rendition: tuple[str, int]
    ) -> tuple[str, int]:
        other = self._rng.choice([known for known in RENDITIONS if known != rendition])
        data = {
            "fromQuality": rendition[0],
            "toQuality": other[0],
            "reason": "bandwidth" if other < rendition else "buffer",
            "currentTime": second,
        }
        self._note_quality("qualityChange", content, second, data)
        return other

    def _fail(self, content: Content, second: float, rendition: str) -> None:
        kind, code, text = self._rng.choice(PLAYBACK_ERRORS)
        data = {
            "errorCode": code,
            "errorMessage": text,
            "errorType": kind,
            "currentTime": second,
            "rendition": rendition,
            "networkType": "wifi" if self._session.is_wifi else "cellular",
            "deviceInfo": {"appVersion": self._session.app_version, "lowPower": False},
        }
        self._note_quality("error", content, second, data)
        self._now += 1

    def _respond(self, content: Content) -> None:
        """What a viewer does about a video."""
        draw = self._rng.random()
        if draw < 0.08:
            self._note("events", "like", content)
        elif draw < 0.1:
            self._note("events", "share", content, platform=self._rng.choice(("copy", "mail")))
        elif draw < 0.13:
            self._note("events", "save", content)
        elif draw < 0.17:
            kind, value = self._rng.choice(INTERACTIONS)
            self._note("events", "interaction", content, interactionType=kind, value=value)

    def _move_on(self, content: Content, watched_s: float, position: int) -> Content:
        """Swipe to another video, past an advertisement now and then."""
        rng = self._rng
        if position % 3 == 0 and rng.random() < 0.7:
            self._advertise(content, position)
        before = self._seen[-2] if len(self._seen) > 1 else content
        is_back = before is not content and rng.random() < 0.05
        other = before if is_back else self._choose()
        self._note(
            "events",
            "swipe",
            other,
            fromContentId=content.id,
            toContentId=other.id,
            watchTimeOnFrom=watched_s,
            direction="previous" if is_back else "next",
        )
        return other

    def _choose(self) -> Content:
        """A video that was not shown in this visit yet."""
        fresh = [place for place, known in enumerate(CONTENTS) if known not in self._seen]
        place = self._rng.choices(fresh, [WEIGHTS[place] for place in fresh])[0]
        self._seen.append(CONTENTS[place])
        return CONTENTS[place]

    def _advertise(self, content: Content, position: int) -> None:
        """An advertisement; one of a server's slots has the server's events instead."""
        rng = self._rng
        slot = f"slot_{rng.randrange(6)}"
        if rng.random() < 0.12:
            reason = rng.choice(("no_fill", "timeout"))
            self._note("ads", "adRequest", slotId=slot, filled=False, errorReason=reason)
            return
        self._note("ads", "adRequest", slotId=slot, filled=True)
        self._ads += 1
        watched_s, is_skipped = round(rng.uniform(1, 15), 1), rng.random() < 0.55
        if rng.random() < 0.3:
            self._show_slot(slot, position, watched_s, is_skipped=is_skipped)
            return
        ad_id = f"ad_{rng.randrange(24)}"
        network = AD_NETWORKS[int(ad_id[3:]) % len(AD_NETWORKS)]
        place: dict[str, Any] = {"contentIdBefore": content.id, "position": position}
        self._note("ads", "impression", adId=ad_id, adNetworkId=network, **place)
        self._now += watched_s
        if rng.random() < 0.06:
            self._note("ads", "click", adId=ad_id)
        done: dict[str, Any] = {"didComplete": not is_skipped, "didSkip": is_skipped}
        self._note("ads", "completion", adId=ad_id, watchTime=watched_s, **done)

    def _show_slot(self, slot: str, position: int, watched_s: float, *, is_skipped: bool) -> None:
        number = self._rng.randrange(100)
        unit: dict[str, Any] = {
            "slotId": slot,
            "adUnitId": f"unit_{number % 4}",
            "creativeId": f"cr_{number}",
        }
        self._note("ads", "adImpression", **unit, position=position)
        self._note("ads", "adStart", **unit, position=position)
        self._now += watched_s
        if is_skipped:
            self._note("ads", "adSkip", slotId=slot, watchTime=watched_s)
            return
        for quartile in ("first", "midpoint", "third"):
            self._note("ads", "adProgress", slotId=slot, quartile=quartile)
        self._note("ads", "adComplete", **unit)

    def _note(
        self, data_type: VideoType, event: str, content: Content | None = None, **data: Any
    ) -> None:
        content_id = content.id if content is not None else ""
        self.moments.append(Moment(data_type, event, self._now, content_id, data))

    def _note_quality(
        self, event: str, content: Content, second: float, data: dict[str, Any]
    ) -> None:
        self.moments.append(Moment("quality", event, self._now, content.id, data, second))
