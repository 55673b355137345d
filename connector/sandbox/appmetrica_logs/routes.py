"""The endpoints of the Logs API (contract, section 2), and who may use them."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web

from connector.sandbox.appmetrica_logs.asks import (
    Ask,
    AskError,
    Place,
    parse_ask,
    parse_cache_rule,
)
from connector.sandbox.appmetrica_logs.prepared import LogFile, Part
from connector.sandbox.appmetrica_logs.queue import FULL
from connector.sandbox.appmetrica_logs.resources import Resource, find_resource
from connector.sandbox.appmetrica_logs.spoiling import count_rows_number, spoil_body
from connector.sandbox.emulator import Emulator
from connector.sandbox.faults import Fault, Request
from connector.sandbox.refusals import (
    answer_text,
    check_rights,
    drop_connection,
    redirect_as_asked,
    refuse,
    refuse_as_asked,
)
from connector.sandbox.wire import Payload, send_payload, wait_slow

if TYPE_CHECKING:
    from connector.sandbox.appmetrica_logs.service import Answer

_Act = Callable[[web.Request, Request], Awaitable[web.StreamResponse]]
_EXPORT = "/logs/v1/export"
_DAY_S = 86_400
_QUOTA = "The quota of requests is exceeded."
_TYPES = {"csv": "text/csv", "json": "application/json"}

_REPLACEMENTS: Mapping[str, Callable[[Fault], web.Response]] = {
    "reset": lambda _: web.Response(),
    "status": refuse_as_asked,
    "body202_as_200": lambda fault: answer_text(200, str(fault.params["text"])),
    "queue_full": lambda _: answer_text(429, FULL),
    "quota": lambda fault: answer_text(
        int(fault.params["code"]), _QUOTA, str(fault.params["retry_after"])
    ),
}


class LogsRoutes:
    """HTTP face of one emulator; `storage_url` gives the other host redirects lead to."""

    def __init__(self, emulator: Emulator, storage_url: Callable[[], str]) -> None:
        self._emulator = emulator
        self._service = emulator.logs
        self._logs = emulator.scenario.logs
        self._storage_url = storage_url

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the endpoints to the API host."""
        guard = self._guard
        router.add_get("/management/v1/logsapi/status", guard("logsapi", self._status))
        if self._logs.has_active_queries:
            active = guard("active_queries", self._active)
            router.add_get(f"{_EXPORT}/get_active_queries", active)
            router.add_post(f"{_EXPORT}/{{request}}/cancel", guard("cancel", self._cancel))
        router.add_get(f"{_EXPORT}/{{file}}", guard("export", self._export))

    def add_storage_to(self, router: web.UrlDispatcher) -> None:
        """Add the host of redirected downloads: it asks for no token and remembers all headers."""
        router.add_get(f"/moved{_EXPORT}/{{file}}", self._moved)

    def _guard(
        self, endpoint: str, act: _Act
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Count, delay, check quota and rights, then act."""

        async def handle(request: web.Request) -> web.StreamResponse:
            traffic, now = self._emulator.traffic, self._emulator.clock.timestamp()
            used = traffic.count_request(endpoint, int(now // _DAY_S), "appmetrica_logs")
            await asyncio.sleep(self._emulator.scenario.latency_s)
            app = request.query.get("application_id", "")
            is_about_app = endpoint != "logsapi"
            response: web.StreamResponse | None = self._check_quota(used) or check_rights(
                request, self._emulator.scenario, app or None
            )
            if response is None and is_about_app and not app:
                response = answer_text(400, "Parameter application_id is required")
            if response is None:
                response = await act(request, Request(endpoint, int(app or 0)))
            if not response.prepared:  # the others were counted as they went out
                is_dropped = request.transport is None or request.transport.is_closing()
                traffic.count_answer(endpoint, 0 if is_dropped else response.status)
            return response

        return handle

    def _check_quota(self, used: int) -> web.Response | None:
        if not self._logs.requests_per_day or used <= self._logs.requests_per_day:
            return None
        retry_after = str(self._logs.retry_after_s) if self._logs.retry_after_s else ""
        return answer_text(self._logs.throttle_code, _QUOTA, retry_after)

    async def _strike(
        self, request: web.Request, address: Request
    ) -> tuple[list[Fault], web.Response | None]:
        """The answer faults of a request, and the answer they put in place of its own."""
        faults = self._emulator.fault_book.strike(address, self._emulator.clock.timestamp())
        answer = self._find_replacement(request, faults)
        if answer is not None:
            await wait_slow(faults)
        if any(fault.kind == "reset" for fault in faults):
            return faults, drop_connection(request)
        return faults, answer

    def _find_replacement(self, request: web.Request, faults: list[Fault]) -> web.Response | None:
        for fault in faults:
            if fault.kind == "redirect":
                return redirect_as_asked(fault, request, self._storage_url())
            if (make := _REPLACEMENTS.get(fault.kind)) is not None:
                return make(fault)
        return None

    async def _status(self, request: web.Request, address: Request) -> web.StreamResponse:
        status = {"status": "enabled" if self._logs.is_enabled else "disabled"}
        return await self._send_json(request, address, lambda: status)

    async def _active(self, request: web.Request, address: Request) -> web.StreamResponse:
        return await self._send_json(request, address, lambda: self._list_active(address.app))

    async def _cancel(self, request: web.Request, address: Request) -> web.StreamResponse:
        faults, answer = await self._strike(request, address)
        if answer is not None:
            return answer
        number = request.match_info["request"]
        is_cancelled = await asyncio.to_thread(
            self._locked, self._service.cancel, address.app, number
        )
        if is_cancelled is None:
            return refuse(404, "No such request")
        message = (
            "Request cancellation has been scheduled."
            if is_cancelled
            else "The request has already been completed and cannot be canceled."
        )
        return await self._send(request, {"message": message}, faults, "cancel")

    async def _send_json(
        self, request: web.Request, address: Request, make: Callable[[], Any]
    ) -> web.StreamResponse:
        faults, answer = await self._strike(request, address)
        if answer is not None:
            return answer
        document = await asyncio.to_thread(self._locked, make)
        return await self._send(request, document, faults, address.endpoint)

    async def _send(
        self, request: web.Request, document: object, faults: list[Fault], endpoint: str
    ) -> web.StreamResponse:
        body = json.dumps(document, ensure_ascii=False).encode()
        payload = Payload("application/json; charset=utf-8", body)
        return await send_payload(request, payload, faults, self._count(endpoint))

    def _count(self, endpoint: str) -> Callable[[], None]:
        """What counts an answer that goes out whole."""
        return lambda: self._emulator.traffic.count_answer(endpoint, 200)

    def _list_active(self, app_id: int) -> list[dict[str, Any]]:
        now, queue = self._service.advance(app_id), self._service.queues[app_id]
        found = []
        for query in queue.queries:
            created = datetime.fromtimestamp(query.queued_at, UTC)
            progress = round(queue.progress(query, now), 2)
            is_thin = any(fault.kind == "thin" for fault in query.faults)
            found.append(
                {
                    "application_id": app_id,
                    "create_time": created.strftime("%Y-%m-%d %H:%M:%S"),
                    "entity": query.ask.resource.entity if query.ask else 2,
                    "output_format": int(query.ask is not None and query.ask.is_json),
                    "request_id": query.id,
                    "query": query.ask.query if query.ask else f"application_id={app_id}",
                    "status": int(query is queue.queries[0]),
                    "total_progress": progress,
                    "total_rows_loaded": int(progress * 100_000),
                    "shards_unavailable": int(is_thin),
                }
            )
        return found

    async def _export(self, request: web.Request, address: Request) -> web.StreamResponse:
        resource = _find_resource(request)
        if resource is None:
            return refuse(404, "No such resource")
        try:
            ask = self._parse(request, resource, address.app)
        except AskError as error:
            _, answer = await self._strike(request, address)
            return answer or answer_text(400, str(error))
        rule = parse_cache_rule(request.headers.get(hdrs.CACHE_CONTROL, ""))
        touched = await asyncio.to_thread(self._locked, self._service.touch, ask, rule)
        faults, replaced = await self._strike(request, touched)
        if replaced is not None:
            return replaced
        found: Answer = await asyncio.to_thread(self._locked, self._service.answer, ask, rule)
        if found.file is None:
            await wait_slow(faults)
            return answer_text(found.code, found.text)
        return await self._send_file(request, ask, found.file, faults, self._count("export"))

    async def _send_file(
        self,
        request: web.Request,
        ask: Ask,
        file: LogFile,
        faults: list[Fault],
        on_sent: Callable[[], None],
    ) -> web.StreamResponse:
        part = await asyncio.to_thread(self._locked, file.part, ask)
        payload = self._make_payload(part, faults)
        return await send_payload(request, payload, faults, on_sent)

    def _make_payload(self, part: Part, faults: list[Fault]) -> Payload:
        has_charset = self._logs.has_charset and all(f.kind != "no_charset" for f in faults)
        kind = _TYPES[part.export_format] + ("; charset=utf-8" if has_charset else "")
        headers = {}
        if part.rows is not None:
            is_sent = self._logs.rows_number or part.is_declared
            number = count_rows_number(part.rows, faults, is_sent=is_sent)
            headers = {"Rows-Number": number} if number else {}
        return Payload(kind, spoil_body(part.body, faults), part.path, headers)

    async def _moved(self, request: web.Request) -> web.StreamResponse:
        self._emulator.traffic.keep_storage_request(request.raw_path, request.headers)
        resource, app = _find_resource(request), request.query.get("application_id", "")
        if resource is None or not app.isdecimal():
            return web.Response(status=404)
        ask = self._parse(request, resource, int(app))
        file = self._service.file_of(ask)
        if file is None:
            return web.Response(status=404)
        return await self._send_file(request, ask, file, [], _ignore)

    def _parse(self, request: web.Request, resource: Resource, app_id: int) -> Ask:
        path, _, query = request.raw_path.partition("?")
        zone = self._emulator.scenario.app(app_id).zone
        is_inclusive = self._logs.date_until == "inclusive"
        place = Place(app_id, zone, is_inclusive)
        return parse_ask(path.removeprefix("/moved"), query, resource, place)

    def _locked(self, call: Callable[..., Any], *args: object) -> Any:
        with self._emulator.world.lock:
            return call(*args)


def _ignore() -> None:
    """Nothing is waiting for the end of this answer."""


def _find_resource(request: web.Request) -> Resource | None:
    name, _, suffix = request.match_info["file"].rpartition(".")
    return find_resource(name) if suffix in _TYPES else None
