"""Argon2id on a few threads of its own, so that a hash (libsodium, outside the GIL) never holds up other requests."""

import asyncio
import os
import secrets
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from nacl.exceptions import CryptoError, InvalidkeyError
from nacl.pwhash import argon2id

from services.identity.errors import SlowDown

T = TypeVar("T")
OPERATIONS = 2
MEMORY = 19 * 1024 * 1024
"""Argon2id t=2, m=19 MiB, p=1 (OWASP Password Storage Cheat Sheet)."""
NICE = 10
_PREFIX = f"$argon2id$v=19$m={MEMORY // 1024},t={OPERATIONS},p=1$"


class Passwords:
    """Hashes and verifies for who holds a place (`room`): one for each thread, and `queue` that wait."""

    def __init__(self, *, threads: int, queue: int) -> None:
        self._threads = threads
        self._queue = queue
        self._taken = 0
        self._pool: ThreadPoolExecutor | None = None
        self._decoy: str | None = None

    @contextmanager
    def room(self) -> Iterator[None]:
        """Hold a place; taken before a sign-in costs or counts anything. Raises SlowDown when none is left."""
        if self._taken >= self._queue + self._threads:
            raise SlowDown("too many sign-ins at this moment", retry_after=2)
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    async def hash(self, password: str) -> str:
        """The encoded hash of a new password."""
        return await self._run(_hash, password)

    async def verify(self, encoded: str | None, password: str) -> bool:
        """Whether the password fits; for an unknown account (None) the same work is done."""
        if self._decoy is None:
            self._decoy = await self._run(_hash, secrets.token_urlsafe(16))
        fits = await self._run(_verify, encoded or self._decoy, password)
        return fits and encoded is not None

    @staticmethod
    def outdated(encoded: str) -> bool:
        """Whether a hash was made with other parameters and is to be made anew at the next sign-in."""
        return not encoded.startswith(_PREFIX)

    async def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    async def _run(self, act: Callable[..., T], *arguments: str) -> T:
        if self._pool is None:
            # Made on first use: a warmed parent has no threads when it forks.
            self._pool = ThreadPoolExecutor(self._threads, "argon2", initializer=_step_back)
        return await asyncio.get_running_loop().run_in_executor(self._pool, act, *arguments)


def _step_back() -> None:
    """Let this thread yield to every other, the event loop's above all, when logins saturate the cores (Linux)."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def _hash(password: str) -> str:
    return argon2id.str(password.encode(), opslimit=OPERATIONS, memlimit=MEMORY).decode().rstrip("\0")


def _verify(encoded: str, password: str) -> bool:
    try:
        return bool(argon2id.verify(encoded.encode(), password.encode()))
    except (InvalidkeyError, CryptoError, ValueError):
        return False
