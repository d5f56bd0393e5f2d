"""One-time links by which a person sets the first or a new password: no account has a default one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from services.identity.domain.accounts import Account, Grant, check_grant, check_password, normal_username
from services.identity.domain.clients import Realm
from services.identity.domain.lockout import account_key
from services.identity.domain.tokens import fingerprint, new_secret
from services.identity.errors import AccountUnknown, LinkUsed
from services.identity.handlers.accounts import GrantRole, OpenAccount, grant_role, open_account
from services.identity.handlers.passwords import Passwords
from services.identity.handlers.provider import Provider
from services.identity.handlers.sessions import end_session
from services.identity.settings import IdentitySettings
from services.identity.store import Work
from services.kit.audit import AuditEntry

MAX_TOKEN = 100


@dataclass(frozen=True, slots=True)
class Invite:
    """A link for an account that is there; the one before it is void. `life`: how long it can be used."""

    actor: str
    realm: Realm
    username: str
    life: timedelta


@dataclass(frozen=True, slots=True)
class InviteStaff:
    """An account for a member of staff, with a role at once where one is named, and the link to it."""

    actor: str
    username: str
    name: str
    life: timedelta
    grant: Grant | None = None


async def invite(command: Invite, work: Work) -> str:
    """The link's token. Raises AccountUnknown."""
    token = new_secret()
    async with work:
        account = await work.accounts.by_username(command.realm, normal_username(command.username))
        if account is None:
            raise AccountUnknown(f"{command.realm.value}: no account has this user name")
        await work.accounts.lock(account.id)
        await work.enrolments.add(fingerprint(token), account.id, work.now() + command.life)
        work.audit(AuditEntry(command.actor, "invite", "accounts", account.id, command.realm.value))
    return token


async def invite_staff(command: InviteStaff, make_work: Callable[[], Work]) -> str:
    """The link's token. Raises UsernameInvalid, UsernameTaken, RoleUnknown."""
    if command.grant is not None:
        check_grant(Realm.STAFF, command.grant)
    # Without a password nothing is hashed.
    passwords = Passwords(threads=1, queue=1)
    opened = OpenAccount(command.actor, Realm.STAFF, command.username, command.name, None)
    account = await open_account(opened, make_work(), passwords)
    if command.grant is not None:
        given = GrantRole(command.actor, account.username, command.grant.organisation, command.grant.role)
        await grant_role(given, make_work())
    return await invite(Invite(command.actor, Realm.STAFF, account.username, command.life), make_work())


async def invited(provider: Provider, token: str) -> Account:
    """Whose password the link may set. Raises LinkUsed."""
    async with provider.reading() as work:
        found = await work.enrolments.find(_fingerprint(token), work.now())
        account = await work.accounts.by_id(found) if found is not None else None
    if account is None or not account.enabled:
        raise LinkUsed("ask for a new one")
    return account


async def enrol(provider: Provider, token: str, password: str) -> Account:
    """Set the password and use the link up; whoever was signed in to the account is so no more.

    Raises PasswordWeak (the link stays), LinkUsed, SlowDown.
    """
    check_password(password)
    # Before a hash is computed: only who holds a link costs one.
    account = await invited(provider, token)
    with provider.passwords.room():
        encoded = await provider.passwords.hash(password)
    async with provider.work() as work:
        if await work.enrolments.take(_fingerprint(token), work.now()) != account.id:
            raise LinkUsed("ask for a new one")
        await work.accounts.set_password_hash(account.id, encoded)
        await work.accounts.clear_counter(account_key(account.realm.value, account.username))
        work.audit(AuditEntry(account.id, "enrol", "accounts", account.id, account.realm.value))
        for session in await work.sessions.of_account(account.id):
            await end_session(provider, work, session, "revoked")
    return account


def link(settings: IdentitySettings, token: str) -> str:
    """The address that the person opens."""
    return f"{settings.issuer}/enrol?{urlencode({'token': token})}"


def _fingerprint(token: str) -> str:
    return fingerprint(token[:MAX_TOKEN])
