"""The fields of an item that one cell of a table can hold: how each is written, and read again.

A cell that says what the item says already changes nothing: `written` is compared first. So an item keeps what a table
cannot hold (a form, a step, an English condition) through a way out and back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.catalog.domain.items import ItemContent
from services.catalog.domain.rows import values as v

Written = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FlatField:
    """One field: how long a value of it may be, whether it has many, how it is written in a cell and read from one."""

    written: Callable[[ItemContent], Written]
    read: Callable[[Any, ItemContent], Mapping[str, Any]] | None = None
    """The item's fields that a value sets, given the item as it is; ValueError says what is wrong. None: read first,
    by the row's reader itself."""
    longest: int = v.LONGEST_TEXT
    many: bool = False
    separator: str = "\n"
    lines: bool = False
    """Ends of lines stay."""

    def cell(self, content: ItemContent, separator: str | None = None) -> str:
        """The item's value as one cell."""
        found = self.written(content)
        return found if isinstance(found, str) else (separator or self.separator).join(found)


def _text(name: str) -> FlatField:
    return FlatField(lambda content: v.chinese(getattr(content, name)), v.text_of(name), lines=True)


FIELDS: Final[Mapping[str, FlatField]] = {
    "department": FlatField(lambda content: content.organisation.name.zh, longest=v.LONGEST_DEPARTMENT),
    "name": FlatField(
        lambda content: content.name.zh,
        lambda value, content: {"name": content.name.model_copy(update={"zh": value})},
        longest=v.LONGEST_NAME,
    ),
    "code": FlatField(lambda content: content.code),
    "division": FlatField(lambda content: content.division),
    "item_type": FlatField(lambda content: content.item_type),
    "department_code": FlatField(lambda content: content.organisation.id if v.is_uscc(content.organisation.id) else ""),
    "subjects": FlatField(lambda content: content.subjects, v.subjects, many=True, separator=";"),
    "name_en": FlatField(
        lambda content: content.name.en or "",
        lambda value, content: {"name": content.name.model_copy(update={"en": value or None})},
        longest=v.LONGEST_NAME,
    ),
    "kind": FlatField(lambda content: content.kind, v.kind),
    "base": FlatField(lambda content: content.base or "", v.base),
    "summary": _text("summary"),
    "topics": FlatField(lambda content: content.topics, v.topics, many=True, separator=";"),
    "case_kind": FlatField(lambda content: content.case_kind or "", v.case_kind),
    "statutory_limit": FlatField(lambda content: v.limit_text(content.limits.statutory), v.limit("statutory")),
    "promised_limit": FlatField(lambda content: v.limit_text(content.limits.promised), v.limit("promised")),
    "fee_charged": FlatField(v.charged_text, v.charged),
    "fee_note": FlatField(lambda content: v.chinese(content.fee.note if content.fee else None), v.fee_note, lines=True),
    "visits": FlatField(lambda content: "" if content.visits is None else str(content.visits), v.number("visits", 99)),
    "visit_reason": _text("visit_reason"),
    "channels": FlatField(lambda content: content.channels, v.channels, many=True, separator=";"),
    "online_depth": FlatField(
        lambda content: "" if content.online_depth is None else str(content.online_depth),
        v.number("online_depth", 4, least=1),
    ),
    "offline_reason": _text("offline_reason"),
    "conditions": FlatField(
        lambda content: tuple(map(v.chinese, content.conditions)), v.conditions, many=True, lines=True
    ),
    "basis": FlatField(lambda content: tuple(map(v.basis_text, content.basis)), v.basis, many=True, lines=True),
    "materials": FlatField(
        lambda content: tuple(map(v.material_text, content.materials)), v.materials, many=True, lines=True
    ),
    "results": FlatField(
        lambda content: tuple(v.chinese(result.name) for result in content.results), v.results, many=True, lines=True
    ),
    "function": FlatField(
        lambda content: content.function or "", lambda value, _: {"function": value or None}, longest=64
    ),
    "phone": FlatField(lambda content: v.contact_text(content, "phone"), v.contact("phone"), longest=100),
    "complaint_phone": FlatField(
        lambda content: v.contact_text(content, "complaint_phone"), v.contact("complaint_phone"), longest=100
    ),
    "address": FlatField(lambda content: v.contact_text(content, "address"), v.contact("address"), longest=500),
    "hours": FlatField(lambda content: v.contact_text(content, "hours"), v.contact("hours"), longest=500),
}
"""Our names of the fields, in the order in which an export has them."""
