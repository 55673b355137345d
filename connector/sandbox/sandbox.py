"""`Sandbox`: a running emulator for tests; `serve`: the same for the command line."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from connector.errors import ConfigError
from connector.sandbox.emulator import Emulator
from connector.sandbox.mytracker.dictionary import tracker_app_id
from connector.sandbox.mytracker.environment import write_selection
from connector.sandbox.scenario import Scenario, load_scenario
from connector.sandbox.zones import ZoneText

if TYPE_CHECKING:
    from connector.sandbox.server import Server


class Sandbox(Emulator):
    """Emulated vendors on loopback, for as long as the `with` block lasts.

    `scenario` is a `Scenario`, a TOML file, or None for the built-in demo; the controls are the
    methods of `Emulator`. Raises ConfigError where aiohttp is missing or the port is taken.
    """

    def __init__(self, scenario: Scenario | Path | str | None = None, *, port: int = 0) -> None:
        super().__init__(load_scenario(scenario))
        self._port = port
        self._server: Server | None = None

    def __enter__(self) -> Self:
        self._server = _make_server(self)
        self._server.start(self._port)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    @property
    def url(self) -> str:
        """Address of the vendors' API host, without a final slash."""
        return self._running().url

    @property
    def storage_url(self) -> str:
        """Address of another host, where redirects lead."""
        return self._running().storage_url

    @property
    def env(self) -> dict[str, str]:
        """Environment variables that point every source at this sandbox."""
        own = [app for app in self.scenario.apps if app.access != "none"]
        apps = ",".join(str(app.id) for app in own)
        # The first local day that has history, in whichever zone it begins first.
        start = min((ZoneText(a.zone).text(self.world.since)[:10] for a in own), default="")
        polling = {
            "SOURCES__APPMETRICA_LOGS__POLL_SECONDS": "0.1",
            "SOURCES__MYTRACKER__POLL_SECONDS": "0.05",
            "SOURCES__MYTRACKER__SLICE_HOURS": "24",
            "SOURCES__SHORTKIT__POLL_SECONDS": "0.05",
            "SOURCES__SHORTKIT__RETRY_FAILED_SECONDS": "0.2",
        }
        return {
            "SOURCES__APPMETRICA_STREAM__BASE_URL": self.url,
            "SOURCES__APPMETRICA_STREAM__TOKEN": self.scenario.read_token,
            "SOURCES__APPMETRICA_STREAM__APPLICATION_IDS": apps,
            "SOURCES__APPMETRICA_LOGS__BASE_URL": self.url,
            "SOURCES__APPMETRICA_LOGS__TOKEN": self.scenario.read_token,
            "SOURCES__APPMETRICA_LOGS__APPLICATION_IDS": apps,
            "SOURCES__APPMETRICA_LOGS__START": start,
            **self._mytracker_env(),
            **self._shortkit_env(),
            **(polling if self.scenario.clock == "real" else {}),
        }

    def _mytracker_env(self) -> dict[str, str]:
        own = [app for app in self.scenario.apps if app.access != "none"]
        first = datetime.fromtimestamp(self.world.since, UTC)
        env = {
            "BASE_URL": self.url,
            "API_USER_ID": str(self.scenario.api_user_id),
            "SECRET_KEY": self.scenario.secret_key,
            "ID_APPS": ",".join(str(tracker_app_id(app.id)) for app in own),
            "START": first.date().isoformat(),
        }
        if self.scenario.mytracker.link_host == "storage":
            env["FILE_HOSTS"] = self.storage_url.removeprefix("http://")
        return {f"SOURCES__MYTRACKER__{key}": value for key, value in env.items()} | (
            write_selection()
        )

    def _shortkit_env(self) -> dict[str, str]:
        known = self.scenario
        is_live = known.shortkit.environment == "live"
        env = {
            "BASE_URL": f"{self.url}/v1",
            "TOKEN": known.live_key if is_live else known.test_key,
            "START": datetime.fromtimestamp(self.world.since, UTC).date().isoformat(),
            "DOWNLOAD_HOSTS": self.storage_url.removeprefix("http://"),
            "WEBHOOK_SECRET": known.webhook_secret,
        }
        return {f"SOURCES__SHORTKIT__{key}": value for key, value in env.items()}

    @property
    def app_map(self) -> str:
        """The seed `app_map.csv` of this sandbox: which apps of the vendors are one product."""
        lines = ["source,source_app_id,app_group,name,time_zone,revenue_currency"]
        for app in self.scenario.apps:
            for source, own in (("appmetrica", app.id), ("mytracker", tracker_app_id(app.id))):
                group = app.name.lower().replace(" ", "-")
                lines.append(f"{source},{own},{group},{app.name},{app.zone},")
        for app in self.scenario.apps[:1]:  # the people who watch videos are those of this one
            group = app.name.lower().replace(" ", "-")
            lines.append(f"shortkit,shortkit,{group},{app.name},{app.zone},")
        return "\n".join(lines) + "\n"

    def describe(self) -> dict[str, Any]:
        """What the command line prints first: `{"url", "storage_url", "env"}`."""
        return {"url": self.url, "storage_url": self.storage_url, "env": self.env}

    def _running(self) -> "Server":
        if self._server is None:
            raise ConfigError(
                "the sandbox is not running: use it as `with Sandbox(...) as sandbox`"
            )
        return self._server


def serve(
    scenario: Scenario | Path | str | None = None,
    port: int = 0,
    *,
    ready: Callable[[dict[str, Any]], None],
) -> None:
    """Run a sandbox until SIGINT or SIGTERM; `ready` gets `Sandbox.describe()` once it listens.

    Call it from the main thread: signals are taken over for the time being.
    """
    with _until_signal() as stopped, Sandbox(scenario, port=port) as sandbox:
        ready(sandbox.describe())
        stopped.wait()


@contextmanager
def _until_signal() -> Iterator[threading.Event]:
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, stop) for number in numbers]
    try:
        yield stopped
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _make_server(emulator: Emulator) -> "Server":
    try:
        from connector.sandbox.server import Server
    except ModuleNotFoundError as error:
        if error.name != "aiohttp":
            raise
        raise ConfigError(
            "the sandbox needs aiohttp: pip install 'app-analytics-connector[sandbox]'"
        ) from None
    return Server(emulator)
