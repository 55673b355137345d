"""The 13 resources: what they are called, numbered and made of.

List and entity codes: appmetrica.yandex.com/docs/en/mobile-api/logs/endpoints.
"""

from dataclasses import dataclass

from connector.fields import load_tables
from connector.sandbox.population.records import Kind

SOURCE = "appmetrica_logs"
PROFILE_ATTRIBUTES = ("plan", "favourite_genre")
"""Custom attributes the invented profiles have."""
_OBSERVED = {
    "crashes": ("oaid",),
    "errors": ("oaid",),
    "postbacks": ("touch_type",),
    "push_tokens": ("oaid", "original_device_model"),
    "sessions_starts": ("oaid",),
}
"""Fields a published client asks for that stand in no list of the vendor's (PyPI
`appmetrica-logs-api`): its requests must not fail here."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource. `kind` is the record a row is made of ("" where rows are made of several).

    Snapshots take no dates and show the present; `has_dimension` is false where rows have one
    clock only.
    """

    name: str
    entity: int
    kind: Kind | None = None
    is_snapshot: bool = False
    has_dimension: bool = True

    def field_names(self) -> tuple[str, ...]:
        """Fields there are, custom attributes last."""
        known = tuple(field.name for field in load_tables(SOURCE)[self.name].fields)
        return (*known, *PROFILE_ATTRIBUTES) if self.name == "profiles_v2" else known

    def accepted_names(self) -> frozenset[str]:
        """Fields that may be asked for."""
        return frozenset((*self.field_names(), *_OBSERVED.get(self.name, ())))


RESOURCES = {
    resource.name: resource
    for resource in (
        Resource("clicks", 0, "click"),
        Resource("installations", 1, "install"),
        Resource("events", 2, "event"),
        Resource("postbacks", 3, has_dimension=False),
        Resource("errors", 4, "error"),
        Resource("crashes", 5, "crash"),
        Resource("push_tokens", 6, "push_token", is_snapshot=True),
        Resource("sessions_starts", 7, "session_start"),
        Resource("deeplinks", 9, "deeplink"),
        Resource("revenue_events", 10, "purchase"),
        Resource("profiles_v2", 12, is_snapshot=True),
        Resource("ad_revenue_events", 13, "ad_view"),
        Resource("ecommerce_events", 14, "shopping"),
    )
}
"""The resources by name."""

RESOURCE_OF_KIND = {resource.kind: resource.name for resource in RESOURCES.values()}
"""The resource that shows records of a kind; None has those made of several."""


def find_resource(name: str) -> Resource | None:
    """The resource a path names; `profiles` is the older name of `profiles_v2`."""
    return RESOURCES.get("profiles_v2" if name == "profiles" else name)
