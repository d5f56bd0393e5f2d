"""Browser sessions: begun, found, kept fresh, ended. Tokens stay here, encrypted at rest."""

import asyncio
import weakref
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from services.gateway.domain.sessions import SECRET, TOUCH_SECONDS, AccessToken, Session, Tokens, new_secret, session_id
from services.gateway.errors import ProviderAway, SessionEnded
from services.gateway.provider import Client, Granted, Identity, LogoutOrder
from services.gateway.settings import Lives
from services.gateway.store import HeldFormRow, SessionRow, Work
from services.kit.crypto import Crypto
from services.kit.ids import new_id
from services.kit.service import Context

LEASE_SECONDS = 15
HELD_SECONDS = 30 * 60
_POLL_SECONDS = 0.1


class SessionKeeper:
    """The sessions of one surface."""

    def __init__(self, context: Context, crypto: Crypto, surface: str, lives: Lives, client: Client) -> None:
        self._context = context
        self._crypto = crypto
        self._surface = surface
        self._lives = lives
        self._client = client
        # Single flight in this process; the lease in the row does it between processes.
        self._refreshing: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def begin(self, who: Identity, granted: Granted, audience: str) -> tuple[str, Session]:
        """A new session; the secret for the cookie. Every sign-in makes a new one: no fixation."""
        now = self._context.clock()
        secret = new_secret()
        tokens = Tokens(granted.id_token or "", granted.refresh_token or "", {audience: granted.access})
        session = Session(
            session_id(secret),
            self._surface,
            who.subject,
            who.name,
            who.sid,
            now,
            now,
            self._lives.idle,
            self._lives.absolute,
            tokens,
        )
        async with Work(self._context) as work:
            row = SessionRow(
                id=session.id,
                surface=self._surface,
                subject=session.subject,
                provider_sid=session.provider_sid,
                created_at=now,
                seen_at=now,
                ends_at=session.ends_at,
                idle_seconds=session.idle_seconds,
                absolute_seconds=session.absolute_seconds,
                sealed=self._seal(session.id, session.name, tokens),
                tokens_version=1,
            )
            await work.sessions.add(row)
        return secret, session

    async def find(self, secret: str | None, *, used: bool = True) -> Session | None:
        """The live session of a cookie; with `used` its idle time begins anew."""
        session = await self.run_out(secret)
        now = self._context.clock()
        if session is None or not session.live(now):
            return None
        if used and now - session.seen_at > timedelta(seconds=TOUCH_SECONDS):
            session = await self.extend(session)
        return session

    async def run_out(self, secret: str | None) -> Session | None:
        """The session of a cookie though it may have run out: good for signing out and for nothing else."""
        if not secret or not SECRET.fullmatch(secret):
            return None
        async with Work(self._context, readonly=True) as work:
            row = await work.sessions.find(session_id(secret))
            return self._session(row) if row is not None and row.surface == self._surface else None

    async def extend(self, session: Session) -> Session:
        """Begin the idle time anew."""
        session = replace(session, seen_at=self._context.clock())
        async with Work(self._context) as work:
            await work.sessions.touch(session.id, session.seen_at, session.ends_at)
        return session

    async def end(self, session: Session) -> None:
        async with Work(self._context) as work:
            await work.sessions.remove(session.id)

    async def end_as_ordered(self, order: LogoutOrder) -> int:
        """End what a verified logout token names; 0 for one that was taken before."""
        async with Work(self._context) as work:
            if not await work.sessions.logout_token_is_new(order.token_id, self._surface, order.expires_at):
                return 0
            # With a sid only that session ends (Back-Channel Logout §2.4), else all of the subject's.
            subject = None if order.sid else order.subject
            return await work.sessions.end(self._surface, provider_sid=order.sid, subject=subject)

    async def access_token(self, session: Session, audience: str, *, again: bool = False) -> str:
        """An access token for one service. Raises SessionEnded, ProviderAway.

        Tokens of one session are refreshed one at a time: rotation takes two at once for theft. `again` asks for a new
        one though the old seems fresh: the service refused it.
        """
        held = session.tokens.access.get(audience)
        if held is not None and held.fresh(self._context.clock()) and not again:
            return held.value
        refused = held.value if again and held is not None else None
        lock = self._refreshing.setdefault(session.id, asyncio.Lock())
        async with lock:
            for _ in range(int(LEASE_SECONDS / _POLL_SECONDS)):
                async with Work(self._context) as work:
                    row = await work.sessions.find(session.id)
                    if row is None:
                        raise SessionEnded("it was ended elsewhere")
                    tokens = self._session(row).tokens
                    now = work.now()
                    found = tokens.access.get(audience)
                    if found is not None and found.fresh(now) and found.value != refused:
                        return found.value
                    mine = await work.sessions.lease_refresh(session.id, row.tokens_version, now, LEASE_SECONDS)
                if mine:
                    return await self._refresh(session, row.tokens_version, tokens, audience)
                await asyncio.sleep(_POLL_SECONDS)
        raise ProviderAway("another process is refreshing this session")

    async def _refresh(self, session: Session, version: int, tokens: Tokens, audience: str) -> str:
        try:
            granted = await self._client.refresh(tokens.refresh_token, audience)
        except SessionEnded:
            await self.end(session)
            raise
        except BaseException:
            async with Work(self._context) as work:
                await work.sessions.free_lease(session.id)
            raise
        fresh = tokens.with_access(audience, granted.access, granted.refresh_token, self._context.clock())
        async with Work(self._context) as work:
            sealed = self._seal(session.id, session.name, fresh)
            await work.sessions.keep_tokens(session.id, version + 1, sealed)
        return granted.access.value

    async def hold(self, subject: str, form: Mapping[str, Any]) -> str:
        """Keep what somebody typed until they have signed in again; its id."""
        id_ = new_id()
        async with Work(self._context) as work:
            sealed = self._crypto.encrypt_json(dict(form), f"held_forms.sealed/{id_}")
            expires = work.now() + timedelta(seconds=HELD_SECONDS)
            await work.held_forms.add(HeldFormRow(id=id_, subject=subject, sealed=sealed, expires_at=expires))
        return id_

    async def take_held(self, session: Session, id_: str) -> dict[str, Any] | None:
        """What was held under `id_` for the one who is signed in now; once."""
        async with Work(self._context) as work:
            sealed = await work.held_forms.take(id_, session.subject, work.now())
            if sealed is None:
                return None
            found: dict[str, Any] = self._crypto.decrypt_json(sealed, f"held_forms.sealed/{id_}")
            return found

    def _seal(self, id_: str, name: str, tokens: Tokens) -> bytes:
        return self._crypto.encrypt_json({"name": name, "tokens": tokens.packed()}, f"sessions.sealed/{id_}")

    def _session(self, row: SessionRow) -> Session:
        values = self._crypto.decrypt_json(row.sealed, f"sessions.sealed/{row.id}")
        return Session(
            row.id,
            row.surface,
            row.subject,
            values["name"],
            row.provider_sid,
            row.created_at,
            row.seen_at,
            row.idle_seconds,
            row.absolute_seconds,
            Tokens.unpacked(values["tokens"]),
        )


class OwnTokens:
    """The gateway's own tokens, one for each service, for what is read when nobody is signed in."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._held: dict[str, AccessToken] = {}
        self._lock = asyncio.Lock()

    async def token(self, audience: str) -> str:
        """Raises ProviderAway."""
        async with self._lock:
            held = self._held.get(audience)
            if held is None or not held.fresh(self._client.provider.clock()):
                held = self._held[audience] = await self._client.own_token(audience)
            return str(held.value)
