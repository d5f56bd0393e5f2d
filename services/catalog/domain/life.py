"""The life of what has a code: draft, reviewed, published, changed, suspended, retired (审核、变更、应用).

    revision    draft ─submit→ submitted ─approve→ reviewed ─its date→ published
                  ↑              │return               │withdraw→ withdrawn
                  └──────────────┴── sent back ────────┘         draft, submitted ─discard→ discarded

    item        published ─suspend→ suspended ─resume→ published
                published, suspended ─retire→ retired;  any ─roll back→ published, as a new version

A revision is one proposed content; one of a code is open at a time. Whoever wrote any of it does not review it. A
published version never changes. Everything here is a rule without I/O: who may do what from which state.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal

from services.catalog import errors

Role = Literal["editor", "reviewer", "registrar"]


class RevisionState(StrEnum):
    """Where a revision stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    """With the reviewer."""
    REVIEWED = "reviewed"
    """Approved; in force from its date on, which may be still to come."""
    PUBLISHED = "published"
    DISCARDED = "discarded"
    WITHDRAWN = "withdrawn"
    """Approved and taken back before its date."""


OPEN: Final = frozenset({RevisionState.DRAFT, RevisionState.SUBMITTED, RevisionState.REVIEWED})
"""States of a revision that is still under way: one of a code at a time."""


class ItemStatus(StrEnum):
    """Where an item or bundle stands that has been in force."""

    PUBLISHED = "published"
    SUSPENDED = "suspended"
    RETIRED = "retired"


class Act(StrEnum):
    """What somebody did; the history keeps who, when and why."""

    DRAFTED = "drafted"
    EDITED = "edited"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    REVIEWED = "reviewed"
    PUBLISHED = "published"
    DISCARDED = "discarded"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    RETIRED = "retired"
    ROLLED_BACK = "rolled_back"
    WITHDRAWN = "withdrawn"
    CARRIED_OVER = "carried_over"
    """To another organisation by a reform (机构改革)."""
    ALIASED = "aliased"
    """Another code by which it is found was added or dropped."""
    BASE_CHANGED = "base_changed"
    """The base item changed while a revision was open: its author is to look (同一事项、同一标准)."""
    APPEALED = "appealed"
    EXEMPTED = "exempted"
    APPEAL_REFUSED = "appeal_refused"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an officer, or a part of the catalogue itself ("system:…")."""

    id: str
    name: str = ""


SYSTEM: Final = Actor("system:catalog")


@dataclass(frozen=True, slots=True)
class Revision:
    """One proposed content on its way, without the content itself."""

    id: str
    code: str
    kind: str
    state: RevisionState
    version: int
    """Counts the revision's own changes, for If-Match."""
    from_version: int
    """The published version that it was begun from; 0 of what is new."""
    organisation: str
    provenance: str
    author: Actor
    """Who wrote it last."""
    reason: str
    created_at: datetime
    updated_at: datetime
    reviewer: Actor | None = None
    effective_at: datetime | None = None

    @property
    def open_code(self) -> str | None:
        """The code while it is under way."""
        return self.code if self.state in OPEN else None


@dataclass(frozen=True, slots=True)
class Move:
    """From which states an act leads where, and which role at the organisation it takes; none: the catalogue's own."""

    before: frozenset[RevisionState]
    after: RevisionState
    roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemMove:
    """The same of what has been in force."""

    before: frozenset[ItemStatus]
    after: ItemStatus
    roles: tuple[Role, ...] = ()


_S: Final = RevisionState
REVISION_MOVES: Final[Mapping[Act, Move]] = {
    Act.EDITED: Move(frozenset({_S.DRAFT}), _S.DRAFT, ("editor",)),
    Act.SUBMITTED: Move(frozenset({_S.DRAFT}), _S.SUBMITTED, ("editor",)),
    Act.RETURNED: Move(frozenset({_S.SUBMITTED}), _S.DRAFT, ("reviewer",)),
    Act.REVIEWED: Move(frozenset({_S.SUBMITTED}), _S.REVIEWED, ("reviewer",)),
    Act.PUBLISHED: Move(frozenset({_S.REVIEWED}), _S.PUBLISHED),
    Act.DISCARDED: Move(frozenset({_S.DRAFT, _S.SUBMITTED}), _S.DISCARDED, ("editor",)),
    Act.WITHDRAWN: Move(frozenset({_S.REVIEWED}), _S.WITHDRAWN, ("reviewer", "registrar")),
}
_I: Final = ItemStatus
ITEM_MOVES: Final[Mapping[Act, ItemMove]] = {
    # The emergency brake lies with the reviewer too, close to the work; what cannot be undone lightly does not.
    Act.SUSPENDED: ItemMove(frozenset({_I.PUBLISHED}), _I.SUSPENDED, ("reviewer", "registrar")),
    Act.RESUMED: ItemMove(frozenset({_I.SUSPENDED}), _I.PUBLISHED, ("registrar",)),
    Act.RETIRED: ItemMove(frozenset({_I.PUBLISHED, _I.SUSPENDED}), _I.RETIRED, ("registrar",)),
    Act.ROLLED_BACK: ItemMove(frozenset(_I), _I.PUBLISHED, ("registrar",)),
}


def moved(revision: Revision, act: Act, now: datetime, reason: str, **changes: Any) -> Revision:
    """The revision after `act`. Raises WrongState."""
    move = REVISION_MOVES[act]
    if revision.state not in move.before:
        raise errors.WrongState(f"the revision is {revision.state.value}", state=revision.state.value)
    return replace(revision, state=move.after, version=revision.version + 1, reason=reason, updated_at=now, **changes)


def sent_back(revision: Revision, now: datetime, reason: str) -> Revision:
    """What was approved is a draft again: since then something happened that its reviewer did not know of."""
    assert revision.state is RevisionState.REVIEWED
    return replace(
        revision,
        state=RevisionState.DRAFT,
        version=revision.version + 1,
        reason=reason,
        updated_at=now,
        reviewer=None,
        effective_at=None,
    )


def check_reviewer(reviewer: Actor, writers: Iterable[str]) -> None:
    """Raise AuthorReviews where the reviewer wrote any of it: 审核 is by another person."""
    if reviewer.id in set(writers):
        raise errors.AuthorReviews


def check_base(revision: Revision, version: int, status: ItemStatus | None) -> None:
    """Raise Overtaken, ItemIsRetired unless the revision can follow what stands (version 0: nothing does).

    Two versions begun from one would overlap: the later one would undo the other without anyone having compared them.
    """
    if status is ItemStatus.RETIRED:
        raise errors.ItemIsRetired
    if revision.from_version != version:
        raise errors.Overtaken(
            f"begun from version {revision.from_version}, while version {version} is in force",
            from_version=revision.from_version,
            in_force=version,
        )


def status_after(status: ItemStatus, act: Act) -> ItemStatus:
    """Where an item stands after `act`. Raises WrongState."""
    move = ITEM_MOVES[act]
    if status not in move.before:
        raise errors.WrongState(f"the item is {status.value}", state=status.value)
    return move.after


def roles_for(act: Act) -> tuple[Role, ...]:
    """The roles of which one is needed for `act`; to draft takes an editor."""
    found: Mapping[Act, Move | ItemMove] = REVISION_MOVES if act in REVISION_MOVES else ITEM_MOVES
    return ("editor",) if act is Act.DRAFTED else found[act].roles


def acts_open_to(state: RevisionState, roles: Collection[str]) -> tuple[Act, ...]:
    """What someone with `roles` at the organisation can do with a revision in `state`."""
    return tuple(
        act
        for act, move in REVISION_MOVES.items()
        if state in move.before and any(role in roles for role in move.roles)
    )
