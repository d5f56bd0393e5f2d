"""Drafts (草稿): an application on its way, kept encrypted until it is handed in or expires."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from services.cases.domain.items import Item
from services.cases.errors import DraftChanged, DraftSubmitted
from services.kit.errors import FieldProblem


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft and its answers. `item_version` is None while it follows the item's current version.

    An amendment (`amends`) stands on the version of the case that it amends.
    """

    id: str
    owner: str
    item_code: str
    item_version: int | None
    amends: str | None
    case_id: str | None
    version: int
    channel: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    answers: dict[str, Any] = field(default_factory=dict)


def check_open(draft: Draft, seen: int | None) -> None:
    """Raise DraftSubmitted for one that is handed in, DraftChanged when `seen` is not its version."""
    if draft.case_id is not None:
        raise DraftSubmitted(case_id=draft.case_id)
    if seen is not None and seen != draft.version:
        raise DraftChanged(f"the draft is at version {draft.version}", version=draft.version)


def changed(draft: Draft, now: datetime, keep: timedelta, **fields: Any) -> Draft:
    """The draft after a change: its version one higher, its expiry put off."""
    return replace(draft, version=draft.version + 1, updated_at=now, expires_at=now + keep, **fields)


def submitted(draft: Draft, case_id: str, now: datetime) -> Draft:
    """What is left of a draft that became a case: nothing of its answers, so that each lies in one place only."""
    return replace(draft, version=draft.version + 1, case_id=case_id, answers={}, updated_at=now)


def missing_materials(item: Item, handed_in: set[str]) -> list[FieldProblem]:
    """Required materials that have no file."""
    return [
        FieldProblem(f"materials.{material.id}", "required", "this material is needed")
        for material in item.materials
        if material.required and material.id not in handed_in
    ]


def problems(item: Item, answers: dict[str, Any], handed_in: set[str]) -> list[FieldProblem]:
    """What stands between a draft and its submission: answers first, then materials."""
    return item.form.problems(item.form.called_for(answers)) + missing_materials(item, handed_in)
