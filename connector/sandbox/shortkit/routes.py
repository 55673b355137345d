"""The endpoints of the video export API (contract, section 2), and who may use them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import hdrs, web

from connector.sandbox.emulator import Emulator
from connector.sandbox.faults import Fault, Request, next_month
from connector.sandbox.shortkit.answers import NOT_FOUND, Answer, refuse
from connector.sandbox.shortkit.asks import AskError, read_ask
from connector.sandbox.shortkit.keys import check_key
from connector.sandbox.shortkit.refusing import answer_fault, lose_answer
from connector.sandbox.wire import Payload, send_payload, wait_slow

_Act = Callable[[web.Request, list[Fault]], Awaitable[web.StreamResponse]]
_JSON = "application/json; charset=utf-8"
_EXPORT = "/v1/analytics/export"
_DAY_S = 86_400
_MOST_LISTED = 100


class ShortKitRoutes:
    """HTTP face of one emulator's video export."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._service = emulator.shortkit
        self._settings = emulator.scenario.shortkit
        self._number = 0

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the endpoints to the API host."""
        add, guard = router.add_route, self.guard
        add("POST", _EXPORT, guard("video_create", self._create))
        add("GET", f"{_EXPORT}/{{job}}", guard("video_status", self._get))
        add("DELETE", f"{_EXPORT}/{{job}}", guard("video_cancel", self._cancel))
        add("GET", "/v1/analytics/exports", guard("video_list", self._list))
        add("POST", "/v1/users/{user}/export", guard("video_person", self._export_person))
        add("GET", "/v1/users/{user}/export/{job}", guard("video_person", self._get))
        add("DELETE", "/v1/users/{user}", guard("video_erase", self._erase))

    def add_rest_to(self, router: web.UrlDispatcher) -> None:
        """Whatever else is under /v1/ is not found; call it when all endpoints are added."""
        router.add_route("*", "/v1/{rest:.*}", self.guard("shortkit", self._miss))

    def guard(
        self, endpoint: str, act: _Act
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Count, delay, check the key and the limits, strike faults, then act."""

        async def handle(request: web.Request) -> web.StreamResponse:
            now = self._emulator.clock.timestamp()
            self._emulator.traffic.count_request(endpoint, int(now // _DAY_S), "shortkit")
            self._service.log.count(endpoint)
            await asyncio.sleep(self._emulator.scenario.latency_s)
            body = await request.read()
            header = request.headers.get(hdrs.AUTHORIZATION, "")
            refusal = check_key(header, self._emulator.scenario) or self._service.limits.count(now)
            if refusal is not None:
                return self._answer(endpoint, refusal)
            address = self._find_address(endpoint, request, body)
            faults = self._emulator.fault_book.strike(address, now)
            response = await self._strike(request, endpoint, faults)
            return response or await act(request, faults)

        return handle

    async def _strike(
        self, request: web.Request, endpoint: str, faults: list[Fault]
    ) -> web.StreamResponse | None:
        """The answer that faults put in place of a request's own."""
        for fault in faults:
            if fault.kind == "video_quota":
                self._service.limits.block(next_month(self._emulator.clock.now()).timestamp())
                return self._answer(
                    endpoint, refuse(429, "QUOTA_EXCEEDED", "Monthly quota exceeded")
                )
            answer = answer_fault(fault, request)
            if answer is None:
                continue
            await wait_slow(faults)
            if isinstance(answer, Answer):
                return self._answer(endpoint, answer)
            return self._count(request, endpoint, answer)
        return None

    async def _create(self, request: web.Request, faults: list[Fault]) -> web.StreamResponse:
        lost = next((fault for fault in faults if fault.kind == "video_create_lost"), None)
        body = await request.read()
        key = request.headers.get("Idempotency-Key", "")
        is_kept = lost is None or bool(lost.params["is_idempotent"])
        answer = await self.run_locked(self._make_export, body, key, is_kept)
        if lost is not None:
            return self._count(request, "video_create", lose_answer(lost, request))
        return await self.send(request, "video_create", answer, faults)

    def _make_export(self, body: bytes, key: str, is_kept: bool) -> Answer:
        try:
            ask = read_ask(body, self._settings)
        except AskError as error:
            told = {"code": 400, "error": error.code, "message": error.message}
            now = self._emulator.clock.timestamp()
            text = body.decode("utf-8", "replace")
            self._service.log.add("refused", body=text, idempotency_key=key, at=now, **told)
            return refuse(400, error.code, error.message, error.at)
        return self._service.create(ask, key, json.loads(body), is_kept=is_kept)

    async def _get(self, request: web.Request, faults: list[Fault]) -> web.StreamResponse:
        is_person = "user" in request.match_info
        answer = await self.run_locked(self._service.get, request.match_info["job"])
        endpoint = "video_person" if is_person else "video_status"
        return await self.send(request, endpoint, answer, faults)

    async def _cancel(self, request: web.Request, faults: list[Fault]) -> web.StreamResponse:
        answer = await self.run_locked(self._service.cancel, request.match_info["job"])
        return await self.send(request, "video_cancel", answer, faults)

    async def _list(self, request: web.Request, faults: list[Fault]) -> web.StreamResponse:
        query = request.query
        limit = query.get("limit", "20")
        if not limit.isdecimal() or not 1 <= int(limit) <= _MOST_LISTED:
            text = f"limit must be 1 to {_MOST_LISTED}"
            return self._answer("video_list", refuse(400, "INVALID_PARAMETER", text, "limit"))
        now = self._emulator.clock.timestamp()
        self._service.log.add("lists", query=request.query_string, at=now)
        answer = await self.run_locked(
            self._service.list_jobs, int(limit), query.get("cursor", ""), query.get("status", "")
        )
        return await self.send(request, "video_list", answer, faults)

    async def _export_person(self, request: web.Request, faults: list[Fault]) -> web.StreamResponse:
        answer = await self.run_locked(self._service.export_person, request.match_info["user"])
        return await self.send(request, "video_person", answer, faults)

    async def _erase(self, request: web.Request, faults: list[Fault]) -> web.StreamResponse:
        answer = await self.run_locked(self._service.erase, request.match_info["user"])
        return await self.send(request, "video_erase", answer, faults)

    async def _miss(self, _: web.Request, __: list[Fault]) -> web.StreamResponse:
        return self._answer("shortkit", NOT_FOUND)

    def _find_address(self, endpoint: str, request: web.Request, body: bytes) -> Request:
        if endpoint == "video_create":
            try:
                return self._service.address(endpoint, read_ask(body, self._settings))
            except AskError:
                return self._service.address(endpoint)
        job = self._service.jobs.get(request.match_info.get("job", ""))
        return self._service.address(endpoint, job.ask if job is not None else None)

    async def send(
        self, request: web.Request, endpoint: str, answer: Answer, faults: list[Fault]
    ) -> web.StreamResponse:
        """An answer on its way, spoiled as faults ask for."""
        if answer.code or answer.status == 204:
            await wait_slow(faults)
            return self._answer(endpoint, answer)
        headers = self._headers(answer)
        payload = Payload(_JSON, self._write(answer), headers=headers, status=answer.status)
        return await send_payload(
            request, payload, faults, lambda: self._count_code(endpoint, answer.status)
        )

    def _answer(self, endpoint: str, answer: Answer) -> web.Response:
        """An answer that no fault spoils."""
        self._count_code(endpoint, answer.status)
        headers = self._headers(answer)
        if answer.status == 204:
            return web.Response(status=204, headers=headers)
        headers[str(hdrs.CONTENT_TYPE)] = _JSON
        return web.Response(status=answer.status, body=self._write(answer), headers=headers)

    def _headers(self, answer: Answer) -> dict[str, str]:
        headers = self._service.limits.headers(self._emulator.clock.timestamp())
        if answer.retry_after_s is not None:
            headers[str(hdrs.RETRY_AFTER)] = str(answer.retry_after_s)
        return headers

    def _write(self, answer: Answer) -> bytes:
        self._number += 1
        return answer.body(self._settings.envelope, self._number)

    def _count(self, request: web.Request, endpoint: str, response: web.Response) -> web.Response:
        """Count an answer that a fault made; 0 for one that never leaves."""
        is_dropped = request.transport is None or request.transport.is_closing()
        self._count_code(endpoint, 0 if is_dropped else response.status)
        return response

    def _count_code(self, endpoint: str, code: int) -> None:
        self._service.log.count_code(endpoint, code)
        self._emulator.traffic.count_answer(endpoint, code)

    async def run_locked(self, call: Callable[..., Any], *args: object) -> Any:
        """What a call gives, made beside the loop under the world's lock."""

        def run() -> Any:
            with self._emulator.world.lock:
                return call(*args)

        return await asyncio.to_thread(run)
