"""The controls of the video export: what a test may look at and change."""

from typing import Any

from connector.errors import ConfigError
from connector.sandbox.faults import FaultBook
from connector.sandbox.shortkit.service import ShortKitService
from connector.sandbox.shortkit.truth import list_video_truth
from connector.sandbox.world import World


class ShortKitControls:
    """Methods of `Emulator` that are about ShortKit. Days are ISO dates in UTC."""

    world: World

    def __init__(self, world: World, faults: FaultBook) -> None:
        self.shortkit = ShortKitService(world, faults)

    def add_video_export(self, data_type: str, **declared: Any) -> None:
        """Put a made-up export in place of the population on a range of days.

        `since`, `until` (days, both included; left out or "any": open) and one of `rows` (JSON
        objects as they are to be sent), `body` (text or bytes), `body_base64`, `path` (served as
        it is); optional `row_count`, which is declared of a body.
        """
        with self.world.lock:
            self.shortkit.maker.inject({"data_type": data_type, **declared})

    def shortkit_truth(
        self,
        data_type: str,
        since: str | None = None,
        until: str | None = None,
        *,
        retention: bool = True,
    ) -> dict[str, Any]:
        """Every row of a data type; form in `shortkit.truth.list_video_truth`."""
        with self.world.lock:
            return list_video_truth(self.shortkit, data_type, since, until, kept=retention)

    def shortkit_requests(self) -> dict[str, Any]:
        """What was asked of the video export; form in `shortkit.statistics.RequestLog`."""
        return self.shortkit.log.describe()

    def shortkit_jobs(self) -> dict[str, Any]:
        """Every export there is or was, oldest first, those of other clients included."""
        with self.world.lock:
            return {"jobs": self.shortkit.describe_queue()}

    def add_foreign_video_jobs(self, count: int, seconds: float) -> None:
        """Let another client of the organisation have exports at work, each of `seconds`."""
        with self.world.lock:
            self.shortkit.add_foreign(count, seconds)

    def erase_person(self, user_id: str) -> dict[str, Any]:
        """Let somebody else erase a user, as DELETE does; ConfigError where there is none."""
        with self.world.lock:
            rows = self.shortkit.forget(user_id)
        if not rows:
            raise ConfigError(f"erase: ShortKit has no user {user_id!r}")
        return {"rows": rows}
