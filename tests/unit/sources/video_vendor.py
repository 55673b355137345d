"""ShortKit by hand on loopback: jobs that are as they are told to be, files, and what was asked."""

import gzip
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connector.clock import Clock

Answer = tuple[int, dict[str, str], bytes]
LOST: Answer = (0, {}, b"")
"""In place of an answer: the connection is closed."""


def say(status: int, body: Any = None, **headers: str) -> Answer:
    """An answer with a JSON body; `_` in the names of headers stands for `-`."""
    text = b"" if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"Content-Type": "application/json", **named}, text


def refuse(status: int, code: str, message: str = "no", **headers: str) -> Answer:
    """A refusal in the vendor's first envelope."""
    body = {"error": {"code": code, "message": message}, "meta": {"requestId": "req_1"}}
    return say(status, body, **headers)


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass(repr=False)
class VideoVendor:
    """`make` gives a new job's state by the body of the request, `files` are bodies by name.

    `faults` are answers by "METHOD /path" (a prefix): the next request that fits gets the first of
    them, after it was done where `is_done`. `states` are what the next looks at a job say.
    """

    clock: Clock
    url: str = ""
    make: Callable[[dict[str, Any]], dict[str, Any]] = lambda _body: {"status": "complete"}
    is_idempotent: bool = True
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    states: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    faults: dict[str, list[tuple[Answer, bool]]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _keys: dict[str, str] = field(default_factory=dict)

    def spoil(self, request: str, *answers: Answer, is_done: bool = False) -> None:
        """The next requests of that kind get these answers."""
        found = self.faults.setdefault(request, [])
        found += [(answer, is_done) for answer in answers]

    def add(self, first: str, last: str, **more: Any) -> str:
        """A job that somebody asked for; its id."""
        job_id = f"exp_{len(self.jobs) + 1}"
        self.jobs[job_id] = {
            "jobId": job_id,
            "status": "processing",
            "format": "jsonl",
            "dateRange": {"start": first, "end": last},
            "createdAt": show(self.clock.now()),
        } | more
        return job_id

    def put(self, name: str, body: bytes, *, is_packed: bool = True) -> str:
        """A file; the link to it."""
        self.files[name] = gzip.compress(body) if is_packed else body
        return f"{self.url}/files/{name}?sig=secret"

    def count(self, method: str, path: str = "") -> int:
        return len(self.find(method, path))

    def find(self, method: str, path: str = "") -> list[Asked]:
        return [one for one in self.asked if one.method == method and one.path.startswith(path)]

    def answer(self, asked: Asked) -> Answer:
        """What a request gets."""
        request = f"{asked.method} {asked.path}"
        for prefix, waiting in self.faults.items():
            if request.startswith(prefix) and waiting:
                fault, is_done = waiting.pop(0)
                if is_done:
                    self._do(asked)
                return fault
        return self._do(asked)

    def _do(self, asked: Asked) -> Answer:
        url = urlsplit(asked.path)
        if url.path.startswith("/files/"):
            body = self.files.get(url.path.removeprefix("/files/"))
            return (404, {}, b"gone") if body is None else (200, {}, body)
        if asked.method == "POST" and url.path == "/v1/analytics/export":
            return self._create(asked)
        if url.path == "/v1/analytics/exports":
            return self._list(parse_qs(url.query))
        found = re.fullmatch(r"/v1/analytics/export/(\w+)", url.path)
        if not found or found[1] not in self.jobs:
            return refuse(404, "NOT_FOUND")
        return self._look(found[1], asked.method)

    def _create(self, asked: Asked) -> Answer:
        key = asked.headers.get("idempotency-key", "")
        if self.is_idempotent and key in self._keys:
            return say(200, {"data": self.jobs[self._keys[key]]})
        body = asked.body
        job_id = self.add(body["startDate"], body["endDate"], format=body["format"])
        self.jobs[job_id] |= self.make(body)
        self._keys[key] = job_id
        return say(201, {"data": self.jobs[job_id], "meta": {"requestId": "req_1"}})

    def _list(self, params: dict[str, list[str]]) -> Answer:
        start = int(params.get("cursor", ["0"])[0])
        limit = min(int(params.get("limit", ["20"])[0]), 100)
        newest = list(reversed(self.jobs.values()))
        page = [
            {name: job[name] for name in job if name != "downloadUrl"}
            for job in newest[start : start + limit]
        ]
        meta: dict[str, Any] = {"total": len(newest)}
        if start + limit < len(newest):
            meta["nextCursor"] = str(start + limit)
        return say(200, {"data": page, "meta": meta})

    def _look(self, job_id: str, method: str) -> Answer:
        job = self.jobs[job_id]
        if method == "DELETE":
            job["status"] = "cancelled"
        elif waiting := self.states.get(job_id):
            job |= waiting.pop(0)
        return say(200, {"data": job})


def show(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def serve(clock: Clock) -> Iterator[VideoVendor]:
    """A running vendor."""
    vendor = VideoVendor(clock)

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            text = self.rfile.read(size)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, json.loads(text) if text else None)
            with vendor.lock:
                vendor.asked.append(asked)
                status, more, body = vendor.answer(asked)
            self.close_connection = True
            if not status:
                return
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - the server's names

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        vendor.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield vendor
        finally:
            server.shutdown()
            thread.join()
