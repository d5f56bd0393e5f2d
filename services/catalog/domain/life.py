"""The life of what has a code: draft, reviewed, published, changed, suspended, retired (审核、变更、应用).

A revision is one proposed content. Its author and its reviewer are different people. A published version never changes.
"""

from enum import StrEnum
from typing import Final


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
    APPEALED = "appealed"
    EXEMPTED = "exempted"
    APPEAL_REFUSED = "appeal_refused"
