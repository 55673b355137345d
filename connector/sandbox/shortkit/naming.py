"""V1 names of a row's keys -> those of the later pages, with their units where they differ."""

from collections.abc import Mapping
from typing import Any

_BASE = {
    "event": "type",
    "contentId": "content_id",
    "userId": "user_id",
    "sessionId": "session_id",
    "deviceType": "device_type",
    "deviceId": "device_id",
}
_DATA: Mapping[str, Mapping[str, str]] = {
    "impression": {"position": "positionInFeed"},
    "playStart": {"startupTime": "startupTimeMs", "rendition": "initialRendition"},
    "watchProgress": {"duration": "totalDuration", "rendition": "currentRendition"},
    "completion": {"watchTime": "totalWatchTime", "looped": "didLoop"},
    "swipe": {"watchTimeOnFrom": "watchTimeOnPrevious"},
    "share": {"platform": "shareMethod"},
    "interaction": {"interactionType": "action"},
    "feedExit": {"totalSessionTime": "watchTime"},
    "rebuffer": {"duration": "rebufferDurationMs"},
    "qualityChange": {"fromQuality": "fromRendition", "toQuality": "toRendition"},
}
_AD_DATA: Mapping[str, Mapping[str, str]] = {
    "impression": {"adId": "slotId"},
    "completion": {"adId": "slotId"},
    "click": {"adId": "slotId"},
}
"""Of advertisements, which share event names with videos but have `adId` and keep the rest."""


def rename_row(row: Mapping[str, Any], *, has_units: bool) -> dict[str, Any]:
    """The row under the later names; with `has_units` in the later units too."""
    event, data = str(row.get("event", "")), row.get("data")
    renamed = {_BASE.get(name, name): value for name, value in row.items()}
    if not isinstance(data, dict):
        return renamed
    names = (_AD_DATA if "adId" in data else _DATA).get(event, {})
    values = {names.get(name, name): value for name, value in data.items()}
    if has_units:
        values = {name: _convert(name, value) for name, value in values.items()}
    renamed["data"] = values
    if event in {"rebuffer", "qualityChange", "error"}:
        renamed.pop("currentTime", None)
    return renamed


def _convert(name: str, value: Any) -> Any:
    """Percent as a ratio, bits as kilobits, seconds on the item left as milliseconds."""
    if name == "percentComplete":
        return round(value / 100, 5)
    if name == "currentBitrate":
        return value // 1000
    if name in {"watchTimeOnFrom", "watchTimeOnPrevious"}:
        return int(value * 1000)
    return value
