"""The life of one device: it installs, comes back less and less often, and is gone one day."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from connector.sandbox.population.actions import act
from connector.sandbox.population.people import Device, Install, make_install
from connector.sandbox.population.records import Kind, Payload, Record, Session, Touch, Verdict
from connector.sandbox.population.vocabulary import FRAUD

_DAY_S = 86_400
_HOURS = (1, 1, 1, 1, 1, 2, 4, 7, 8, 6, 5, 5, 7, 7, 5, 5, 6, 7, 9, 11, 13, 13, 9, 4)
_HOUR_POOL = tuple(hour for hour, weight in enumerate(_HOURS) for _ in range(weight))
_CHURN_BY_AGE = ((1, 0.28), (3, 0.14), (7, 0.09), (30, 0.05), (100_000, 0.03))


@dataclass(frozen=True, slots=True)
class World:
    """What a life must know of its app. `since` (unix seconds): nothing processed before is kept.

    `versions` are (unix seconds of release, version, build), oldest first.
    """

    genre: str
    since: int
    versions: tuple[tuple[int, str, str], ...]
    awkward_share: float
    has_nul: bool


class Life:
    """Simulates one device visit by visit; `emit` takes every record worth keeping."""

    def __init__(
        self, device: Device, rng: Random, world: World, emit: Callable[[Record], None]
    ) -> None:
        self.device = device
        self.rng = rng
        self.world = world
        self._emit = emit
        self._order = 0
        self._installs = 0
        self._install = self._new_install(device.installed_at)
        self._last: Session | None = None
        self.next_at: int | None = device.installed_at
        self._emit_touches()

    def advance(self, until: int) -> None:
        """Live all visits that start before `until` (unix seconds)."""
        while self.next_at is not None and self.next_at < until:
            self._visit(self.next_at)

    def write(
        self, kind: Kind, session: Session | None, happened_at: int, delay_s: int, payload: Payload
    ) -> None:
        """Emit a record that reaches the servers `delay_s` seconds after it happened."""
        received_at = happened_at + delay_s
        processed_at = received_at + self._order % 4
        self._order += 1
        if processed_at < self.world.since:
            return
        occurred_at = happened_at if session is None else happened_at + self.device.clock_shift_s
        self._emit(
            Record(
                kind,
                self.device,
                session,
                happened_at,
                occurred_at,
                received_at,
                processed_at,
                self._order,
                payload,
            )
        )

    def _visit(self, start_at: int) -> None:
        session = self._make_session(start_at)
        delay_s = session.upload_delay_s
        if self._last is None or self._last.install is not session.install:
            self._report_install(session)
        if self._last is not None:
            # The end of a session is only registered when the next one starts.
            last = self._last
            self.write("session_end", last, last.end_at, start_at + delay_s - last.end_at, last)
        self.write("session_start", session, start_at, delay_s, session)
        if session.end_at + delay_s + 2 * _DAY_S >= self.world.since:
            act(self, session)
        self._last = session
        self.next_at = self._next_visit(session)

    def _make_session(self, start_at: int) -> Session:
        rng = self.rng
        version = next(v for v in reversed(self.world.versions) if v[0] <= start_at)
        return Session(
            id=rng.getrandbits(64),
            install=self._install,
            is_foreground=rng.random() < 0.9,
            start_at=start_at,
            end_at=start_at + 20 + int(rng.expovariate(1 / 260)),
            app_version=version[1],
            app_build=version[2],
            is_wifi=rng.random() < 0.6,
            upload_delay_s=self._draw_delay(),
        )

    def _draw_delay(self) -> int:
        """Seconds from device to server: mostly at once, sometimes offline for up to 4 days."""
        draw = self.rng.random()
        if draw < 0.965:
            return 2 + int(draw * 16)
        if draw < 0.99:
            return 60 + int(self.rng.expovariate(1 / 4000))
        return int(self.rng.uniform(0.3, 4.0) * _DAY_S)

    def _next_visit(self, session: Session) -> int | None:
        rng = self.rng
        age_days = (session.end_at - self.device.installed_at) / _DAY_S
        churn = next(share for limit, share in _CHURN_BY_AGE if age_days < limit)
        if rng.random() < churn:
            return None
        if rng.random() < 0.5:
            return session.end_at + 600 + int(rng.expovariate(1 / 9000))
        days = 1 + int(rng.expovariate(1 / (0.3 + age_days * 0.06)))
        offset_s = self.device.place.offset_h * 3600
        midnight = (session.end_at + offset_s) // _DAY_S * _DAY_S - offset_s
        start_at = (
            midnight + days * _DAY_S + rng.choice(_HOUR_POOL) * 3600 + int(rng.random() * 3600)
        )
        if days > 6 and rng.random() < 0.3:
            self._install = self._new_install(start_at)
        return max(start_at, session.end_at + 600)

    def _new_install(self, installed_at: int) -> Install:
        install = make_install(self.rng, self.device, self._installs, installed_at)
        self._installs += 1
        return install

    def _report_install(self, session: Session) -> None:
        install, delay_s = session.install, session.upload_delay_s
        self.write("install", session, session.start_at, delay_s, install)
        if self.rng.random() < 0.8:
            wait_s = delay_s + 1200 + int(self.rng.expovariate(1 / 20_000))
            verdict = Verdict(install, self.rng.choice(FRAUD))
            self.write("verdict", session, session.start_at, wait_s, verdict)

    def _emit_touches(self) -> None:
        source = self.device.source
        if source is None:
            return
        self.write("click", None, source.clicked_at, 1, Touch(source, is_bot=False))
        if self.rng.random() < 0.5:
            is_bot = self.rng.random() < 0.3
            self.write("click", None, source.clicked_at + 7, 1, Touch(source, is_bot))
