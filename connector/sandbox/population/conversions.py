"""What counts as a conversion of an attributed installation, for every API that reports them."""

from connector.sandbox.population.records import Action, Record, Shopping

_ATTRIBUTION_S = 30 * 86_400
_CONVERSIONS = frozenset({"level_complete", "reward_claimed", "favourite_add", "search"})


def is_conversion(record: Record) -> bool:
    """True for what a device with a source did within 30 days of its installation, and counts."""
    device, payload = record.device, record.payload
    if device.source is None or record.happened_at > device.installed_at + _ATTRIBUTION_S:
        return False
    if isinstance(payload, Action):
        return payload.name in _CONVERSIONS
    if isinstance(payload, Shopping):
        return payload.step == "purchase"
    return record.kind in {"purchase", "ad_view"}
