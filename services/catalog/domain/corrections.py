"""Correction requests (异议): a disagreement found in use goes to the authoritative source, which answers.

    open ─accept→ accepted ─correct→ corrected
      │               │
      └───────────────┴─reject→ rejected      open, accepted ─withdraw→ withdrawn (by who found it)

No law sets a term for the answer: how long a source has is a setting (`CatalogSettings.correction_days`). What stands
in a request or an answer is read by people of both organisations: it holds no identity number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from services.catalog import errors
from services.catalog.domain.registers import Register


class CorrectionState(StrEnum):
    """Where a request stands."""

    OPEN = "open"
    ACCEPTED = "accepted"
    """The source agrees, and is correcting."""
    CORRECTED = "corrected"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


Answering = Literal["accept", "correct", "reject", "withdraw"]
_S: Final = CorrectionState
MOVES: Final[Mapping[Answering, tuple[frozenset[CorrectionState], CorrectionState]]] = {
    "accept": (frozenset({_S.OPEN}), _S.ACCEPTED),
    "correct": (frozenset({_S.ACCEPTED}), _S.CORRECTED),
    "reject": (frozenset({_S.OPEN, _S.ACCEPTED}), _S.REJECTED),
    "withdraw": (frozenset({_S.OPEN, _S.ACCEPTED}), _S.WITHDRAWN),
}
WAITING: Final = frozenset({_S.OPEN, _S.ACCEPTED})
"""States in which the source still owes something."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One request: what disagrees, who found it, what the source says."""

    id: str
    register: Register
    code: str
    source: str
    """The organisation that is the entry's source, when it was filed."""
    state: CorrectionState
    version: int
    organisation_id: str
    """Where it was found."""
    author: str
    author_name: str
    text: str
    created_at: datetime
    updated_at: datetime
    due_at: datetime
    item_code: str | None = None
    answer: str | None = None
    answered_by: str | None = None

    def overdue(self, now: datetime) -> bool:
        """Whether the source has let its time pass."""
        return self.state in WAITING and now > self.due_at

    def acts(self, *, source: bool, finder: bool) -> tuple[Answering, ...]:
        """What the source's people and the finder's people can do with it now."""
        open_to = {"withdraw": finder}
        return tuple(act for act, (before, _) in MOVES.items() if self.state in before and open_to.get(act, source))


def answered(request: Correction, act: Answering, answer: str, by: str, now: datetime) -> Correction:
    """The request after `act`. Raises WrongState."""
    before, after = MOVES[act]
    if request.state not in before:
        raise errors.WrongState(f"the request is {request.state.value}", state=request.state.value)
    return replace(request, state=after, version=request.version + 1, answer=answer, answered_by=by, updated_at=now)
