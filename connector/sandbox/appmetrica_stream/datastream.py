"""The Data Stream of all apps: status, the file behind a download, limits, injected windows."""

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from connector.errors import ConfigError
from connector.sandbox.appmetrica_stream.content import Change
from connector.sandbox.appmetrica_stream.exports import parse_settings
from connector.sandbox.appmetrica_stream.injection import make_injected
from connector.sandbox.appmetrica_stream.status import StatusWriter
from connector.sandbox.appmetrica_stream.timeline import DATA_TYPES, WINDOW_S
from connector.sandbox.appmetrica_stream.windows import AppWindows, WindowFile
from connector.sandbox.faults import FaultBook, next_month
from connector.sandbox.world import World

_FREE_TYPES = frozenset({"revenue", "ecommerce", "ad_revenue"})
_TAIL_S = 7 * 86_400


class DataStream:
    """State of the emulated service. Callers hold `world.lock`; times are unix seconds."""

    def __init__(self, world: World, faults: FaultBook) -> None:
        stream, start = world.scenario.stream, world.clock.start.timestamp()
        self.world = world
        self.faults = faults
        self.apps = {
            app.id: AppWindows(app, stream, faults, world.since, start)
            for app in world.scenario.apps
        }
        self._writers = {
            app_id: StatusWriter(windows, lambda: faults.of_stage("listing"))
            for app_id, windows in self.apps.items()
        }
        self._served: Counter[tuple[int, str, int]] = Counter()
        self._exhausted: dict[int, int] = {}
        for app_id, windows in self.apps.items():
            world.subscribe(app_id, windows.timeline.take)

    def status(self, app_id: int) -> bytes:
        """The status document of an app, as JSON."""
        now = self._refresh()
        return json.dumps(self._writers[app_id].write(now), separators=(",", ":")).encode()

    def listed(self, app_id: int, data_type: str) -> list[WindowFile]:
        """What the status document lists, without asking for it."""
        return self._writers[app_id].files(data_type, self._refresh())

    def find_file(self, app_id: int, data_type: str, slot: int) -> WindowFile | None:
        """The file a download of this window gets; None where it answers 404."""
        if data_type not in DATA_TYPES:
            return None
        files = self._writers[app_id].files_of(data_type, slot, self._refresh())
        if len(files) < 2:
            return files[0] if files else None
        key = (app_id, data_type, slot)
        self._served[key] += 1
        serve = {"old": 0, "new": len(files) - 1}.get(self._serve_rule(), self._served[key] - 1)
        return files[serve % len(files)]

    def is_exhausted(self) -> bool:
        """True while the monthly limit makes downloads answer 400."""
        now = self._refresh()
        month = datetime.fromtimestamp(now, UTC).strftime("%Y-%m")
        return any(
            at <= now and datetime.fromtimestamp(at, UTC).strftime("%Y-%m") == month
            for at in self._exhausted.values()
        )

    def settings(self, app_id: int) -> dict[str, Any]:
        """The settings object of an app."""
        exports = self.apps[app_id].exports
        blocks = [export.describe() for export, _ in exports.current().values()]
        return {"settings": {"ui_checkbox_enabled": exports.is_on, "export_fields": blocks}}

    def change_settings(self, app_id: int, body: object) -> dict[str, Any]:
        """Replace the settings from the next window on; SettingsError for a wrong body."""
        exports, is_on = parse_settings(body)
        windows = self.apps[app_id]
        following = windows.timeline.slot_of(self.world.clock.timestamp()) + WINDOW_S
        windows.exports.replace(exports, is_on=is_on, since_slot=following)
        return self.settings(app_id)

    def change_window(
        self, app_id: int, data_type: str, slot: int, *, add: int, remove: int, edit: int
    ) -> None:
        """Change a window now: rows added at the end, removed from the start, edited."""
        files = self.windows_of(app_id, data_type).files(data_type, slot, self._refresh())
        latest = max((file.updated_at for file in files), default=0)
        at = max(int(self.world.clock.timestamp()), latest + 1)
        self.apps[app_id].change(data_type, slot, Change(at, add, remove, edit))

    def inject(self, app_id: int, declared: dict[str, Any]) -> WindowFile:
        """Put a made-up window in place; ConfigError names what is wrong with it."""
        windows = self.windows_of(app_id, declared.get("data_type", ""))
        file = make_injected(declared, windows, int(self.world.clock.timestamp()))
        windows.inject(file)
        return file

    def windows_of(self, app_id: int, data_type: str) -> AppWindows:
        """The windows of an app; ConfigError for an unknown app or data type."""
        if app_id not in self.apps:
            raise ConfigError(f"app {app_id} is none of {sorted(self.apps)}")
        if data_type not in DATA_TYPES:
            raise ConfigError(f"data_type {data_type!r} is none of {', '.join(DATA_TYPES)}")
        return self.apps[app_id]

    def _serve_rule(self) -> str:
        rules = [f.params["serve"] for f in self.faults.all() if f.kind == "two_schemas"]
        return str(rules[-1]) if rules else "alternate"

    def _refresh(self) -> int:
        now = self.world.live()
        if self.world.scenario.stream.monthly_events:
            self._find_exhaustion(now)
        return now

    def _find_exhaustion(self, now: int) -> None:
        """When each month's quota ran out, and what is never prepared because of that."""
        month = datetime.fromtimestamp(self.world.since, UTC).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0
        )
        while (first := int(month.timestamp())) <= now:
            month = next_month(month)
            if first not in self._exhausted:
                moment = self._count_month(first, min(now, int(month.timestamp()) - 1))
                if moment is not None:
                    self._exhausted[first] = moment
                    lost = (moment + _TAIL_S, int(month.timestamp()))
                    for windows in self.apps.values():
                        windows.lost += (lost,) if lost[0] < lost[1] else ()

    def _count_month(self, low: int, high: int) -> int | None:
        moments: list[int] = []
        for windows in self.apps.values():
            for data_type in set(DATA_TYPES) - _FREE_TYPES:
                moments += windows.timeline.shown_between(data_type, low, high)
        limit = self.world.scenario.stream.monthly_events
        return sorted(moments)[limit] if len(moments) > limit else None
