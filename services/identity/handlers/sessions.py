"""Beginning and ending SSO sessions; an end takes the tokens with it and tells the clients."""

from datetime import datetime

from services.identity import events
from services.identity.domain.clients import Realm
from services.identity.domain.sessions import ACR, AMR, EndReason, SsoSession
from services.identity.domain.tokens import fingerprint, new_secret
from services.identity.handlers.backchannel import tell_clients
from services.identity.handlers.provider import Provider
from services.identity.store import Work
from services.kit.audit import AuditEntry
from services.kit.ids import new_id

BATCH = 200


async def current_session(provider: Provider, work: Work, realm: Realm, secret: str | None) -> SsoSession | None:
    """The live session that a cookie stands for."""
    if not secret or len(secret) > 100:
        return None
    session = await work.sessions.by_secret(fingerprint(secret), realm)
    if session is None or not session.alive(work.now(), provider.rules.sessions):
        return None
    return session


async def begin_session(
    provider: Provider, work: Work, account_id: str, realm: Realm, old: SsoSession | None
) -> tuple[SsoSession, str]:
    """A session for somebody who has just signed in, and its cookie's new value (the id rotates, item 9).

    The same person goes on in the same session, so that the other channels stay signed in; another person's is ended.
    """
    now, secret = work.now(), new_secret()
    expires_at = now + provider.rules.sessions.absolute
    if old is not None and old.account_id == account_id:
        if await work.sessions.renew(old.id, fingerprint(secret), now, expires_at):
            renewed = await work.sessions.by_id(old.id)
            assert renewed is not None
            return renewed, secret
    elif old is not None:
        await end_session(provider, work, old, "replaced")
    session = SsoSession(new_id(), account_id, realm, now, ACR, AMR, now, now, expires_at, None, 1)
    await work.sessions.add(session, fingerprint(secret))
    work.publish(events.session_started(session, now))
    return session, secret


async def end_session(provider: Provider, work: Work, session: SsoSession, reason: EndReason) -> bool:
    """End a session once: its tokens die, its clients get logout tokens, the event goes out. False if it had ended."""
    now = work.now()
    if not await work.sessions.end(session, now):
        return False
    await work.tokens.revoke_session(session.id, now)
    await tell_clients(provider, work, session)
    work.publish(events.session_ended(session, reason, now))
    work.audit(
        AuditEntry(session.account_id, "end_session", "sso_sessions", session.id, session.realm.value, result=reason)
    )
    return True


async def end_timed_out(provider: Provider, work: Work) -> int:
    """End sessions that were idle for too long or are too old; how many."""
    async with work:
        now = work.now()
        found = await work.sessions.timed_out(now, provider.rules.sessions.idle, BATCH)
        for session in found:
            await end_session(provider, work, session, session.end_reason(now, provider.rules.sessions) or "expired")
    return len(found)


async def touch(work: Work, session: SsoSession, now: datetime) -> None:
    """Note a use of the session, where the last note is old enough."""
    if session.needs_touch(now):
        await work.sessions.touch(session.id, now)
