"""Signing in with user name and password."""

from dataclasses import dataclass

from services.identity.domain.accounts import MAX_PASSWORD_BYTES, normal_username
from services.identity.domain.checks import Facts
from services.identity.domain.clients import Realm
from services.identity.domain.lockout import account_key, address_key, after_attempt, seconds_locked
from services.identity.domain.sessions import SsoSession
from services.identity.errors import LoginRequired, OAuthError, SignInLocked, SignInRefused, SlowDown
from services.identity.handlers.authorize import (
    AskConsent,
    Cookies,
    SendBack,
    ask_consent,
    give_code,
    note_session,
    send_error,
)
from services.identity.handlers.provider import Provider
from services.identity.handlers.sessions import begin_session, current_session
from services.identity.store import Work
from services.kit.audit import AuditEntry
from services.kit.telemetry import metrics


@dataclass(frozen=True, slots=True)
class SignIn:
    """A posted sign-in form: what was typed, and where."""

    username: str
    password: str
    address: str
    cookies: Cookies


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Signed in: the cookie of the realm, and the way back or what has to be asked first."""

    realm: Realm
    secret: str
    then: SendBack | AskConsent


async def sign_in(command: SignIn, provider: Provider, facts: Facts) -> SignedIn | SendBack:
    """Check the password, begin a session (the cookie is a new one, item 9) and answer the request, examined before.

    Raises SignInRefused and SignInLocked, alike for known and unknown names; InvalidRequestUri.
    """
    realm = facts.known_client.realm
    assert realm is not None
    fitting = await _fitting(provider, realm, command.username, command.password, command.address)
    account_id = fitting.account_id
    if not facts.meant(account_id):
        # OpenID Connect Core §3.1.2.1, §5.5.1: the client asked for one person and must not take another for them.
        async with provider.work() as work:
            await _forgive(work, fitting)
        return await send_error(provider, facts, LoginRequired("another person than the one meant signed in"))
    try:
        async with provider.work() as work:
            old = await current_session(provider, work, realm, command.cookies.get(realm))
            session, secret = await begin_session(provider, work, account_id, realm, old)
            client_id = facts.known_client.client_id
            work.audit(AuditEntry(account_id, "sign_in", "sso_sessions", session.id, realm.value, client_id))
            then = await _after(provider, work, facts, session)
            # At the end: others from the same address wait for its counter.
            await _forgive(work, fitting)
    except OAuthError:
        async with provider.work() as work:
            await _forgive(work, fitting)
        raise
    return SignedIn(realm, secret, then)


async def _after(provider: Provider, work: Work, facts: Facts, session: SsoSession) -> SendBack | AskConsent:
    await note_session(work, facts, session)
    if facts.consented and "consent" not in facts.parameters.words("prompt"):
        return await give_code(provider, work, facts, session)
    return await ask_consent(work, facts, session)


@dataclass(frozen=True, slots=True)
class _Fitting:
    """Name and password fit: whose they are, the counters to forgive, the hash made anew in the place of the old."""

    account_id: str
    by_account: str
    by_address: str
    encoded: str
    renewed: str | None


async def check_password(provider: Provider, realm: Realm, username: str, password: str, address: str) -> str:
    """The account that name and password fit. Every attempt is counted before the password is looked at.

    Raises SignInRefused, SignInLocked, SlowDown.
    """
    fitting = await _fitting(provider, realm, username, password, address)
    async with provider.work() as work:
        await _forgive(work, fitting)
    return fitting.account_id


async def _forgive(work: Work, fitting: _Fitting) -> None:
    """The attempt was counted beforehand; it was no failure, and ends those before it."""
    await work.accounts.clear_counter(fitting.by_account)
    await work.accounts.take_back_failure(fitting.by_address)
    if fitting.renewed is not None:
        await work.accounts.set_password_hash(fitting.account_id, fitting.renewed, instead_of=fitting.encoded)


async def _fitting(provider: Provider, realm: Realm, username: str, password: str, address: str) -> _Fitting:
    name = normal_username(username)
    by_account, by_address = account_key(realm.value, name), address_key(realm.value, address)
    try:
        # A place for the hash first: whoever is turned away for want of one is not counted as having failed.
        with provider.passwords.room():
            found = await _count(provider, realm, name, by_account, by_address)
            account_id, encoded, renewed = await _verify(provider, found, password)
    except (SignInRefused, SignInLocked, SlowDown) as error:
        metrics.sign_in_failures.labels("identity", realm.value, _REASONS[type(error)]).inc()
        raise
    return _Fitting(account_id, by_account, by_address, encoded, renewed)


_REASONS: dict[type[Exception], str] = {SignInRefused: "refused", SignInLocked: "locked", SlowDown: "busy"}


async def _count(
    provider: Provider, realm: Realm, name: str, by_account: str, by_address: str
) -> tuple[str, str] | None:
    """Count the attempt; id and password hash of the account, None for an unknown name. Raises SignInLocked."""
    rules = {by_account: provider.account_lock, by_address: provider.address_lock}
    async with provider.work() as work:
        now = work.now()
        counters = await work.accounts.locked_counters((by_account, by_address))
        wait = max(seconds_locked(counter, now) for counter in counters.values())
        if not wait:
            counted = {key: after_attempt(counter, rules[key], now) for key, counter in counters.items()}
            found = await work.accounts.save_counters(counted, realm, name)
            # Of an unknown name nothing is recorded, not even a hash: what people mistype there may be a password.
            subjects = {by_account: found[0] if found is not None else "unknown", by_address: by_address}
            for key, counter in counted.items():
                if counter.locked_until is not None:
                    work.audit(AuditEntry("anonymous", "lock", "sign_ins", subjects[key], realm.value))
    if wait:
        raise SignInLocked(wait)
    return found


async def _verify(provider: Provider, found: tuple[str, str] | None, password: str) -> tuple[str, str, str | None]:
    """Id of the account that the password fits, its hash, and one made anew where that is outdated.

    Raises SignInRefused.
    """
    account_id, encoded = found if found is not None else (None, None)
    too_long = len(password.encode()) > MAX_PASSWORD_BYTES
    fits = await provider.passwords.verify(encoded, "" if too_long else password)
    if account_id is None or encoded is None or not fits or too_long:
        raise SignInRefused
    renewed = await provider.passwords.hash(password) if provider.passwords.outdated(encoded) else None
    return account_id, encoded, renewed
