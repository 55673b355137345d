"""The five endpoints of the Data Stream API (contract, section 2), and who may use them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from connector.sandbox.appmetrica_stream.exports import SettingsError
from connector.sandbox.appmetrica_stream.windows import WindowFile
from connector.sandbox.emulator import Emulator
from connector.sandbox.faults import Fault, Request
from connector.sandbox.refusals import (
    MONTHLY_LIMIT,
    check_rights,
    drop_connection,
    redirect_as_asked,
    refuse,
    refuse_as_asked,
)
from connector.sandbox.scenario import App
from connector.sandbox.wire import Payload, send_payload, wait_slow
from connector.sandbox.zones import ZoneText

_Act = Callable[[web.Request, Request, list[Fault]], Awaitable[web.StreamResponse]]
_REPLACING = frozenset({"reset", "monthly_limit", "status", "redirect"})
_DAY_S = 86_400
_CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json; charset=utf-8"}


class StreamRoutes:
    """HTTP face of one emulator; `storage_url` gives the other host redirects lead to."""

    def __init__(self, emulator: Emulator, storage_url: Callable[[], str]) -> None:
        self._emulator = emulator
        self._stream = emulator.stream
        self._storage_url = storage_url

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the endpoints to the API host."""
        settings = "/management/v1/application/{id}/datastream/settings"
        router.add_get("/management/v1/applications", self._guard("applications", self._apps))
        router.add_get(settings, self._guard("settings", self._read_settings))
        router.add_post(settings, self._guard("settings", self._write_settings))
        data = "/datastream/v1/application/{id}"
        router.add_get(f"{data}/status", self._guard("status", self._status))
        router.add_get(f"{data}/data", self._guard("data", self._data))

    def add_storage_to(self, router: web.UrlDispatcher) -> None:
        """Add the host of redirected downloads: it asks for no token and remembers all headers."""
        router.add_get("/moved/datastream/v1/application/{id}/data", self._moved)

    def _guard(
        self, endpoint: str, act: _Act
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Count, delay, check quota and rights, strike faults, then act."""

        async def handle(request: web.Request) -> web.StreamResponse:
            traffic, now = self._emulator.traffic, self._emulator.clock.timestamp()
            used = traffic.count_request(endpoint, int(now // _DAY_S))
            if endpoint != "data":
                await asyncio.sleep(self._emulator.scenario.latency_s)
            address = _address(endpoint, request)
            refusal = self._check_quota(used) or self._check_rights(request, endpoint)
            if refusal is None:
                faults = self._emulator.fault_book.strike(address, now)
                refusal = await self._answer_fault(request, faults)
                if refusal is None:
                    response = await act(request, address, faults)
                    if not response.prepared:  # the others were counted as they went out
                        traffic.count_answer(endpoint, response.status)
                    return response
            is_dropped = request.transport is None or request.transport.is_closing()
            traffic.count_answer(endpoint, 0 if is_dropped else refusal.status)
            return refusal

        return handle

    def _check_quota(self, used: int) -> web.Response | None:
        stream = self._emulator.scenario.stream
        if not stream.requests_per_day or used <= stream.requests_per_day:
            return None
        return self._throttle("The daily number of requests is used up.")

    def _throttle(self, message: str) -> web.Response:
        stream = self._emulator.scenario.stream
        retry_after = str(stream.retry_after_s) if stream.retry_after_s else ""
        return refuse(stream.throttle_code, message, retry_after=retry_after)

    def _check_rights(self, request: web.Request, endpoint: str) -> web.Response | None:
        app_id = None if endpoint == "applications" else request.match_info.get("id", "")
        is_write = request.method == "POST"
        return check_rights(request, self._emulator.scenario, app_id, is_write=is_write)

    def _find_app(self, request: web.Request) -> App | None:
        wanted = request.match_info.get("id", "")
        return next((a for a in self._emulator.scenario.apps if str(a.id) == wanted), None)

    async def _answer_fault(self, request: web.Request, faults: list[Fault]) -> web.Response | None:
        if any(fault.kind in _REPLACING for fault in faults):
            await wait_slow(faults)
        for fault in faults:
            if fault.kind == "reset":
                return drop_connection(request)
            if fault.kind == "monthly_limit":
                return refuse(400, MONTHLY_LIMIT, error_type="quota")
            if fault.kind == "status":
                return refuse_as_asked(fault)
            if fault.kind == "redirect":
                return redirect_as_asked(fault, request, self._storage_url())
        return None

    async def _apps(
        self, request: web.Request, _: Request, faults: list[Fault]
    ) -> web.StreamResponse:
        now = self._emulator.clock.timestamp()
        apps = [
            {
                "id": app.id,
                "name": app.name,
                "create_date": app.created,
                "time_zone_name": app.zone,
                "time_zone_offset": ZoneText(app.zone).offset_s(now),
            }
            for app in self._emulator.scenario.apps
            if app.access != "none"
        ]
        return await self._send_json(request, {"applications": apps}, faults, "applications")

    async def _read_settings(
        self, request: web.Request, address: Request, faults: list[Fault]
    ) -> web.StreamResponse:
        with self._emulator.world.lock:
            settings = self._stream.settings(address.app)
        return await self._send_json(request, settings, faults, "settings")

    async def _write_settings(
        self, request: web.Request, address: Request, faults: list[Fault]
    ) -> web.StreamResponse:
        try:
            body = json.loads(await request.read())
        except ValueError:
            return refuse(400, "The body is not JSON", error_type="invalid_json")
        try:
            with self._emulator.world.lock:
                settings = self._stream.change_settings(address.app, body)
        except SettingsError as error:
            return refuse(400, str(error), error_type=error.error_type)
        return await self._send_json(request, settings, faults, "settings")

    async def _status(
        self, request: web.Request, address: Request, faults: list[Fault]
    ) -> web.StreamResponse:
        body = await asyncio.to_thread(self._locked, self._stream.status, address.app)
        payload = Payload(_CONTENT_TYPES["json"], body)
        return await send_payload(request, payload, faults, self._count("status"))

    async def _data(
        self, request: web.Request, address: Request, faults: list[Fault]
    ) -> web.StreamResponse:
        traffic, limit = self._emulator.traffic, self._emulator.scenario.stream.parallel_downloads
        under_way = traffic.begin_download()
        release = _Once(traffic.end_download)
        try:
            if limit and under_way > limit:
                return self._throttle("Too many parallel downloads.")
            await asyncio.sleep(self._emulator.scenario.latency_s)
            if self._locked(self._stream.is_exhausted):
                return refuse(400, MONTHLY_LIMIT, error_type="quota")
            file = await self._find_file(address)
            if file is None:
                return refuse(404, "No such window")
            traffic.count_file(address.app, address.data_type, address.window)
            # Before the last byte is out, so that whoever has the file finds the window grown.
            self._grow(address, faults)

            def end() -> None:
                release()
                self._count("data")()

            return await send_payload(request, _payload(file), faults, end)
        finally:
            release()

    async def _find_file(self, address: Request) -> WindowFile | None:
        return await asyncio.to_thread(
            self._locked, self._stream.find_file, address.app, address.data_type, address.window
        )

    def _grow(self, address: Request, faults: list[Fault]) -> None:
        for fault in faults:
            if fault.kind == "grow_after_download":
                self._emulator.change_window(
                    address.app, address.data_type, address.window, add=int(fault.params["rows"])
                )

    async def _moved(self, request: web.Request) -> web.StreamResponse:
        self._emulator.traffic.keep_storage_request(str(request.rel_url), request.headers)
        address = _address("data", request)
        file = await self._find_file(address) if self._find_app(request) else None
        if file is None:
            return web.Response(status=404)
        return await send_payload(request, _payload(file), (), _ignore)

    def _locked(self, call: Callable[..., Any], *args: object) -> Any:
        with self._emulator.world.lock:
            return call(*args)

    def _count(self, endpoint: str) -> Callable[[], None]:
        """What counts an answer that goes out whole."""
        return lambda: self._emulator.traffic.count_answer(endpoint, 200)

    async def _send_json(
        self, request: web.Request, document: object, faults: list[Fault], endpoint: str
    ) -> web.StreamResponse:
        body = json.dumps(document, ensure_ascii=False).encode()
        payload = Payload(_CONTENT_TYPES["json"], body)
        return await send_payload(request, payload, faults, self._count(endpoint))


class _Once:
    """Calls something the first time only."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act: Callable[[], None] | None = act

    def __call__(self) -> None:
        act, self._act = self._act, None
        if act is not None:
            act()


def _ignore() -> None:
    """Nothing is waiting for the end of this answer."""


def _payload(file: WindowFile) -> Payload:
    return Payload(_CONTENT_TYPES[file.schema.export_format], file.body, file.path)


def _address(endpoint: str, request: web.Request) -> Request:
    """App, data type and window a request is about; 0 and "" where it names none."""
    app, window = request.match_info.get("id", ""), request.query.get("stream_window_timestamp", "")
    return Request(
        endpoint,
        int(app) if app.isdecimal() else 0,
        request.query.get("data_type", ""),
        int(window) if window.isdecimal() else 0,
    )
