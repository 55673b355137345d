"""The host that keeps the files: signed links, no `Authorization` header, ranges."""

import asyncio
import gzip
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from aiohttp import hdrs, web

from connector.sandbox.emulator import Emulator
from connector.sandbox.faults import Fault
from connector.sandbox.shortkit.answers import Answer
from connector.sandbox.shortkit.building import Part
from connector.sandbox.shortkit.refusing import answer_fault, refuse_file
from connector.sandbox.wire import Payload, send_payload, wait_slow

_JOB = "{job:(?:usr_)?exp_[0-9a-z_]+}"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)\Z")
_TYPES = {
    ".gz": "application/gzip",
    ".jsonl": "application/x-ndjson",
    ".csv": "text/csv",
    ".json": "application/json",
    ".zip": "application/zip",
}
_HOSTS = {"private": "http://10.20.30.40", "other": "https://files.example.net", "own": "/moved"}
_REASONS = {403: "Request has expired", 404: "No such key", 410: "Gone"}


class FileRoutes:
    """HTTP face of the files of one emulator; `api_url` is the host redirects lead to."""

    def __init__(self, emulator: Emulator, api_url: Callable[[], str]) -> None:
        self._emulator = emulator
        self._service = emulator.shortkit
        self._api_url = api_url

    def add_storage_to(self, router: web.UrlDispatcher) -> None:
        """Add the files to the other host."""
        router.add_get(f"/{_JOB}/{{file}}", self._file)
        router.add_get(f"/moved/{_JOB}/{{file}}", self._moved)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the places redirects lead to on the API host, which is no host for files."""
        router.add_get(f"/moved/{_JOB}/{{file}}", self._moved)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        now = self._emulator.clock.timestamp()
        self._emulator.traffic.count_request("video_file", int(now // 86_400), "shortkit")
        self._service.log.count("video_file")
        job = self._service.jobs.get(request.match_info["job"])
        address = self._service.address("video_file", job.ask if job is not None else None)
        faults = self._emulator.fault_book.strike(address, now)
        for fault in faults:
            response = self._refuse(fault, request)
            if response is not None:
                await wait_slow(faults)
                return self._note(request, response)
        return await self._give(request, faults)

    async def _moved(self, request: web.Request) -> web.StreamResponse:
        return await self._give(request, [])

    def _refuse(self, fault: Fault, request: web.Request) -> web.Response | None:
        """The answer a fault puts in place of a file."""
        if fault.kind in {"video_redirect", "redirect"}:
            to = str(fault.params["to"])
            host = f"{self._api_url()}/moved" if to in {"", "api"} else _HOSTS.get(to)
            target = to if host is None else host + request.raw_path
            return web.Response(status=int(fault.params["code"]), headers={hdrs.LOCATION: target})
        answer = answer_fault(fault, request)
        if isinstance(answer, Answer):
            return refuse_file(answer.status, answer.message)
        return answer

    async def _give(self, request: web.Request, faults: list[Fault]) -> web.StreamResponse:
        if hdrs.AUTHORIZATION in request.headers:
            text = "Only one auth mechanism allowed"
            return self._note(request, refuse_file(400, text))
        part = await asyncio.to_thread(self._find, request)
        if isinstance(part, int):
            return self._note(request, refuse_file(part, _REASONS.get(part, "Refused")))
        payload = _make_payload(part, request, faults)
        return await send_payload(
            request, payload, faults, lambda: self._keep(request, payload.status)
        )

    def _find(self, request: web.Request) -> Part | int:
        query, match = request.query, request.match_info
        with self._emulator.world.lock:
            return self._service.find_file(
                match["job"], match["file"], query.get("Expires", ""), query.get("Signature", "")
            )

    def _note(self, request: web.Request, response: web.Response) -> web.Response:
        """Keep a download that got no file; code 0 for an answer that never leaves."""
        is_dropped = request.transport is None or request.transport.is_closing()
        self._keep(request, 0 if is_dropped else response.status)
        return response

    def _keep(self, request: web.Request, code: int) -> None:
        self._service.log.count_code("video_file", code)
        self._emulator.traffic.count_answer("video_file", code)
        self._service.log.add(
            "downloads",
            id=request.match_info["job"],
            path=request.path,
            host=request.host,
            has_authorization=hdrs.AUTHORIZATION in request.headers,
            range=request.headers.get(hdrs.RANGE, ""),
            code=code,
            at=self._emulator.clock.timestamp(),
        )


def _make_payload(part: Part, request: web.Request, faults: Sequence[Fault]) -> Payload:
    """The file as it is to be sent: whole, or the range asked for."""
    kinds = {fault.kind: fault.params for fault in faults}
    suffix = "." + part.name.rpartition(".")[2]
    payload = Payload(
        _TYPES.get(suffix, "application/octet-stream"),
        part.body,
        part.path,
        is_stored=True,
        head=part.head,
        copies=part.copies,
    )
    encoding = kinds.get("video_encoding")
    if encoding is not None:
        body = gzip.compress(part.body, 1) if encoding["is_packed_twice"] else part.body
        return replace(payload, body=body, headers={str(hdrs.CONTENT_ENCODING): "gzip"})
    if "video_no_ranges" in kinds or part.copies > 1:
        return payload
    return _cut_range(payload, request.headers)


def _cut_range(payload: Payload, headers: Mapping[str, str]) -> Payload:
    """The rest of a file from a byte on, or a piece of one; whole where no range makes sense."""
    own = {str(hdrs.ACCEPT_RANGES): "bytes"}
    size = payload.path.stat().st_size if payload.path is not None else len(payload.body)
    found = _RANGE.match(headers.get(hdrs.RANGE, ""))
    start = int(found[1]) if found else 0
    end = min(int(found[2]) + 1, size) if found and found[2] else size
    if found is None or start >= end or (payload.path is not None and end < size):
        return replace(payload, headers=own)
    own[str(hdrs.CONTENT_RANGE)] = f"bytes {start}-{end - 1}/{size}"
    if payload.path is not None:
        return replace(payload, start=start, status=206, headers=own)
    return replace(payload, body=payload.body[start:end], status=206, headers=own)
