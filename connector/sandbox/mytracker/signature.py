"""AuthHMAC, written from the vendor's description: who a request comes from.

    Authorization: AuthHMAC <api user id>:<base64(HMAC-SHA1(secret, METHOD&url&body))>

Description: tracker.my.com/docs/api/export-api/about. URL and body are percent-encoded whole, as
they were sent; nothing is sorted.
"""

import hmac
from base64 import b64encode
from hashlib import sha1

_KEPT = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
SCHEME = "AuthHMAC"


def sign_request(method: str, url: str, body: bytes, secret: str) -> str:
    """The signature of a request; `url` is complete and as sent, scheme and query included."""
    base = b"&".join((method.upper().encode(), _encode(url.encode()), _encode(body)))
    return b64encode(hmac.digest(secret.encode(), base, sha1)).decode()


def is_signed(
    header: str, method: str, url: str, body: bytes, credentials: tuple[str, str]
) -> bool:
    """True where the header `Authorization` fits the request; `credentials` are (id, secret)."""
    scheme, _, value = header.partition(" ")
    user, _, signature = value.partition(":")
    wanted = sign_request(method, url, body, credentials[1])
    is_same = hmac.compare_digest(signature.strip().encode(), wanted.encode())
    return scheme == SCHEME and user == credentials[0] and is_same


def _encode(text: bytes) -> bytes:
    return b"".join(bytes((b,)) if b in _KEPT else b"%%%02X" % b for b in text)
