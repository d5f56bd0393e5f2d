"""What people do with their own account: see and end sessions, take consents back, change the password."""

from dataclasses import dataclass
from datetime import datetime

from services.identity.domain import accounts as rules
from services.identity.domain.accounts import Account
from services.identity.domain.clients import Client, Realm
from services.identity.domain.consents import Consent
from services.identity.domain.sessions import SsoSession
from services.identity.errors import SessionUnknown
from services.identity.handlers.authorize import Cookies
from services.identity.handlers.logout import frames_of
from services.identity.handlers.provider import Provider
from services.identity.handlers.sessions import begin_session, current_session, end_session, touch
from services.identity.handlers.signin import check_password
from services.identity.store import Work
from services.kit.audit import AuditEntry


@dataclass(frozen=True, slots=True)
class Place:
    """A session of the account, with the clients that take part; `here`: it is this browser's."""

    session: SsoSession
    clients: tuple[Client, ...]
    here: bool


@dataclass(frozen=True, slots=True)
class Agreed:
    """A consent; `client` is None for one that is not there any more."""

    client_id: str
    client: Client | None
    consent: Consent
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Overview:
    """What the account's page shows."""

    account: Account
    places: tuple[Place, ...]
    consents: tuple[Agreed, ...]


@dataclass(frozen=True, slots=True)
class Typed:
    """A user name and password as they were typed, and from where."""

    username: str
    password: str
    address: str


async def who(provider: Provider, realm: Realm, cookies: Cookies) -> SsoSession | None:
    """The live session of this browser in a realm; its use is noted."""
    if cookies.get(realm) is None:
        return None
    async with provider.work() as work:
        session = await current_session(provider, work, realm, cookies[realm])
        if session is not None:
            await touch(work, session, work.now())
    return session


def fresh(provider: Provider, session: SsoSession) -> bool:
    """Whether the sign-in is young enough for changes without the password."""
    return (provider.now() - session.auth_time).total_seconds() < provider.settings.fresh_seconds


async def overview(provider: Provider, session: SsoSession) -> Overview:
    """The account of a session, where it is signed in and what it has agreed to."""
    known = await provider.clients()
    async with provider.reading() as work:
        account = await work.accounts.by_id(session.account_id)
        assert account is not None
        places = []
        for found in await work.sessions.of_account(account.id):
            if not found.alive(work.now(), provider.rules.sessions):
                continue
            names = sorted(await work.sessions.clients(found.id))
            clients = tuple(known[name] for name in names if name in known)
            places.append(Place(found, clients, found.id == session.id))
        agreed = await work.consents.of_account(account.id)
    consents = [Agreed(name, known.get(name), consent, given_at) for name, consent, given_at in agreed]
    return Overview(account, tuple(places), tuple(consents))


async def sign_in(provider: Provider, realm: Realm, typed: Typed, cookies: Cookies) -> str:
    """Sign in to the account's pages themselves, or show once more to be there; the cookie of the session, a new one.

    Raises SignInRefused, SignInLocked, SlowDown.
    """
    account_id = await check_password(provider, realm, typed.username, typed.password, typed.address)
    async with provider.work() as work:
        old = await current_session(provider, work, realm, cookies.get(realm))
        session, secret = await begin_session(provider, work, account_id, realm, old)
        work.audit(AuditEntry(account_id, "sign_in", "sso_sessions", session.id, realm.value))
    return secret


async def username_of(provider: Provider, session: SsoSession) -> str:
    """The user name of the session's person."""
    async with provider.reading() as work:
        account = await work.accounts.by_id(session.account_id)
    assert account is not None
    return account.username


async def end_one(provider: Provider, session: SsoSession, session_id: str) -> list[str]:
    """End a session of the same account; what the page has to load where it is this browser's.

    Raises SessionUnknown.
    """
    async with provider.work() as work:
        found = await work.sessions.by_id(session_id)
        if found is None or found.account_id != session.account_id:
            raise SessionUnknown("the account has no such session")
        return await _end(provider, work, found, session)


async def end_all(provider: Provider, session: SsoSession) -> list[str]:
    """End every session of the account, this browser's too: their tokens are dead at once."""
    async with provider.work() as work:
        return await _end_sessions(provider, work, session, spare=None)


async def change_password(provider: Provider, session: SsoSession, typed: Typed, new: str) -> str:
    """Set a new password for who knows the present one, end the other sessions; this one's new cookie.

    Raises PasswordWeak, SignInRefused, SignInLocked, SlowDown.
    """
    rules.check_password(new)
    account_id = await check_password(provider, session.realm, typed.username, typed.password, typed.address)
    with provider.passwords.room():
        encoded = await provider.passwords.hash(new)
    async with provider.work() as work:
        await work.accounts.lock(account_id)
        await work.accounts.set_password_hash(account_id, encoded)
        work.audit(AuditEntry(account_id, "change_password", "accounts", account_id, session.realm.value))
        await _end_sessions(provider, work, session, spare=session.id)
        _, secret = await begin_session(provider, work, account_id, session.realm, session)
    return secret


async def _end_sessions(provider: Provider, work: Work, session: SsoSession, *, spare: str | None) -> list[str]:
    frames: list[str] = []
    for found in await work.sessions.of_account(session.account_id):
        if found.id != spare:
            frames += await _end(provider, work, found, session)
    return frames


async def _end(provider: Provider, work: Work, found: SsoSession, here: SsoSession) -> list[str]:
    ended = await end_session(provider, work, found, "revoked")
    # Another browser's clients are told by the back channel: this one's cookies of theirs are not that session's.
    return await frames_of(provider, work, found) if ended and found.id == here.id else []
