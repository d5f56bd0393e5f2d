"""What the use cases of the life have in common: who acts, what they may, what is kept of it."""

from collections.abc import Collection, Iterable
from typing import Final

from services.catalog import errors
from services.catalog.domain import life
from services.catalog.domain.life import SYSTEM, Act, Actor, Revision
from services.catalog.store.items import Done
from services.catalog.store.revisions import StoredRevision
from services.catalog.store.work import Work
from services.kit.audit import AuditEntry
from services.kit.auth import Principal
from services.kit.errors import Forbidden, PreconditionFailed

ROLES: Final = ("editor", "reviewer", "registrar")


def actor_of(officer: Principal) -> Actor:
    """The officer as one who acts."""
    return Actor(officer.sub, (officer.name or "")[:100])


def roles_at(officer: Principal, organisation: str) -> frozenset[str]:
    """The catalogue's roles that an officer has at an organisation."""
    return frozenset(role for role in ROLES if officer.holds(role, organisation))


def require(officer: Principal, act: Act, organisations: Iterable[str]) -> None:
    """Raise Forbidden unless the officer has a role for `act` at each of `organisations`."""
    roles = life.roles_for(act)
    for organisation in organisations:
        if not any(officer.holds(role, organisation) for role in roles):
            raise Forbidden(f"the role {' or '.join(roles)} at this organisation is needed")


async def seen_revision(id_: str, officer: Principal, work: Work, *, lock: bool = False) -> StoredRevision:
    """A revision of an organisation that the officer works for. Raises RevisionNotFound, for any other too."""
    found = await work.revisions.get(id_, lock=lock)
    if found is None or not roles_at(officer, found.revision.organisation):
        raise errors.RevisionNotFound
    return found


def check_seen(revision: Revision, seen: int | None) -> None:
    """Raise PreconditionFailed unless the caller acts on what it saw (RFC 9110 §13.1.1)."""
    if seen is not None and seen != revision.version:
        raise PreconditionFailed(f"the revision is at version {revision.version}", version=revision.version)


def keep(
    revision: Revision,
    act: Act,
    who: Principal | Actor,
    reason: str,
    work: Work,
    *,
    item_version: int | None = None,
    action: str | None = None,
) -> None:
    """Keep who did what to a revision, for its history and for the audit, in the running transaction."""
    did(revision.code, act, who, reason, work, revision_id=revision.id, item_version=item_version)
    record(who, action or f"revision.{act.value}", "revision", revision.id, revision.organisation, reason, work)


def did(
    code: str,
    act: Act,
    who: Principal | Actor,
    reason: str,
    work: Work,
    *,
    revision_id: str | None = None,
    item_version: int | None = None,
) -> None:
    """Keep an act in the history of `code`."""
    actor = who if isinstance(who, Actor) else actor_of(who)
    work.items.did(Done(code, act, actor.id, actor.name, reason, work.now(), revision_id, item_version))


def record(
    who: Principal | Actor, action: str, kind: str, object_id: str, organisation: str, reason: str, work: Work
) -> None:
    """Put an act into the audit; an officer acts for `organisation`."""
    # The audit keeps the beginning of what is longer than its columns; the history has all of it.
    of, purpose = organisation[:64], reason[:500] or None
    if isinstance(who, Actor):
        work.audit(AuditEntry(who.id, action, kind, object_id, on_behalf_of=of, purpose=purpose))
    else:
        work.audit(AuditEntry(who.sub, action, kind, object_id, who.realm, who.client_id, of, purpose))


async def send_back(codes: Collection[str], reason: str, work: Work, *, besides: Collection[str] = ()) -> None:
    """What was approved of `codes` for a date to come is a draft again: what it was approved upon is no more so."""
    for found in await work.revisions.approved(codes):
        if found.revision.id not in besides:
            await work.revisions.save(life.sent_back(found.revision, work.now(), reason))
            keep(found.revision, Act.RETURNED, SYSTEM, reason, work)
