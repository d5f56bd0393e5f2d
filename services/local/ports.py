"""Loopback ports: is one free, give me free ones."""

import errno
import socket
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PortUse:
    """A port that the platform is about to take, and the setting that would move it."""

    setting: str
    host: str
    port: int


class PortBusy(Exception):
    """Somebody else listens there; one line that names the setting."""


def check_free(uses: Iterable[PortUse]) -> None:
    """Raise PortBusy for the first port that is taken, or that two settings claim."""
    seen: dict[int, str] = {}
    for use in uses:
        if use.port in seen:
            raise PortBusy(f"port {use.port} is claimed by {seen[use.port]} and {use.setting}: change one of them")
        seen[use.port] = use.setting
        if not _free(use.host, use.port):
            raise PortBusy(
                f"port {use.port} on {use.host} is in use: stop what uses it or set {use.setting} to another"
            )


def _free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: a connection lingering in TIME_WAIT is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """`count` different ports that are free now. Somebody may take one before you do: bind soon, try again if lost."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((host, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
