"""Use cases of accounts: open, grant, take back."""

from dataclasses import dataclass, replace

from services.identity import events
from services.identity.domain.accounts import Account, Grant, check_grant, check_grants, check_password, check_username
from services.identity.domain.clients import Realm
from services.identity.errors import AccountUnknown, UsernameTaken
from services.identity.handlers.passwords import Passwords
from services.identity.store import Work
from services.kit.audit import AuditEntry
from services.kit.ids import new_id


@dataclass(frozen=True, slots=True)
class OpenAccount:
    """Open an account; `actor` is who asks for it."""

    actor: str
    realm: Realm
    username: str
    name: str
    password: str
    assurance: int = 1


@dataclass(frozen=True, slots=True)
class GrantRole:
    """Give a member of staff a role at an organisation ("*": at every one)."""

    actor: str
    username: str
    organisation: str
    role: str


@dataclass(frozen=True, slots=True)
class RevokeRole:
    """Take a role back."""

    actor: str
    username: str
    organisation: str
    role: str


async def open_account(command: OpenAccount, work: Work, passwords: Passwords) -> Account:
    """Raises UsernameInvalid, UsernameTaken, PasswordWeak, SlowDown."""
    username = check_username(command.username)
    with passwords.room():
        encoded = await passwords.hash(check_password(command.password))
    async with work:
        if await work.accounts.by_username(command.realm, username) is not None:
            raise UsernameTaken(f"{command.realm.value}: choose another")
        account = Account(new_id(), command.realm, username, command.name, command.assurance, True, 1)
        await work.accounts.add(account, encoded)
        work.publish(events.account_opened(account, work.now()))
        work.audit(AuditEntry(command.actor, "open", "accounts", account.id, command.realm.value))
    return account


async def grant_role(command: GrantRole, work: Work) -> Account:
    """Give a role; giving it again changes nothing. Raises AccountUnknown, RoleUnknown, TooManyGrants."""
    grant = check_grant(Realm.STAFF, Grant(command.organisation, command.role))
    async with work:
        account = await _staff(work, command.username)
        if await work.accounts.add_grant(account.id, grant):
            account = replace(account, version=account.version + 1, grants=check_grants((*account.grants, grant)))
            await work.accounts.set_version(account.id, account.version)
            work.publish(events.role_granted(account, grant, command.actor, work.now()))
            work.audit(_entry(command.actor, "grant", account, grant))
    return account


async def revoke_role(command: RevokeRole, work: Work) -> Account:
    """Take a role back; tokens lose it within their five minutes. Raises AccountUnknown."""
    grant = Grant(command.organisation, command.role)
    async with work:
        account = await _staff(work, command.username)
        if await work.accounts.remove_grant(account.id, grant):
            rest = tuple(g for g in account.grants if g != grant)
            account = replace(account, version=account.version + 1, grants=rest)
            await work.accounts.set_version(account.id, account.version)
            work.publish(events.role_revoked(account, grant, command.actor, work.now()))
            work.audit(_entry(command.actor, "revoke", account, grant))
    return account


async def find_staff(username: str, work: Work) -> Account:
    """A staff account with its grants. Raises AccountUnknown."""
    async with work:
        return await _staff(work, username)


async def _staff(work: Work, username: str) -> Account:
    found = await work.accounts.by_username(Realm.STAFF, username)
    if found is None:
        raise AccountUnknown("no staff account has this user name")
    # The version counts on from what is read under the lock.
    await work.accounts.lock(found.id)
    again = await work.accounts.by_id(found.id)
    assert again is not None
    return again


def _entry(actor: str, action: str, account: Account, grant: Grant) -> AuditEntry:
    return AuditEntry(
        actor, action, "account_grants", f"{account.id}/{grant.organisation}/{grant.role}", account.realm.value
    )
