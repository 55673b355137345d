"""The suite itself: a test cannot leave the machine."""

import socket

import httpx
import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.1", "2001:db8::1"])
def test_connecting_elsewhere_is_refused(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as sock, pytest.raises(AssertionError, match="offline"):
        sock.connect((host, 80))
    with socket.socket(family) as sock, pytest.raises(AssertionError, match="offline"):
        sock.connect_ex((host, 80))


def test_looking_a_name_up_is_refused() -> None:
    with pytest.raises(AssertionError, match="offline"):
        socket.getaddrinfo("api.example.com", 443)


def test_the_http_client_is_refused_too() -> None:
    with pytest.raises(AssertionError, match="offline"):
        httpx.get("https://api.example.com/", trust_env=False)


def test_loopback_is_open() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert client.getpeername() == server.getsockname()
