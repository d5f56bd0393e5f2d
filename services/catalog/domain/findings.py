"""What a rule finds wrong with an item: where, why, and what to do about it."""

from dataclasses import dataclass

from services.contracts.base import Text


@dataclass(frozen=True, slots=True)
class Finding:
    """One refusal: the rule's name, the field that it is about (dotted: "materials.photo", "limits.promised")."""

    rule: str
    field: str
    cause: Text
    mend: Text
