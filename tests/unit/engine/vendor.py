"""A vendor on loopback that answers each request with the next of the bytes it was given."""

import gzip
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from connector.http import ApiClient

TOKEN = "y0_secret-token-of-the-test"


class Vendor(socketserver.ThreadingTCPServer):
    """`answers` are raw HTTP answers, the last of them for every further request; `requests` what
    was asked, as it came.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, *answers: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = list(answers)
        self.requests: list[str] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(socketserver.StreamRequestHandler):
    server: Vendor

    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            if not (line := self.rfile.readline()):
                return
            head += line
        with self.server.lock:
            self.server.requests.append(head.decode())
            answers = self.server.answers
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.wfile.write(answer)


@contextmanager
def serve(*answers: bytes) -> Iterator[Vendor]:
    """A running vendor."""
    with Vendor(*answers) as vendor:
        thread = threading.Thread(target=vendor.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield vendor
        finally:  # else its thread would go on asking a closed socket, all the time
            vendor.shutdown()
            thread.join()


def answer(body: bytes = b"", status: int = 200, **headers: str) -> bytes:
    """A raw HTTP answer; `_` in the names of headers stands for `-`."""
    names = {"Content_Length": str(len(body)), "Connection": "close"} | headers
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in names.items()]
    return "\r\n".join([f"HTTP/1.1 {status} X", *lines, "", ""]).encode() + body


def gzipped(body: bytes, **headers: str) -> bytes:
    """An answer whose body is `body`, packed."""
    return answer(gzip.compress(body), 200, Content_Encoding="gzip", **headers)


@contextmanager
def connect(base_url: str, **options: object) -> Iterator[ApiClient]:
    """A client with a credential."""
    headers = {"Authorization": f"OAuth {TOKEN}"}
    client = ApiClient("vendor", base_url, headers, **options)  # type: ignore[arg-type]
    try:
        yield client
    finally:
        client.close()
