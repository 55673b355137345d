"""One webhook on its way: a POST to the receiver, without redirects, within the vendor's times."""

import http.client
from collections.abc import Mapping
from urllib.parse import urlsplit

from connector.errors import ConfigError

CONNECT_S = 10.0
ANSWER_S = 30.0


def post_webhook(
    url: str, body: bytes, headers: Mapping[str, str], answer_s: float = ANSWER_S
) -> int:
    """The status of the answer; 0 where none came in time (`answer_s` seconds)."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(f"webhook: {url!r} is no http address")
    is_safe = parts.scheme == "https"
    make = http.client.HTTPSConnection if is_safe else http.client.HTTPConnection
    connection = make(parts.hostname, parts.port, timeout=min(CONNECT_S, answer_s))
    try:
        connection.connect()
        if connection.sock is not None:
            connection.sock.settimeout(answer_s)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, dict(headers))
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
