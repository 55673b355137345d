"""User profiles as they stand at a moment, gathered from what their devices did."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter

from connector.sandbox.population.records import Record
from connector.sandbox.zones import ZoneText

_NAMES = ("Ada", "Bela", "Chioma", 'Dmitri "D" Orlov', "Ёлка", "")
_PLANS = ("free", "free", "plus", "")
_GENRES = ("puzzle", "arcade, retro", "")


@dataclass(slots=True)
class Profile:
    """What is known of one device's profile; `last` is its newest start."""

    last: Record
    sessions: int = 0
    crashes: int = 0
    errors: int = 0
    tokens: int = 0


def gather_profiles(
    records: Callable[[str, float], Iterable[Record]], as_of: float
) -> list[Profile]:
    """The profiles at `as_of` (unix seconds), by device; `records` gives those of a resource."""
    found: dict[int, Profile] = {}
    for record in sorted(records("sessions_starts", as_of), key=attrgetter("happened_at")):
        profile = found.setdefault(record.device.index, Profile(record))
        profile.last = record
        profile.sessions += 1
    for name, counter in (("crashes", "crashes"), ("errors", "errors"), ("push_tokens", "tokens")):
        for record in records(name, as_of):
            if (known := found.get(record.device.index)) is not None:
                setattr(known, counter, getattr(known, counter) + 1)
    return [found[index] for index in sorted(found)]


def profile_cells(profile: Profile, zone: ZoneText) -> dict[str, str]:
    """The cells only profiles have; dates are days in the app's zone."""
    device = profile.last.device
    n = device.index
    return {
        "appmetrica_name": _NAMES[n % len(_NAMES)],
        "appmetrica_gender": ("male", "female", "")[n % 3],
        "appmetrica_birth_date": str(18 + n % 50) if n % 4 else "",
        "appmetrica_notifications_enabled": "true" if n % 5 else "false",
        "appmetrica_sessions": str(profile.sessions),
        "appmetrica_crashes": str(profile.crashes),
        "appmetrica_errors": str(profile.errors),
        "appmetrica_push_opens": str(profile.tokens * (n % 3)),
        "appmetrica_push_send_count": str(profile.tokens * 4),
        "appmetrica_first_session_date": zone.text(device.installed_at)[:10],
        "appmetrica_last_start_date": zone.text(profile.last.happened_at)[:10],
        "plan": _PLANS[n % len(_PLANS)],
        "favourite_genre": _GENRES[n % len(_GENRES)],
    }
