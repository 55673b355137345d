"""The sandbox without its sockets: the world, the emulated APIs, and every control there is."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connector.errors import ConfigError
from connector.sandbox.appmetrica_logs.service import LogsService
from connector.sandbox.appmetrica_logs.truth import list_log_truth
from connector.sandbox.appmetrica_stream.datastream import DataStream
from connector.sandbox.appmetrica_stream.truth import list_truth
from connector.sandbox.daily_truth import count_days
from connector.sandbox.faults import FaultBook
from connector.sandbox.mytracker.service import TrackerService
from connector.sandbox.mytracker.truth import list_tracker_truth
from connector.sandbox.scenario import Scenario
from connector.sandbox.shortkit.controls import ShortKitControls
from connector.sandbox.traffic import Traffic
from connector.sandbox.world import World


class Emulator(ShortKitControls):
    """One running scenario. Methods equal the control endpoints under `/_sandbox/`.

    Windows are unix seconds everywhere; apps are ids of the scenario.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.world = World(scenario)
        self.clock = self.world.clock
        self.fault_book = FaultBook()
        self.traffic = Traffic()
        self.stream = DataStream(self.world, self.fault_book)
        self.logs = LogsService(self.world, self.fault_book)
        self.mytracker = TrackerService(self.world, self.fault_book)
        super().__init__(self.world, self.fault_book)
        for declared in scenario.faults:
            self.add_fault(**declared)

    def add_fault(self, kind: str, **declared: Any) -> int:
        """Set a fault (keys: docs/sandbox.md); its id. `window_index` may stand for `window`."""
        if "window_index" in declared:
            index = int(declared.pop("window_index"))
            declared["window"] = self.window_at(
                index, declared.get("app"), declared.get("data_type")
            )
        return self.fault_book.add({"kind": kind, **declared}, self.clock.now()).id

    def remove_faults(self, fault_id: int | None = None) -> int:
        """Take back one fault or all; how many there were."""
        return self.fault_book.remove(fault_id)

    def faults(self) -> list[dict[str, Any]]:
        """The faults that are set, with how often each was seen and used."""
        return [fault.describe() for fault in self.fault_book.all()]

    def window_at(self, index: int, app: int | None = None, data_type: str | None = None) -> int:
        """Timestamp of the window `index` of the history (unix seconds).

        0 is the oldest, -1 the newest that was settled when the clock started; with an app and a
        data type only windows with rows of theirs count.
        """
        with self.world.lock:
            self.world.live()
            app_id = next(iter(self.stream.apps)) if app is None else app
            windows = self.stream.windows_of(app_id, data_type or "event")
            slots = windows.history(data_type if app is not None else None)
        try:
            return slots[index]
        except IndexError:
            raise ConfigError(f"window_index {index}: the history has {len(slots)}") from None

    def windows(self, app: int, data_type: str) -> list[dict[str, Any]]:
        """The windows listed now, oldest first, as status would say without listing faults."""
        with self.world.lock:
            self.stream.windows_of(app, data_type)
            return [
                {
                    "stream_window_timestamp": file.timestamp,
                    "export_schema_id": file.schema.id,
                    "payload_bytes": file.payload_bytes,
                    "event_count": file.event_count,
                    "update_timestamp": file.updated_at,
                }
                for file in self.stream.listed(app, data_type)
            ]

    def add_window(self, app: int, data_type: str, window: int, **declared: Any) -> dict[str, Any]:
        """Put a made-up window in place; what status will say of it.

        `rows` (lists or mappings), `body` (text or bytes), `body_base64` or `path` (served as it
        is; `.gz` with Content-Encoding: gzip); optional `schema_id`, `field_names`,
        `export_format`, `event_count`, `payload_bytes`, `update_timestamp`.
        """
        with self.world.lock:
            values = {"data_type": data_type, "window": window, **declared}
            file = self.stream.inject(app, values)
        return {
            "stream_window_timestamp": file.timestamp,
            "export_schema_id": file.schema.id,
            "payload_bytes": file.payload_bytes,
            "event_count": file.event_count,
            "update_timestamp": file.updated_at,
        }

    def change_window(
        self, app: int, data_type: str, window: int, *, add: int = 0, remove: int = 0, edit: int = 0
    ) -> None:
        """Change a window of the population now; its `update_timestamp` moves."""
        if not add and not remove and not edit:
            raise ConfigError("window change: one of add, remove, edit is needed")
        with self.world.lock:
            self.stream.change_window(app, data_type, window, add=add, remove=remove, edit=edit)

    def truth(self, app: int, data_type: str) -> dict[str, Any]:
        """Every row of every window listed now; form in `appmetrica_stream.truth.list_truth`."""
        with self.world.lock:
            return list_truth(self.stream, app, data_type)

    def add_export(self, app: int, resource: str, **declared: Any) -> None:
        """Put a made-up Logs export in place of the population within a range of receipt.

        `since`, `until` (unix seconds, half-open; left out or "any": open) and one of `rows`
        (mappings field = text), `body` (text or bytes), `body_base64`, `path` (served as it is;
        `.gz` with Content-Encoding: gzip); optional `rows_number`.
        """
        with self.world.lock:
            self.logs.inject({"app": app, "resource": resource, **declared})

    def logs_truth(self, app: int, resource: str) -> dict[str, Any]:
        """Every row of a Logs resource; form in `appmetrica_logs.truth.list_log_truth`."""
        with self.world.lock:
            return list_log_truth(self.logs, app, resource)

    def queue(self, app: int) -> dict[str, Any]:
        """The Logs queries of an app that are waiting or worked on, and the most there ever were."""
        with self.world.lock:
            queue = self.logs.queue_of(app)
            now = self.logs.advance(app)
            return {"queries": queue.describe(now), "most_queued": queue.most}

    def add_foreign_queries(self, app: int, count: int, seconds: float) -> None:
        """Put queries of another client into the Logs queue, each of `seconds`."""
        with self.world.lock:
            self.logs.queue_of(app)
            self.logs.advance(app)
            self.logs.add_foreign(app, count, seconds)

    def log_requests(self) -> dict[str, Any]:
        """What was asked of the Logs exports, by key; form in `Statistics.describe`."""
        with self.world.lock:
            most = [(app, queue.most) for app, queue in self.logs.queues.items()]
            return self.logs.statistics.describe(most)

    def add_raw_export(self, event: str, **declared: Any) -> None:
        """Put a made-up MyTracker export in place of the population within a range of availability.

        `since`, `until` (unix seconds, half-open; left out or "any": open) and one of `rows`
        (mappings selector = text), or `body`, `body_base64`, `path` (one, or a list of parts;
        `.gz` files and gzip bytes are served as they are).
        """
        with self.world.lock:
            self.mytracker.maker.inject({"event": event, **declared})

    def mytracker_truth(self, event: str, zone: str = "UTC") -> dict[str, Any]:
        """Every row of a MyTracker event; form in `mytracker.truth.list_tracker_truth`."""
        with self.world.lock:
            return list_tracker_truth(self.mytracker, event, zone)

    def mytracker_queue(self) -> dict[str, Any]:
        """The MyTracker exports at work, oldest first, those of other clients included."""
        with self.world.lock:
            return {"exports": self.mytracker.describe_queue()}

    def add_foreign_exports(self, count: int, seconds: float) -> None:
        """Put exports of another client into MyTracker's queue, each of `seconds`."""
        with self.world.lock:
            self.mytracker.add_foreign(count, seconds)

    def mytracker_requests(self) -> dict[str, Any]:
        """What was asked of MyTracker's raw export; form in `RequestLog.describe`."""
        return self.mytracker.log.describe()

    def change_verification(
        self, transaction: str, *, is_verified: bool, how: str = "in_place"
    ) -> dict[str, Any]:
        """Let MyTracker think otherwise of a payment from now on, `in_place` or `reemitted`."""
        with self.world.lock:
            rows = self.mytracker.maker.change_verification(
                transaction, is_verified=is_verified, how=how
            )
        return {"rows": rows}

    def change_secret(self, secret: str) -> None:
        """Rotate MyTracker's secret key: what is signed with the old one gets 403."""
        with self.world.lock:
            self.mytracker.change_secret(secret)

    def daily_truth(self, app: int, zone: str = "UTC") -> dict[str, dict[str, Any]]:
        """What happened per day (ISO date in `zone`) among everything processed by now."""
        with self.world.lock:
            now = self.world.live()
            if app not in self.world.records:
                raise ConfigError(f"app {app} is none of {sorted(self.world.records)}")
            return count_days(self.world.records[app], now, zone)

    def requests(self) -> dict[str, Any]:
        """What was asked since the start or the last reset."""
        return self.traffic.describe()

    def reset_requests(self) -> None:
        """Forget what was asked."""
        self.traffic.reset()
        with self.world.lock:
            self.logs.statistics.reset()
        self.mytracker.log.reset()
        self.shortkit.log.reset()

    def move_clock(self, moves: Mapping[str, Any]) -> None:
        """`{"advance": seconds}` or `{"set": ISO 8601 or unix seconds}`."""
        if set(moves) == {"advance"}:
            self.clock.advance(float(moves["advance"]))
        elif set(moves) == {"set"}:
            self.clock.set(_parse_moment(moves["set"]))
        else:
            raise ConfigError('clock: {"advance": seconds} or {"set": moment} is needed')

    def describe_clock(self) -> dict[str, Any]:
        """Mode and present moment."""
        now = self.clock.now()
        return {"mode": self.clock.mode, "now": now.isoformat(), "timestamp": now.timestamp()}


def _parse_moment(value: object) -> datetime:
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError):
        raise ConfigError(f"clock: {value!r} is neither ISO 8601 nor unix seconds") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
