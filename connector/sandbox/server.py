"""The listeners: aiohttp on two loopback ports, in a thread of their own."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from aiohttp import web

from connector.errors import ConfigError
from connector.sandbox.appmetrica_logs.routes import LogsRoutes
from connector.sandbox.appmetrica_stream.routes import StreamRoutes
from connector.sandbox.control import ControlRoutes
from connector.sandbox.emulator import Emulator
from connector.sandbox.mytracker.routes import TrackerRoutes
from connector.sandbox.shortkit.file_routes import FileRoutes
from connector.sandbox.shortkit.hook_routes import HookRoutes
from connector.sandbox.shortkit.routes import ShortKitRoutes

_HOST = "127.0.0.1"
_START_S = 30.0
_MAX_BODY = 1 << 30


class Server:
    """Serves one emulator: `url` is the vendors' API host, `storage_url` another host."""

    def __init__(self, emulator: Emulator) -> None:
        self.url = ""
        self.storage_url = ""
        self._emulator = emulator
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self._runners: list[web.AppRunner] = []

    def start(self, port: int) -> None:
        """Listen on `port` (0: any free one) and a free one for storage; ConfigError if taken."""
        self._thread.start()
        try:
            self._await(self._listen(port))
        except OSError as error:
            self.stop()
            raise ConfigError(
                f"sandbox: cannot listen on port {port}: {error.strerror}; choose another --port"
            ) from None

    def stop(self) -> None:
        """Stop listening and end the thread; what is under way is cut off."""
        if not self._thread.is_alive():
            return
        self._await(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    def _await(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_S)

    async def _listen(self, port: int) -> None:
        routes = StreamRoutes(self._emulator, lambda: self.storage_url)
        api, storage = (web.Application(client_max_size=_MAX_BODY) for _ in range(2))
        logs = LogsRoutes(self._emulator, lambda: self.storage_url)
        tracker = TrackerRoutes(self._emulator, lambda: self.storage_url)
        routes.add_to(api.router)
        logs.add_to(api.router)
        tracker.add_to(api.router)
        videos = FileRoutes(self._emulator, lambda: self.url)
        videos.add_to(api.router)
        videos.add_storage_to(storage.router)
        shortkit = ShortKitRoutes(self._emulator)
        shortkit.add_to(api.router)
        HookRoutes(self._emulator, shortkit).add_to(api.router)
        shortkit.add_rest_to(api.router)
        self._emulator.shortkit.describer.link_host = lambda: self.storage_url
        ControlRoutes(self._emulator).add_to(api.router)
        routes.add_storage_to(storage.router)
        logs.add_storage_to(storage.router)
        tracker.add_storage_to(storage.router)
        self.storage_url = await self._open(storage, 0)
        self.url = await self._open(api, port)

    async def _open(self, app: web.Application, port: int) -> str:
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.05, handler_cancellation=True
        )
        await runner.setup()
        self._runners.append(runner)
        site = web.TCPSite(runner, _HOST, port)
        await site.start()
        address = runner.addresses[0]
        return f"http://{address[0]}:{address[1]}"

    async def _close(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()
