"""Records of the population -> cells of the data types, as the texts the vendor sends.

Field lists: appmetrica.yandex.com/docs/en/mobile-api/datastream. Absent is "" everywhere.
"""

from collections.abc import Callable, Mapping
from typing import Any

from connector.sandbox.appmetrica_stream.commerce_cells import (
    ad_view_cells,
    purchase_cells,
    shopping_cells,
)
from connector.sandbox.population.people import Device, Source
from connector.sandbox.population.records import (
    Action,
    Failure,
    Kind,
    Link,
    Record,
    Session,
    Touch,
    Verdict,
)
from connector.sandbox.scenario import App
from connector.sandbox.zones import ZoneText

Cells = dict[str, str]

_CERTIFICATES = ("valid", "valid", "valid", "unknown", "empty_event_certificate", "invalid")
_AGENT = "SandboxBrowser/1.0 (compatible; Invented, not real)"


class CellMaker:
    """Makes the cells of one app's rows; remembers what is fixed per device."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.zone = ZoneText(app.zone)
        self._devices: dict[int, Cells] = {}

    def cells(self, data_type: str, record: Record, variant: int) -> Cells:
        """All cells of one row. `variant` 0 is the row itself, 1 its withdrawal, 2 what follows."""
        cells = dict(self._device_cells(record.device))
        if record.session is not None:
            cells |= _session_cells(record.session, record.kind)
        if data_type == "attributed_event":
            cells |= self._attributed_cells(record, variant)
        return cells | _PAYLOAD_CELLS[record.kind](self, record, variant)

    def times(self, prefix: str, occurred_at: int, received_at: int) -> Cells:
        """The four time cells of a prefix: unix seconds, and text in the app's zone."""
        return {
            f"{prefix}_timestamp": str(occurred_at),
            f"{prefix}_datetime": self.zone.text(occurred_at),
            f"{prefix}_receive_timestamp": str(received_at),
            f"{prefix}_receive_datetime": self.zone.text(received_at),
        }

    def source_cells(self, source: Source | None) -> Cells:
        """Partner and click of an attributed row; {} for an organic one."""
        if source is None:
            return {}
        return {
            "publisher_id": source.publisher_id,
            "publisher_name": source.publisher_name,
            "tracker_name": source.tracker_name,
            "tracking_id": source.tracking_id,
            "click_id": source.click_id,
            "click_timestamp": str(source.clicked_at),
            "click_datetime": self.zone.text(source.clicked_at),
            "click_date": self.zone.text(source.clicked_at)[:10],
            "click_ipv6": "::ffff:198.51.100.7",
            "click_url_parameters": source.parameters,
            "click_user_agent": _AGENT,
        }

    def _device_cells(self, device: Device) -> Cells:
        cells = self._devices.get(device.index)
        if cells is None:
            cells = self._devices[device.index] = _describe_device(device, self.app)
        return cells

    def _attributed_cells(self, record: Record, variant: int) -> Cells:
        source = record.device.source
        day = self.zone.text(record.occurred_at)[:10]
        return (
            self.source_cells(source)
            | {
                "attributed_event_type": _ATTRIBUTED_TYPES[record.kind],
                "attributed_touch_type": source.touch_type if source else "",
                "touch_type": source.touch_type if source else "",
                "match_type": source.match_type if source else "",
                "version": "2" if variant == 2 else "1",
                "sign": "-1" if variant == 1 else "1",
                "is_reattribution": "false",
                "is_reinstallation": "false",
                "event_date": day,
                "event_attribution_model": "last_appmetrica",
                "event_initial_event_type": "installation",
                "conversion_id": f"[{1000 + record.order % 3},1017]",
                "conversion_name": '["Purchase, any","Level \\"ten\\""]',
                "conversion_attribution_window_size": "[86400,2592000]",
            }
            | self.times("event", record.occurred_at, record.received_at)
        )


_ATTRIBUTED_TYPES: Mapping[Kind, str] = {
    "event": "event",
    "purchase": "revenue",
    "shopping": "ecommerce",
    "ad_view": "ad_revenue",
}


def _describe_device(device: Device, app: App) -> Cells:
    place = device.place
    return {
        "application_id": str(app.id),
        "os_name": device.platform,
        "profile_id": device.profile_id,
        "certificate_verification_status": _CERTIFICATES[device.index % len(_CERTIFICATES)],
        "appmetrica_device_id": str(device.id),
        "appmetrica_sdk_version": str(device.sdk_version),
        "device_locale": place.locale,
        "mcc": str(place.mcc),
        "mnc": str(device.mnc),
        "app_package_name": f"com.example.{app.genre}{app.id}",
        "country": place.country,
        "district": place.district,
        "area": place.area,
        "city": place.city,
        "country_iso_code": place.iso,
        "device_manufacturer": device.manufacturer,
        "device_model": device.model,
        "original_device_model": device.model_code,
        "device_type": device.device_type,
        "google_aid": device.ad_id if device.platform == "android" else "",
        "ios_ifa": device.ad_id if device.platform == "ios" else "",
        "ios_ifv": device.vendor_id,
        "os_version": device.os_version,
        "android_id": device.android_id,
        "device_ipv6": device.ip,
        "operator_name": device.operator,
        "huawei_oaid": device.oaid,
        "app_framework": "0",
    }


def _session_cells(session: Session, kind: Kind) -> Cells:
    return {
        "installation_id": session.install.id,
        "session_id": str(session.id),
        "session_type": "foreground" if session.is_foreground else "background",
        "app_version_name": session.app_version,
        "app_build_number": session.app_build,
        "connection_type": "wifi" if session.is_wifi else "cell",
        "event_source": "system" if kind in {"session_start", "session_end"} else "sdk",
    }


def _install_cells(maker: CellMaker, record: Record, variant: int) -> Cells:
    session, payload = record.session, record.payload
    assert session is not None
    install = payload.install if isinstance(payload, Verdict) else session.install
    source = None if install.is_reinstall else record.device.source
    # A withdrawal repeats the row it withdraws, so the receipt is that of the first report.
    received_at = record.happened_at + session.upload_delay_s
    has_verdict = isinstance(payload, Verdict) and variant == 2
    status = payload.status if isinstance(payload, Verdict) and has_verdict else "unknown"
    return maker.source_cells(source) | {
        "install_ipv6": record.device.ip,
        "app_installer": "com.example.store" if record.device.platform == "android" else "",
        "fraud_status": status,
        "fraud_reasons": "click_flood" if status in {"mid", "high"} else "",
        "attributed_touch_type": source.touch_type if source else "",
        "match_type": source.match_type if source else "",
        "version": "2" if variant == 2 else "1",
        "sign": "-1" if variant == 1 else "1",
        "is_reattribution": "false",
        "is_reinstallation": "true" if install.is_reinstall else "false",
        **maker.times("install", record.occurred_at, received_at),
    }


def _timed(prefix: str) -> Callable[[CellMaker, Record, int], Cells]:
    def make(maker: CellMaker, record: Record, _: int) -> Cells:
        return maker.times(prefix, record.occurred_at, record.received_at)

    return make


def _event_cells(maker: CellMaker, record: Record, _: int) -> Cells:
    action = record.payload
    assert isinstance(action, Action)
    cells = maker.times("event", record.occurred_at, record.received_at)
    cells["event_name"] = action.name
    cells["event_json"] = action.text
    cells["event_source"] = action.origin
    cells["testids"] = action.tests
    return cells


def _token_cells(maker: CellMaker, record: Record, _: int) -> Cells:
    times = maker.times("token", record.occurred_at, record.received_at)
    return times | {"token": str(record.payload)}


def _failure_cells(maker: CellMaker, record: Record, _: int) -> Cells:
    failure = record.payload
    assert isinstance(failure, Failure)
    kind = record.kind
    cells = maker.times(kind, record.occurred_at, record.received_at)
    group = {"crash_group_id": str(failure.group_id)} if kind == "crash" else {}
    own = {kind: failure.text, f"{kind}_name": failure.name, f"{kind}_id": str(failure.id)}
    return cells | own | group


def _click_cells(maker: CellMaker, record: Record, _: int) -> Cells:
    touch = record.payload
    assert isinstance(touch, Touch)
    cells = maker.source_cells(touch.source) | {
        "touch_type": touch.source.touch_type,
        "is_bot": "true" if touch.is_bot else "false",
    }
    cells["click_timestamp"] = str(record.happened_at)
    cells["click_datetime"] = maker.zone.text(record.happened_at)
    return cells


def _link_cells(maker: CellMaker, record: Record, _: int) -> Cells:
    link = record.payload
    assert isinstance(link, Link)
    cells = maker.times("event", record.occurred_at, record.received_at)
    return cells | {
        "deeplink_url_scheme": "sandboxapp",
        "deeplink_url_host": "open.example",
        "deeplink_url_path": link.path,
        "deeplink_url_parameters": link.parameters,
        "is_reengagement": "true" if link.source else "false",
        "publisher_id": link.source.publisher_id if link.source else "",
        "publisher_name": link.source.publisher_name if link.source else "",
        "tracker_name": link.source.tracker_name if link.source else "",
        "tracking_id": link.source.tracking_id if link.source else "",
    }


_PAYLOAD_CELLS: Mapping[Kind, Callable[[Any, Record, int], Cells]] = {
    "install": _install_cells,
    "verdict": _install_cells,
    "session_start": _timed("session_start"),
    "session_end": _timed("session_end"),
    "event": _event_cells,
    "push_token": _token_cells,
    "crash": _failure_cells,
    "error": _failure_cells,
    "click": _click_cells,
    "purchase": purchase_cells,
    "shopping": shopping_cells,
    "ad_view": ad_view_cells,
    "deeplink": _link_cells,
}
