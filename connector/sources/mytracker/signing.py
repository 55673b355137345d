"""AuthHMAC: how MyTracker knows who asks.

Source page: tracker.my.com/docs/api/export-api (authorisation). Nothing but the method, the URL and
the body is signed: requests do not age, and clocks do not matter.
"""

import base64
import hashlib
import hmac
from collections.abc import Generator
from urllib.parse import quote, urlsplit

from connector.http import Auth, Request, Response

_UNRESERVED = "-._~"  # beside letters and digits: what RFC 3986 leaves as it is
_PORTS = {"https": 443, "http": 80}


def sign(secret_key: str, method: str, url: str, body: str = "") -> str:
    """The signature of a request; `url` exactly as it is sent, `body` as text."""
    base = "&".join((method.upper(), quote(url, _UNRESERVED), quote(body, _UNRESERVED)))
    digest = hmac.new(secret_key.encode(), base.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


class AuthHMAC(Auth):
    """Signs requests to the origin of `base_url`, and to origins that are allowed besides; any other
    request, one that a redirect led elsewhere included, goes out without a signature.
    """

    requires_request_body = True

    def __init__(self, api_user_id: str, secret_key: str, base_url: str) -> None:
        self._api_user_id, self._secret_key = api_user_id, secret_key
        self._origins = {origin_of(base_url)}

    def allow(self, url: str) -> None:
        """Sign requests to this URL's origin, too."""
        self._origins.add(origin_of(url))

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """The request with its signature; httpx calls this once a request."""
        url = request.url
        sent = f"{url.scheme}://{url.netloc.decode()}{url.raw_path.decode()}"
        request.headers.pop("Authorization", None)
        if origin_of(sent) in self._origins:
            signature = sign(self._secret_key, request.method, sent, request.content.decode())
            request.headers["Authorization"] = f"AuthHMAC {self._api_user_id}:{signature}"
        yield request


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
