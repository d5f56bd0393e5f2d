"""The province's base items (基本目录), which some of the district's items are versions of."""

from typing import Final

from services.catalog.demo.for_companies import HYGIENE_PERMIT
from services.catalog.demo.for_livelihood import ALLOWANCE
from services.catalog.demo.for_people import RESIDENCE_PERMIT
from services.catalog.domain.codes import mint_uscc
from services.catalog.domain.items import ItemContent
from services.catalog.domain.organisations import OrganisationState
from services.contracts.base import Text
from services.contracts.catalog_items import Limit, Limits, Organisation

PROVINCE: Final = "510000000000"
_PROVINCE_LEVEL: Final = 2


def _organisation(number: int, zh: str, en: str) -> OrganisationState:
    uscc = mint_uscc("11", PROVINCE[:6], f"TB{number:06d}")
    name = Text(zh=f"示例省{zh}", en=f"Demo Province {en}")
    return OrganisationState(uscc, name, PROVINCE, uscc, level=_PROVINCE_LEVEL)


def _base(content: ItemContent, organisation: OrganisationState, promised: int) -> ItemContent:
    """The base item of one of the district's: the same standard, and a longer promise."""
    return content.model_copy(
        update={
            "code": content.base,
            "code_system": "gb-12",
            "kind": "base",
            "base": None,
            "organisation": Organisation(id=organisation.id, name=organisation.name),
            "division": organisation.division,
            "limits": Limits(statutory=content.limits.statutory, promised=Limit(amount=promised)),
            "function": None,
            "contact": None,
            "steps": (),
        }
    )


PROVINCE_HEALTH: Final = _organisation(1, "卫生健康委员会", "Health Commission")
PROVINCE_POLICE: Final = _organisation(2, "公安厅", "Department of Public Security")
PROVINCE_CIVIL_AFFAIRS: Final = _organisation(5, "民政厅", "Department of Civil Affairs")
PROVINCIAL_ORGANISATIONS: Final = (PROVINCE_HEALTH, PROVINCE_POLICE, PROVINCE_CIVIL_AFFAIRS)
BASE_ITEMS: Final = (
    _base(HYGIENE_PERMIT, PROVINCE_HEALTH, 15),
    _base(RESIDENCE_PERMIT, PROVINCE_POLICE, 10),
    _base(ALLOWANCE, PROVINCE_CIVIL_AFFAIRS, 20),
)
