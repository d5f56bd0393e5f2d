"""What every use case of the provider shares: settings, rules, keys, clients, the password pool."""

import asyncio
import hmac
import time
from datetime import datetime, timedelta

from services.identity.domain.checks import Facts, Rules
from services.identity.domain.clients import Client
from services.identity.domain.lockout import LockRule
from services.identity.domain.pairwise import permuted, restored
from services.identity.domain.parameters import Parameters
from services.identity.domain.registration import PREFIX
from services.identity.domain.sessions import Limits
from services.identity.handlers.keys import Keys, keeping_of
from services.identity.handlers.passwords import Passwords
from services.identity.settings import IdentitySettings
from services.identity.store import Work
from services.kit.crypto import master_keys
from services.kit.dpop import Nonces
from services.kit.service import Context

CLIENTS_SECONDS = 5.0
"""How old a replica's view of the clients may be."""


class Provider:
    """The OpenID provider of one process. All state is in the database; what is kept here is a copy of seconds."""

    def __init__(self, context: Context, settings: IdentitySettings) -> None:
        self.context = context
        self.settings = settings
        self.keys = Keys(self.reading, keeping_of(settings))
        self.passwords = Passwords(threads=settings.password_threads, queue=settings.password_queue)
        self.rules = Rules(
            issuer=settings.issuer,
            audience=settings.audience,
            skew=timedelta(seconds=settings.clock_skew_seconds),
            assertion_life=timedelta(seconds=settings.assertion_seconds),
            refresh_grace=timedelta(seconds=settings.refresh_grace_seconds),
            sessions=Limits(
                timedelta(seconds=settings.session_idle_seconds), timedelta(seconds=settings.session_absolute_seconds)
            ),
        )
        # Every replica has the master key, and so takes the others' nonces.
        nonce_keys = [hmac.digest(master, b"tongban dpop nonces", "sha256") for master in master_keys(settings)]
        self.nonces = Nonces(nonce_keys, settings.dpop_nonce_seconds)
        self.code_life = timedelta(seconds=settings.code_seconds)
        pause = timedelta(seconds=settings.lockout_seconds)
        self.account_lock = LockRule(settings.lockout_failures, pause)
        self.address_lock = LockRule(settings.lockout_address_failures, pause)
        self._clients: dict[str, Client] = {}
        self._client_versions: dict[str, datetime] = {}
        self._clients_stamp = ""
        self._origins: frozenset[str] = frozenset()
        self._clients_at = float("-inf")
        self._clients_lock = asyncio.Lock()

    def work(self) -> Work:
        """A unit of work that may write."""
        return Work(self.context)

    def single(self) -> Work:
        """A unit of work whose writing statements are each whole by themselves."""
        return Work(self.context, single=True)

    def reading(self) -> Work:
        """A unit of work that only reads."""
        return Work(self.context, readonly=True)

    def now(self) -> datetime:
        return self.context.clock()

    def subject(self, client: Client, account_id: str) -> str:
        """`sub` of an account in whatever this client gets: the account's id, or for a pairwise client (OpenID Connect
        Core §8.1) a keyed digest of its sector and the id, which has another form than any id.
        """
        if client.subject_type == "public":
            return account_id
        return self._digest(f"{client.sector}\0{account_id}", "subjects.pairwise")

    def sid(self, client: Client, session_id: str) -> str:
        """`sid` of a session in whatever this client gets: the session's id, or for a pairwise client its own."""
        if client.subject_type == "public":
            return session_id
        return permuted(session_id, bytes.fromhex(self._digest(client.sector, "sessions.pairwise")))

    def session_of(self, client: Client, sid: str) -> str | None:
        """The id of the session that this client calls `sid`."""
        if client.subject_type == "public":
            return sid
        return restored(sid, bytes.fromhex(self._digest(client.sector, "sessions.pairwise")))

    def _digest(self, text: str, purpose: str) -> str:
        crypto = self.context.crypto
        assert crypto is not None
        return crypto.digest(text.encode(), purpose)

    def facts(self, parameters: Parameters, client: Client | None = None) -> Facts:
        """The beginning of a request's facts."""
        return Facts(self.rules, self.now(), parameters, client, subject_of=self.subject)

    async def client(self, client_id: str | None) -> Client | None:
        """An enabled client."""
        found = (await self.clients()).get(client_id) if client_id else None
        if found is None and client_id and client_id.startswith(PREFIX):
            # Registered a moment ago, perhaps at another replica: it may go on here at once.
            async with self.reading() as work:
                found = (await work.clients.enabled([client_id])).get(client_id)
        return found

    async def clients(self) -> dict[str, Client]:
        """Every enabled client."""
        if time.monotonic() - self._clients_at > CLIENTS_SECONDS:
            async with self._clients_lock:
                if time.monotonic() - self._clients_at > CLIENTS_SECONDS:
                    await self._read_clients()
                    self._clients_at = time.monotonic()
        return self._clients

    async def origins(self) -> frozenset[str]:
        """Every origin whose scripts may call us, whichever client registered it."""
        await self.clients()
        return self._origins

    async def _read_clients(self) -> None:
        """Only clients that changed are read and parsed; the others keep their parsed keys."""
        async with self.reading() as work:
            stamp = await work.clients.stamp()
            if stamp == self._clients_stamp:
                return
            versions = await work.clients.versions()
            changed = {name for name, at in versions.items() if self._client_versions.get(name) != at}
            fresh = await work.clients.enabled(sorted(changed))
        kept = {name: found for name, found in self._clients.items() if name in versions and name not in changed}
        self._clients, self._client_versions, self._clients_stamp = kept | fresh, versions, stamp
        self._origins = frozenset(origin for client in self._clients.values() for origin in client.allowed_origins)

    def forget_clients(self) -> None:
        """Read the clients again at the next use."""
        self._clients_at = float("-inf")
