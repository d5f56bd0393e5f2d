"""Accounts, grants and failed sign-ins."""

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select, update

from services.identity.domain.accounts import Account, Grant
from services.identity.domain.clients import Realm
from services.identity.domain.lockout import Counter
from services.identity.store.tables import ACCOUNTS, FAILURES, GRANTS
from services.kit.statements import Statement

if TYPE_CHECKING:
    from services.identity.store.work import Work


def _account_where(condition: Any) -> Statement:
    return Statement(
        lambda _: (
            select(ACCOUNTS, GRANTS.c.organisation, GRANTS.c.role)
            .outerjoin_from(ACCOUNTS, GRANTS, GRANTS.c.account_id == ACCOUNTS.c.id)
            .where(condition)
        )
    )


_BY_ID = _account_where(ACCOUNTS.c.id == bindparam("value"))
_BY_USERNAME = _account_where(ACCOUNTS.c.username_index == bindparam("value"))
_PASSWORD_HASH = Statement(
    lambda _: select(ACCOUNTS.c.id, ACCOUNTS.c.password_hash).where(
        ACCOUNTS.c.realm == bindparam("realm"),
        ACCOUNTS.c.username_index == bindparam("index"),
        ACCOUNTS.c.enabled,
        ACCOUNTS.c.password_hash.is_not(None),
    )
)
_TAKE_BACK = Statement(
    lambda _: (
        update(FAILURES)
        .where(FAILURES.c.key == bindparam("name"), FAILURES.c.failures > 0)
        .values(failures=FAILURES.c.failures - 1, locked_until=None)
    )
)
_CLEAR = Statement(lambda _: delete(FAILURES).where(FAILURES.c.key == bindparam("name")))


def _counter_rows(count: int, *columns: str) -> list[dict[str, Any]]:
    return [{name: bindparam(f"{name}{n}", type_=FAILURES.c[name].type) for name in columns} for n in range(count)]


@cache
def _lock_counters(count: int) -> Statement:
    # In one statement: whatever a success beside us deletes, each key has a row afterwards, and it is ours.
    return Statement(
        lambda insert: (
            insert(FAILURES)
            .values(_counter_rows(count, "key", "failures", "since"))
            .on_conflict_do_update(index_elements=["key"], set_={"failures": FAILURES.c.failures})
            .returning(*FAILURES.c)
        )
    )


@cache
def _save_counters(count: int) -> Statement:
    def make(insert: Any) -> Any:
        begun = insert(FAILURES).values(_counter_rows(count, "key", "failures", "since", "locked_until"))
        changed = {name: begun.excluded[name] for name in ("failures", "since", "locked_until")}
        return begun.on_conflict_do_update(index_elements=["key"], set_=changed)

    return Statement(make)


class AccountStore:
    """Accounts of both realms."""

    def __init__(self, work: "Work") -> None:
        self._work = work

    async def by_id(self, account_id: str) -> Account | None:
        """The account with its grants."""
        return await self._one(_BY_ID, account_id)

    async def by_username(self, realm: Realm, username: str) -> Account | None:
        """The account of a normalised user name, with its grants."""
        return await self._one(_BY_USERNAME, self._index(realm, username))

    async def password_hash(self, realm: Realm, username: str) -> tuple[str, str] | None:
        """Id and password hash of an enabled account that has one."""
        rows = await self._work.run(_PASSWORD_HASH, realm=realm.value, index=self._index(realm, username))
        return (rows[0].id, rows[0].password_hash) if rows else None

    def _index(self, realm: Realm, username: str) -> str:
        return self._work.crypto.blind_index(username, f"accounts.username/{realm.value}")

    async def _one(self, statement: Statement, value: str) -> Account | None:
        rows = await self._work.run(statement, value=value)
        if not rows:
            return None
        row = rows[0]
        grants = tuple(sorted(Grant(r.organisation, r.role) for r in rows if r.role is not None))
        person = self._work.crypto.decrypt_json(row.person, f"accounts.person/{row.id}")
        return Account(
            row.id,
            Realm(row.realm),
            person["username"],
            person["name"],
            row.assurance,
            row.enabled,
            row.version,
            grants,
            person.get("claims", {}),
        )

    async def lock(self, account_id: str) -> None:
        """Hold the account's row until the end of the transaction (SQLite holds the whole file anyway)."""
        await self._work.execute(select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == account_id).with_for_update())

    async def add(self, account: Account, password_hash: str | None) -> None:
        """Store a new account. The unique index refuses a second of the same name."""
        await self._work.execute(
            insert(ACCOUNTS).values(
                id=account.id,
                realm=account.realm.value,
                username_index=self._index(account.realm, account.username),
                person=self._sealed(account),
                password_hash=password_hash,
                assurance=account.assurance,
                enabled=account.enabled,
                version=account.version,
                created_at=self._work.now(),
            )
        )

    def _sealed(self, account: Account) -> bytes:
        person = {"username": account.username, "name": account.name, "claims": dict(account.claims)}
        return self._work.crypto.encrypt_json(person, f"accounts.person/{account.id}")

    async def set_person(self, account: Account) -> None:
        """Store name and claims anew."""
        changed = update(ACCOUNTS).where(ACCOUNTS.c.id == account.id)
        await self._work.execute(changed.values(person=self._sealed(account)))

    async def set_version(self, account_id: str, version: int) -> None:
        await self._work.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account_id).values(version=version))

    async def set_password_hash(self, account_id: str, password_hash: str, *, instead_of: str | None = None) -> None:
        """`instead_of`: only where that is still the hash; a new password that came between stays."""
        changed = update(ACCOUNTS).where(ACCOUNTS.c.id == account_id)
        if instead_of is not None:
            changed = changed.where(ACCOUNTS.c.password_hash == instead_of)
        await self._work.execute(changed.values(password_hash=password_hash))

    async def add_grant(self, account_id: str, grant: Grant) -> bool:
        """Store a grant; False where it was there already."""
        row = {
            "account_id": account_id,
            "organisation": grant.organisation,
            "role": grant.role,
            "granted_at": self._work.now(),
        }
        return bool(await self._work.insert_ignore(GRANTS, [row], GRANTS.c.role))

    async def remove_grant(self, account_id: str, grant: Grant) -> bool:
        """Remove a grant; False where there was none."""
        found = await self._work.execute(
            delete(GRANTS)
            .where(
                GRANTS.c.account_id == account_id,
                GRANTS.c.organisation == grant.organisation,
                GRANTS.c.role == grant.role,
            )
            .returning(GRANTS.c.role)
        )
        return found.first() is not None

    async def locked_counters(self, keys: tuple[str, ...]) -> dict[str, Counter]:
        """The failure counters of `keys`, begun where there are none, held until the end of the transaction."""
        values: dict[str, Any] = {}
        for number, key in enumerate(sorted(keys)):  # always in one order: two sign-ins cannot deadlock
            values |= {f"key{number}": key, f"failures{number}": 0, f"since{number}": self._work.now()}
        found = await self._work.run(_lock_counters(len(keys)), **values)
        return {row.key: Counter(row.failures, row.since, row.locked_until) for row in found}

    async def save_counters(self, counters: dict[str, Counter], realm: Realm, username: str) -> tuple[str, str] | None:
        """Save counters that are held; in the same turn id and password hash as `password_hash` finds them."""
        values: dict[str, Any] = {}
        for number, (key, c) in enumerate(sorted(counters.items())):
            row = {"key": key, "failures": c.failures, "since": c.since, "locked_until": c.locked_until}
            values |= {f"{name}{number}": value for name, value in row.items()}
        index = {"realm": realm.value, "index": self._index(realm, username)}
        rows = await self._work.run_together((_save_counters(len(counters)), values), (_PASSWORD_HASH, index))
        return (rows[0].id, rows[0].password_hash) if rows else None

    async def take_back_failure(self, key: str) -> None:
        """One attempt that was counted beforehand was right after all."""
        await self._work.run(_TAKE_BACK, name=key)

    async def clear_counter(self, key: str) -> None:
        await self._work.run(_CLEAR, name=key)

    async def prune_counters(self, before: datetime, limit: int) -> int:
        """Forget counters that were begun before `before`."""
        old = select(FAILURES.c.key).where(FAILURES.c.since < before).limit(limit)
        found = await self._work.execute(delete(FAILURES).where(FAILURES.c.key.in_(old)).returning(FAILURES.c.key))
        return len(found.all())
