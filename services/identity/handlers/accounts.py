"""Use cases of accounts: open, declare, grant, take back."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from services.identity import events
from services.identity.domain.account_file import AccountDeclaration, Outcome, RowRefused, read_row
from services.identity.domain.accounts import Account, Grant, check_grant, check_grants, check_password, check_username
from services.identity.domain.claims import seconds
from services.identity.domain.clients import Realm
from services.identity.errors import AccountUnknown, UsernameTaken
from services.identity.handlers.passwords import Passwords
from services.identity.store import Work
from services.kit.audit import AuditEntry
from services.kit.errors import TongbanError
from services.kit.ids import new_id


@dataclass(frozen=True, slots=True)
class OpenAccount:
    """Open an account; `actor` is who asks for it. Without a password it waits for its enrolment."""

    actor: str
    realm: Realm
    username: str
    name: str
    password: str | None
    assurance: int = 1
    claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What became of the rows of an accounts file; `refused` has number and reason of each bad one."""

    done: tuple[Outcome, ...]
    refused: tuple[RowRefused, ...]


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
    encoded = None
    if command.password is not None:
        with passwords.room():
            encoded = await passwords.hash(check_password(command.password))
    async with work:
        if await work.accounts.by_username(command.realm, username) is not None:
            raise UsernameTaken(f"{command.realm.value}: choose another")
        claims = {"updated_at": seconds(work.now()), **command.claims}
        account = Account(new_id(), command.realm, username, command.name, command.assurance, True, 1, (), claims)
        await work.accounts.add(account, encoded)
        work.publish(events.account_opened(account, work.now()))
        work.audit(AuditEntry(command.actor, "open", "accounts", account.id, command.realm.value))
    return account


async def declare_account(
    actor: str, declared: AccountDeclaration, make_work: Callable[[], Work], passwords: Passwords
) -> Outcome:
    """Open the account, or bring name and claims of the one that is there up to date; its password stays as it is.

    Raises UsernameInvalid, UsernameTaken, PasswordWeak, SlowDown.
    """
    username = check_username(declared.username)
    async with make_work() as work:
        account = await work.accounts.by_username(declared.realm, username)
        if account is not None:
            return await _update(actor, work, account, declared)
    password = declared.password.get_secret_value() if declared.password is not None else None
    claims = declared.claims.document() if declared.claims is not None else {}
    command = OpenAccount(actor, declared.realm, username, declared.name, password, declared.assurance, claims)
    await open_account(command, make_work(), passwords)
    return Outcome.OPENED


async def _update(actor: str, work: Work, account: Account, declared: AccountDeclaration) -> Outcome:
    known = {name: value for name, value in account.claims.items() if name != "updated_at"}
    new = known if declared.claims is None else declared.claims.document()
    if declared.name == account.name and new in (known, account.claims):
        return Outcome.UNCHANGED
    claims = {"updated_at": seconds(work.now())} | new
    await work.accounts.set_person(replace(account, name=declared.name, claims=claims))
    work.audit(AuditEntry(actor, "update", "accounts", account.id, account.realm.value))
    return Outcome.UPDATED


async def load_accounts(
    actor: str, rows: Iterable[Any], make_work: Callable[[], Work], passwords: Passwords
) -> LoadReport:
    """Declare every account of a file. A row that cannot be taken is reported and keeps none of the others back."""
    done: list[Outcome] = []
    refused: list[RowRefused] = []
    seen: set[tuple[Realm, str]] = set()
    for number, row in enumerate(rows, 1):
        try:
            declared = read_row(number, row)
            who = (declared.realm, check_username(declared.username))
            if who in seen:
                raise RowRefused(number, "username: comes twice in the file")
            seen.add(who)
            done.append(await declare_account(actor, declared, make_work, passwords))
        except RowRefused as error:
            refused.append(error)
        except TongbanError as error:
            refused.append(RowRefused(number, f"{error.title}: {error.detail}"))
    return LoadReport(tuple(done), tuple(refused))


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
