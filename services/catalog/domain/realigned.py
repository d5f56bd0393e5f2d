"""An implementation with what its base item changed taken over; what it may set itself stays its own."""

from services.catalog.domain.items import STANDARD_MATERIALS, ItemContent
from services.catalog.domain.limits import longer
from services.catalog.domain.terms import fold
from services.contracts.catalog_items import Limit, Limits, Material


def aligned(base: ItemContent, implementation: ItemContent) -> ItemContent:
    """`implementation` with the name, type, basis and conditions of `base`, no longer limits and no more materials
    (see `domain.alignment`)."""
    changed = {
        "name": base.name,
        "item_type": base.item_type,
        "basis": base.basis,
        "conditions": base.conditions,
        "limits": Limits(
            statutory=_limit(base.limits.statutory, implementation.limits.statutory),
            promised=_limit(base.limits.promised, implementation.limits.promised),
        ),
        "materials": _materials(base, implementation),
    }
    if base.case_kind == "immediate" and implementation.case_kind is not None:
        changed["case_kind"] = base.case_kind
    return implementation.model_copy(update=changed)


def _limit(above: Limit | None, own: Limit | None) -> Limit | None:
    return own if above is None or (own is not None and not longer(own, above)) else above


def _materials(base: ItemContent, implementation: ItemContent) -> tuple[Material, ...]:
    above = {fold(material.name.zh): material for material in base.materials}
    kept = []
    for material in implementation.materials:
        wanted = above.get(fold(material.name.zh))
        if wanted is not None:
            kept.append(material.model_copy(update={"required": material.required and wanted.required}))
        elif material in STANDARD_MATERIALS:
            kept.append(material)
    return tuple(kept)
