"""Addresses of services on other machines: which of them a token may be sent to."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from .errors import InputError

_DEFAULT_PORTS = {"https": 443, "http": 80}


def is_this_machine(host: str) -> bool:
    """Whether a host's name or number is that of the loopback device."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_address(text: str) -> tuple[str, str, int, str]:
    """Take an address apart.

    Args:
        text: as in "https://gpu.example.org:8765" or "http://127.0.0.1:8765"; a path in front of the service's own
            may follow.

    Returns:
        "https" or "http", host, port, and the path without a slash at its end.

    Raises:
        InputError: it is none, or one without encryption of another machine: the token could be read on its way.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]
    except (ValueError, KeyError):
        host, port, parts = "", 0, urlsplit("")
    whole = parts.netloc + parts.path
    if not host or parts.query or parts.fragment or "@" in whole or not all("!" <= c <= "~" for c in whole):
        raise InputError(
            f"{text.strip()[:80]!r} is no server's address; give one such as https://gpu.example.org:8765."
        )
    if parts.scheme == "http" and not is_this_machine(host):
        raise InputError(
            f"The server {host} is asked without encryption; give an address that begins with https."
        )
    return parts.scheme, host, port, parts.path.rstrip("/")
