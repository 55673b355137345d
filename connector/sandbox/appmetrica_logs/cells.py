"""Rows -> cells under the field names of this API; the facts are those the stream sends."""

import json

from connector.sandbox.appmetrica_logs.postbacks import attempt_cells
from connector.sandbox.appmetrica_logs.profiles import profile_cells
from connector.sandbox.appmetrica_logs.resources import Resource
from connector.sandbox.appmetrica_logs.rows import LogRow
from connector.sandbox.appmetrica_stream.cells import CellMaker, Cells
from connector.sandbox.population.records import Failure, Record
from connector.sandbox.scenario import App
from connector.sandbox.zones import ZoneText


class LogCells:
    """Makes the cells of one app's rows; some are of no field of the resource."""

    def __init__(self, app: App) -> None:
        self._maker = CellMaker(app)

    @property
    def zone(self) -> ZoneText:
        """The app's zone."""
        return self._maker.zone

    def cells(self, resource: Resource, row: LogRow) -> Cells:
        """All cells of a row; "" and missing are both no value."""
        record = row.record
        cells = self._maker.cells(resource.name, record, 0)
        cells["oaid"] = cells.get("huawei_oaid", "")
        if cells.get("match_type") == "fingerprint":
            cells["fingerprint_method"] = "ip_and_user_agent"
        if isinstance(record.payload, Failure):
            cells |= _failure_json(record, record.payload)
        if row.attempt is not None:
            cells |= self._postback_times(row) | attempt_cells(row.attempt, record)
        if row.profile is not None:
            cells |= profile_cells(row.profile, self.zone)
        return cells

    def _postback_times(self, row: LogRow) -> Cells:
        record, device = row.record, row.record.device
        installed_at = device.installed_at + device.clock_shift_s
        times = {
            "attempt": row.received_at,
            "conversion": record.occurred_at,
            "install": installed_at,
        }
        stamps = {f"{prefix}_timestamp": str(at) for prefix, at in times.items()}
        texts = {f"{prefix}_datetime": self.zone.text(at) for prefix, at in times.items()}
        own = {"install_ipv6": device.ip}
        return self._maker.source_cells(device.source) | stamps | texts | own


def _failure_json(record: Record, failure: Failure) -> Cells:
    document = {"name": failure.name, "frames": failure.text.split("\n"), "id": str(failure.id)}
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return {f"{record.kind}_json": text if record.order % 2 else ""}
