"""What holds for every test: no network but loopback, no machine's settings, bounded search.

The guard is switched on when pytest starts, before any test module is imported, and so holds for
fixtures of every scope and for threads. Child processes are not covered: they are started with
the addresses of loopback servers.
"""

import atexit
import ipaddress
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, settings

SETTINGS_PREFIXES = ("SOURCES__", "CONNECTOR__", "DESTINATION__", "RUNTIME__", "DLT_")

settings.register_profile(
    "ci", derandomize=True, database=None, deadline=None, max_examples=100, print_blob=True
)
settings.register_profile(
    "dev",
    deadline=None,  # two cores under load are slow at times; the test's timeout bounds it
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


class NetworkRefusedError(AssertionError):
    """A test tried to leave the machine."""


class LoopbackGuard:
    """Refuses connections and look-ups that are not loopback, while `is_on`."""

    def __init__(self) -> None:
        self.is_on = True
        self._connect = socket.socket.connect
        self._connect_ex = socket.socket.connect_ex
        self._getaddrinfo = socket.getaddrinfo

    def install(self) -> None:
        """Put the guard in front of Python's sockets for the life of the process."""
        guard = self

        def connect(sock: socket.socket, address: Any) -> None:
            guard.check(sock.family, address)
            guard._connect(sock, address)

        def connect_ex(sock: socket.socket, address: Any) -> int:
            guard.check(sock.family, address)
            return guard._connect_ex(sock, address)

        def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
            if guard.is_on and not is_loopback(host):
                refuse(host)
            return guard._getaddrinfo(host, *args, **kwargs)

        setattr(socket.socket, "connect", connect)  # noqa: B010 - mypy refuses a plain assignment
        setattr(socket.socket, "connect_ex", connect_ex)  # noqa: B010 - as above
        socket.getaddrinfo = getaddrinfo

    def check(self, family: int, address: Any) -> None:
        """Raise NetworkRefusedError unless the address is on this machine."""
        is_inet = family in {socket.AF_INET, socket.AF_INET6}
        if self.is_on and is_inet and not is_loopback(address[0]):
            refuse(address)


def refuse(address: Any) -> NoReturn:
    """Fail the test, saying where it wanted to go."""
    raise NetworkRefusedError(f"tests are offline, this one wants to reach {address!r}")


def is_loopback(host: Any) -> bool:
    """True for an address of this machine; None and "" are the wildcard a server binds to."""
    text = host.decode() if isinstance(host, bytes) else host
    if text in {None, "", "localhost"}:
        return True
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


GUARD = LoopbackGuard()


def pytest_configure() -> None:
    """Cut the suite off from the network and from the settings of the machine it runs on."""
    GUARD.install()
    for name in [name for name in os.environ if name.startswith(SETTINGS_PREFIXES)]:
        del os.environ[name]
    home = tempfile.mkdtemp(prefix="connector-tests-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ["DLT_DATA_DIR"] = os.path.join(home, "dlt")  # noqa: PTH118 - an environment string
    os.environ["DLT_PROJECT_DIR"] = home  # no .dlt/secrets.toml of the developer is read
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"


@pytest.fixture(autouse=True)
def _live_tests_may_leave(request: pytest.FixtureRequest) -> Iterator[None]:
    """Open the guard for tests marked `live`, which are only run when asked for."""
    GUARD.is_on = request.node.get_closest_marker("live") is None
    yield
    GUARD.is_on = True
