"""Rows -> cells under the names of the selectors, as the texts the vendor sends."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from connector.sandbox.mytracker.arrays import split_attributes, write_array
from connector.sandbox.mytracker.attribution import credit_cells
from connector.sandbox.mytracker.device_cells import Cells, describe_device
from connector.sandbox.mytracker.dictionary import word_id
from connector.sandbox.mytracker.rows import TrackRow
from connector.sandbox.population.records import Action, AdView, Link, Purchase, Session
from connector.sandbox.scenario import App
from connector.sandbox.zones import ZoneText

_TRYING = {"testPayments": "-test", "trialPayments": "-trial", "userTrialPayments": "-trial"}


class TrackCells:
    """Makes the cells of one app's rows; remembers what is fixed per device."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._devices: dict[int, Cells] = {}
        self._zones: dict[str, ZoneText] = {}

    def cells(self, event: str, row: TrackRow, zone: str, as_of: float) -> Cells:
        """All cells of a row, as of a moment (unix seconds); `zone` is that of `dtEvent`.

        Selectors that are missing have no value; some are of no selector of the event.
        """
        cells = dict(self._device_cells(row))
        cells["tsEvent"] = str(row.occurred_at)
        cells["tsInsert"] = str(row.available_at)
        cells["dtEvent"] = self.zone(zone).text(row.occurred_at)[:10]
        session = row.record.session
        if session is not None:
            cells |= _session_cells(session, row)
        payload = row.record.payload
        if make := _PAYLOAD_CELLS.get(type(payload)):
            cells |= make(row, payload)
        if event in _TRYING:
            # Tests and trials are payments of their own, beside those that were paid.
            cells["inventedTransaction"] += _TRYING[event]
            cells["inventedAmount"] = "0" if "rial" in event else cells["inventedAmount"]
        for since, state in row.verified:
            if since <= as_of and "isVerified" in cells:
                cells["isVerified"] = state
        return cells

    def zone(self, name: str) -> ZoneText:
        """The clock of a zone."""
        return self._zones.setdefault(name, ZoneText(name))

    def _device_cells(self, row: TrackRow) -> Cells:
        device = row.device
        cells = self._devices.get(device.index)
        if cells is None:
            installed_at = device.installed_at + device.clock_shift_s
            cells = describe_device(device, self._app) | credit_cells(device, installed_at)
            self._devices[device.index] = cells
        return cells


def _session_cells(session: Session, row: TrackRow) -> Cells:
    installed_at = session.install.installed_at + row.device.clock_shift_s
    connection = "Wi-Fi" if session.is_wifi else "Cellular"
    is_broken_off = row.dice % 40 == 0
    return {
        "tsInstall": str(installed_at),
        "idAppVersionTitle": session.app_version,
        "idAppVersion": word_id(session.app_version),
        "idConnectionTypeTitle": connection,
        "idConnectionType": word_id(connection),
        "duration": "-1" if is_broken_off else str(session.end_at - session.start_at),
    }


def _event_cells(_: TrackRow, action: Action) -> Cells:
    names, values = split_attributes(action.text)
    return {
        "eventName": action.name,
        "eventValue": values[0] if values else "",
        "countCustomEvent": "1",
        "params.name": write_array(names),
        "params.value": write_array(values),
    }


def _payment_cells(_: TrackRow, payment: Purchase) -> Cells:
    is_subscription = payment.product_id == "pass_month"
    return {
        "isVerified": "1" if payment.verified == "true" else "0",
        "idPurchaseType": "2" if is_subscription else "1",
        "inventedAmount": str(Decimal(payment.price) * payment.quantity),
        "inventedCurrency": payment.currency,
        "inventedProduct": payment.product_id,
        "inventedTransaction": payment.order_id,
        "inventedQuantity": str(payment.quantity),
    }


def _ad_cells(_: TrackRow, view: AdView) -> Cells:
    return {
        "idAdMediator": str(1 + view.unit % 3),
        "inventedRevenue": view.earned,
        "inventedCurrency": "USD",
        "inventedNetwork": view.network,
        "inventedUnit": f"unit-{view.unit:03d}",
        "inventedPlacement": "After level" if view.unit % 2 else "Shop, top",
    }


def _link_cells(_: TrackRow, link: Link) -> Cells:
    return {"eventValue": f"sandboxapp://open.example{link.path}?{link.parameters}"}


_PAYLOAD_CELLS: Mapping[type, Callable[..., Cells]] = {
    Action: _event_cells,
    Purchase: _payment_cells,
    AdView: _ad_cells,
    Link: _link_cells,
}
