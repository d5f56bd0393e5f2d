"""An item that the lint has nothing against, and registers to judge it by."""

from dataclasses import replace
from typing import Any

from services.catalog.demo.organisations import DISTRICT, HEALTH, POLICE
from services.catalog.domain.codes import base_code, implementation_code
from services.catalog.domain.items import ItemContent
from services.catalog.domain.lint import Facts
from services.contracts.base import Text
from services.contracts.catalog_items import Basis, Material, Organisation
from services.contracts.catalog_organisations import Function
from services.contracts.catalog_resources import ElementContent, LicenceTypeContent, ResourceContent

SOURCE = Organisation(id=POLICE.id, name=POLICE.name)
HELD_BY_HEALTH = Organisation(id=HEALTH.id, name=HEALTH.name)
LAW = Basis(law="中华人民共和国动物防疫法", article="第三十条")
BASE = base_code(DISTRICT[:2], "01", "09", 2)
CODE = implementation_code(POLICE.id, 4, BASE)
WRONG = f"{CODE[:17]}{'1' if CODE[17] == '0' else '0'}{CODE[18:]}"
LICENCE, OTHER_LICENCE = f"{POLICE.id}001", f"{HEALTH.id}001"
FORM = {"type": "object", "properties": {"address": {"type": "string", "title": "住址", "x-title-en": "Address"}}}


def material(**fields: Any) -> Material:
    """A material that passes: with basis, made by the applicant."""
    given_ = {"id": "m", "name": Text(zh="申请书", en="Letter"), "required": True, "basis": LAW, "made_by": "applicant"}
    return Material.model_validate({**given_, **fields})


def element(code: str, **fields: Any) -> ElementContent:
    return ElementContent.model_validate({"code": code, "name": {"zh": f"数据元{code}"}, "source": SOURCE, **fields})


def licence(code: str = LICENCE, **fields: Any) -> LicenceTypeContent:
    return LicenceTypeContent.model_validate(
        {"code": code, "name": {"zh": "居民户口簿", "en": "Household register"}, "source": SOURCE, **fields}
    )


def resource(**fields: Any) -> ResourceContent:
    given_ = {"code": "101001/1", "name": {"zh": "人口基础信息"}, "source": SOURCE, "sharing": "unconditional"}
    return ResourceContent.model_validate({**given_, **fields})


PLAIN = ItemContent(
    code=CODE,
    code_system="gb-31",
    name=Text(zh="犬类准养登记", en="Dog registration"),
    organisation=SOURCE,
    division=DISTRICT,
    item_type="01",
    subjects=("person",),
    materials=(material(),),
    form=FORM,
)
KNOWN = Facts(
    elements={"address": element("address"), "height": element("height"), "shut": element("shut", status="closed")},
    resources={"address": resource()},
    provers={"height": licence(OTHER_LICENCE, name={"zh": "体检证明"})},
    licence_types={
        LICENCE: licence(),
        OTHER_LICENCE: licence(OTHER_LICENCE, sharing="none"),
        "SHUT": licence("SHUT", status="closed"),
    },
    organisations={POLICE.id: replace(POLICE, functions=(Function(id="f1", name=Text(zh="养犬管理")),))},
    items=frozenset({"A", "B"}),
)
