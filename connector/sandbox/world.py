"""The invented world: its clock and, per app, one population that every emulated API reads."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from connector.sandbox.clock import SandboxClock
from connector.sandbox.population.population import AppPopulation
from connector.sandbox.population.records import Record
from connector.sandbox.scenario import App, Scenario
from connector.sandbox.surplus import Surplus

_HOUR_S = 3600


class World:
    """Time and people of one scenario. `lock` guards everything derived from them.

    `since` (unix seconds) is the first moment of history; records processed earlier do not exist.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.clock = SandboxClock(scenario.clock, scenario.start or datetime.now(UTC))
        self.lock = threading.RLock()
        start = int(self.clock.start.timestamp()) // _HOUR_S * _HOUR_S
        self.since = start - int(scenario.history_days * 24 * _HOUR_S)
        self.records: dict[int, list[Record]] = {app.id: [] for app in scenario.apps}
        self._listeners: dict[int, list[Callable[[Record], None]]] = {}
        self._horizon = self.since
        self._surplus = Surplus(scenario.logs.daily_events_limit)
        self._populations = [self._populate(app) for app in scenario.apps]

    def subscribe(self, app_id: int, listener: Callable[[Record], None]) -> None:
        """Let `listener` have every record of an app; call before the first `live`."""
        self._listeners.setdefault(app_id, []).append(listener)

    def live(self) -> int:
        """Let the populations live up to the clock; the present moment in unix seconds."""
        now = int(self.clock.timestamp())
        with self.lock:
            if now + _HOUR_S > self._horizon:
                self._horizon = (now // _HOUR_S + 2) * _HOUR_S
                for population in self._populations:
                    population.extend(self._horizon)
                for app_id, record in self._surplus.release(self._horizon):
                    self._keep(app_id, record)
        return now

    def _keep(self, app_id: int, record: Record) -> None:
        self.records[app_id].append(record)
        for listener in self._listeners.get(app_id, ()):
            listener(record)

    def _populate(self, app: App) -> AppPopulation:
        def emit(record: Record) -> None:
            if not self._surplus.hold(app.id, record):
                self._keep(app.id, record)

        people = self.scenario.population
        return AppPopulation(
            self.scenario.seed,
            app.id,
            app.genre,
            since=self.since,
            devices=people.devices,
            history_days=self.scenario.history_days,
            warmup_days=people.warmup_days,
            awkward_share=people.awkward_share,
            has_nul=people.has_nul,
            emit=emit,
        )
