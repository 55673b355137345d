"""The endpoints of the raw export API (contract, section 2), and who may use them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import hdrs, web

from connector.sandbox.emulator import Emulator
from connector.sandbox.faults import Fault, Request
from connector.sandbox.mytracker.answers import DENIED, NOT_FOUND, Answer, accept, refuse
from connector.sandbox.mytracker.asks import Ask, AskError
from connector.sandbox.mytracker.refusing import answer_fault, lose_answer
from connector.sandbox.mytracker.signature import is_signed
from connector.sandbox.refusals import redirect_as_asked
from connector.sandbox.wire import Payload, send_payload, wait_slow

_Act = Callable[[web.Request, Request, list[Fault]], Awaitable[web.StreamResponse]]
_EXPORT = "/api/raw/v1/export"
_FILE = "/storage/download/raw/{file}"
_JSON = "application/json; charset=utf-8"
_DAY_S = 86_400


class TrackerRoutes:
    """HTTP face of one emulator; `storage_url` gives the other host links or redirects lead to."""

    def __init__(self, emulator: Emulator, storage_url: Callable[[], str]) -> None:
        self._emulator = emulator
        self._service = emulator.mytracker
        self._settings = emulator.scenario.mytracker
        self._storage_url = storage_url

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the endpoints to the API host."""
        router.add_post(f"{_EXPORT}/create.json", self._guard("create", self._create))
        router.add_get(f"{_EXPORT}/get.json", self._guard("get", self._get))
        router.add_get(f"{_EXPORT}/cancel.json", self._guard("cancel", self._cancel))
        quotas = self._guard("quotas", self._quotas)
        router.add_get("/api/open/user/v1/quotas/get.json", quotas)
        router.add_get(_FILE, self._guard("storage", self._file))

    def add_storage_to(self, router: web.UrlDispatcher) -> None:
        """Add the files to the other host, which remembers all headers."""
        router.add_get(_FILE, self._guard("storage", self._file, is_other_host=True))
        router.add_get(f"/moved{_FILE}", self._moved)

    def _guard(
        self, endpoint: str, act: _Act, *, is_other_host: bool = False
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Count, delay, check signature and quotas, strike faults, then act."""

        async def handle(request: web.Request) -> web.StreamResponse:
            now = self._emulator.clock.timestamp()
            self._emulator.traffic.count_request(endpoint, int(now // _DAY_S), "mytracker")
            self._service.log.count(endpoint)
            await asyncio.sleep(self._emulator.scenario.latency_s)
            body = await request.read()
            refusal = None
            if is_other_host:
                self._keep_headers(request)
            else:
                refusal = self._refuse(request, endpoint, body, now)
            if refusal is not None:
                return self._answer(endpoint, refusal)
            address = self._find_address(endpoint, request, body)
            faults = self._emulator.fault_book.strike(address, now)
            response = await self._strike(request, endpoint, faults)
            return response or await act(request, address, faults)

        return handle

    def _refuse(
        self, request: web.Request, endpoint: str, body: bytes, now: float
    ) -> Answer | None:
        """What a request gets for its signature or its user's quotas; None where it may go on."""
        header = request.headers.get(hdrs.AUTHORIZATION, "")
        is_open = endpoint == "storage" and self._settings.file_auth == "optional"
        if header or not is_open or request.query.get("auth") == "1":
            user = str(self._emulator.scenario.api_user_id)
            url = f"{request.scheme}://{request.host}{request.raw_path}"
            if not is_signed(header, request.method, url, body, (user, self._service.secret)):
                return DENIED
        if endpoint == "storage" and not self._settings.has_download_quota:
            return None
        return self._service.quotas.count(now)

    async def _strike(
        self, request: web.Request, endpoint: str, faults: list[Fault]
    ) -> web.StreamResponse | None:
        """The answer that faults put in place of a request's own."""
        for fault in faults:
            if fault.kind == "redirect":
                return self._count(
                    request, endpoint, redirect_as_asked(fault, request, self._storage_url())
                )
            if fault.kind == "error_block":
                until = self._emulator.clock.timestamp() + float(fault.params["seconds"])
                self._service.quotas.block(until)
            response = answer_fault(fault, request, self._service.quotas, self._emulator.clock)
            if response is not None:
                await wait_slow(faults)
                return self._count(request, endpoint, response)
        return None

    async def _create(
        self, request: web.Request, _: Request, faults: list[Fault]
    ) -> web.StreamResponse:
        pairs = _read_pairs(request, await request.read())
        answer = await asyncio.to_thread(self._locked, self._make_export, pairs)
        for fault in faults:
            if fault.kind == "create_lost":
                return self._count(request, "create", lose_answer(fault, request))
        return await self._send(request, "create", answer, faults)

    def _make_export(self, pairs: list[tuple[str, str]]) -> Answer:
        now = self._service.advance()
        try:
            ask: Ask = self._service.reader(now).read(pairs)
        except AskError as error:
            self._service.log.add_refused(pairs, str(error), now)
            return refuse(400, str(error))
        return self._service.create(ask)

    async def _get(
        self, request: web.Request, _: Request, faults: list[Fault]
    ) -> web.StreamResponse:
        number = request.query.get("idRawExport", "")
        answer = await asyncio.to_thread(self._locked, self._service.get, number)
        return await self._send(request, "get", self._link(request, answer), faults)

    def _link(self, request: web.Request, answer: Answer) -> Answer:
        """The names of the files, as links to the host that has them."""
        data = dict(answer.data or {})
        if not data.get("files"):
            return answer
        is_here = self._settings.link_host == "api"
        host = f"{request.scheme}://{request.host}" if is_here else self._storage_url()
        folder = host + _FILE.removesuffix("{file}")
        data["files"] = [file | {"link": folder + file["link"]} for file in data["files"]]
        return Answer(answer.code, data)

    async def _cancel(
        self, request: web.Request, _: Request, faults: list[Fault]
    ) -> web.StreamResponse:
        number = request.query.get("idRawExport", "")
        answer = await asyncio.to_thread(self._locked, self._service.cancel, number)
        return await self._send(request, "cancel", answer, faults)

    async def _quotas(
        self, request: web.Request, _: Request, faults: list[Fault]
    ) -> web.StreamResponse:
        state = self._service.quotas.describe(self._emulator.clock.timestamp())
        return await self._send(request, "quotas", accept(quotas=state), faults)

    async def _file(
        self, request: web.Request, _: Request, faults: list[Fault]
    ) -> web.StreamResponse:
        name = request.match_info["file"]
        part = await asyncio.to_thread(self._locked, self._service.find_file, name)
        if part is None:
            return self._answer("storage", NOT_FOUND)
        payload = Payload("application/gzip", part.body, part.path, is_stored=True)
        return await send_payload(request, payload, faults, lambda: self._count_code("storage"))

    async def _moved(self, request: web.Request) -> web.StreamResponse:
        self._keep_headers(request)
        return await self._file(request, Request("storage"), [])

    def _find_address(self, endpoint: str, request: web.Request, body: bytes) -> Request:
        if endpoint == "create":
            event = dict(_read_pairs(request, body)).get("event", "")
            return Request(endpoint, 0, event, 0, "mytracker")
        name = request.match_info.get("file", "") or request.query.get("idRawExport", "")
        job = self._service.jobs.get(name.partition(".")[0])
        return self._service.address(endpoint, job.ask if job is not None else None)

    async def _send(
        self, request: web.Request, endpoint: str, answer: Answer, faults: list[Fault]
    ) -> web.StreamResponse:
        if answer.code != 200:
            await wait_slow(faults)
            return self._answer(endpoint, answer)
        payload = Payload(_JSON, answer.body())
        return await send_payload(request, payload, faults, lambda: self._count_code(endpoint))

    def _answer(self, endpoint: str, answer: Answer) -> web.Response:
        """A refusal; what the user did wrong counts for the quota of errors."""
        now = self._emulator.clock.timestamp()
        if answer.code not in {429, 200}:
            self._service.quotas.count_error(now)
        code = answer.code if self._settings.code_in == "both" else 200
        response = web.Response(
            status=code, body=answer.body(), content_type="application/json", charset="utf-8"
        )
        self._service.log.count_code(endpoint, answer.code)
        self._emulator.traffic.count_answer(endpoint, code)
        return response

    def _count(self, request: web.Request, endpoint: str, response: web.Response) -> web.Response:
        """Count an answer that a fault made; 0 for one that never leaves."""
        is_dropped = request.transport is None or request.transport.is_closing()
        self._count_code(endpoint, 0 if is_dropped else response.status)
        return response

    def _count_code(self, endpoint: str, code: int = 200) -> None:
        self._service.log.count_code(endpoint, code)
        self._emulator.traffic.count_answer(endpoint, code)

    def _keep_headers(self, request: web.Request) -> None:
        self._emulator.traffic.keep_storage_request(request.raw_path, request.headers)
        self._service.log.add_storage(request.raw_path, request.headers)

    def _locked(self, call: Callable[..., Any], *args: object) -> Any:
        with self._emulator.world.lock:
            return call(*args)


def _read_pairs(request: web.Request, body: bytes) -> list[tuple[str, str]]:
    """The parameters in their order, from the query string and from a form in the body."""
    texts = request.raw_path.partition("?")[2], body.decode("utf-8", "replace")
    return [pair for text in texts for pair in parse_qsl(text, keep_blank_values=True)]
