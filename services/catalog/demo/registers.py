"""The demonstration district's registers: data elements, resources of the base registries, licence types.

The sources are the invented organisations; that a county's bureaus are the sources is the demonstration's make-believe,
for most of it comes from the state's registries.
"""

from collections.abc import Sequence
from typing import Any, Final

from services.catalog.demo.organisations import (
    BUSINESS_LICENCE,
    CITY,
    CIVIL_AFFAIRS,
    DEVELOPMENT,
    EDUCATION,
    HEALTH,
    HYGIENE_LICENCE,
    IDENTITY_CARD,
    LABOUR,
    MARKET,
    POLICE,
    RESIDENCE_CARD,
    both,
)
from services.catalog.domain.items import Provenance
from services.catalog.domain.organisations import OrganisationState
from services.catalog.domain.registers import Register, RegisterContent
from services.catalog.handlers.registers import take_in
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.contracts.catalog_items import Organisation
from services.contracts.catalog_resources import DataType, ElementContent, LicenceTypeContent, ResourceContent

Row = tuple[Register, RegisterContent]


def _source(state: OrganisationState) -> Organisation:
    return Organisation(id=state.id, name=state.name)


def _element(
    source: OrganisationState, code: str, zh: str, en: str, data_type: DataType = "text", unit: Text | None = None
) -> Row:
    return "element", ElementContent(
        code=code, name=both(zh, en), data_type=data_type, unit=unit, source=_source(source)
    )


def _resource(source: OrganisationState, code: str, zh: str, en: str, elements: Sequence[str], **fields: Any) -> Row:
    given = {"sharing": "unconditional", **fields}
    return "resource", ResourceContent(
        code=code, name=both(zh, en), source=_source(source), elements=tuple(elements), **given
    )


def _licence(source: OrganisationState, code: str, zh: str, en: str, elements: Sequence[str]) -> Row:
    return "licence", LicenceTypeContent(code=code, name=both(zh, en), source=_source(source), elements=tuple(elements))


MONTHS: Final = both("个月", "months")
ELEMENTS: Final[tuple[Row, ...]] = (
    _element(POLICE, "person_name", "姓名", "Name"),
    _element(POLICE, "id_number", "公民身份号码", "Citizen identity number"),
    _element(POLICE, "birth_date", "出生日期", "Date of birth", "date"),
    _element(POLICE, "registered_address", "户籍地址", "Registered address"),
    _element(POLICE, "residence_address", "居住地址", "Address of residence"),
    _element(POLICE, "residence_months", "在本区连续居住的月数", "Months of residence here", "integer", MONTHS),
    _element(POLICE, "registered_here", "户口在本区", "Registered in this district", "boolean"),
    _element(POLICE, "residence_ground", "办居住证的理由", "Ground for a residence permit"),
    _element(
        POLICE, "rabies_vaccinated_on", "最近一次打狂犬病疫苗的日期", "Day of the last rabies vaccination", "date"
    ),
    _element(EDUCATION, "competition_held_on", "比赛日期", "Day of the competition", "date"),
    _element(CIVIL_AFFAIRS, "marital_status", "婚姻状况", "Marital status"),
    _element(LABOUR, "has_work", "现在有工作", "In work now", "boolean"),
    _element(LABOUR, "insured_months", "失业保险缴费月数", "Months of unemployment insurance", "integer", MONTHS),
    _element(MARKET, "uscc", "统一社会信用代码", "Unified social credit code"),
    _element(MARKET, "company_name", "单位名称", "Name of the organisation"),
    _element(HEALTH, "place_name", "场所名称", "Name of the place"),
    _element(HEALTH, "place_address", "经营场所地址", "Address of the place of business"),
    _element(HEALTH, "place_here", "经营场所在本区", "The place of business is in this district", "boolean"),
    _element(DEVELOPMENT, "project_here", "项目在本区", "The project is in this district", "boolean"),
    _element(
        DEVELOPMENT, "building_work", "要新建、扩建或者改建", "Something is built, extended or converted", "boolean"
    ),
    _element(CITY, "large_sign", "要设置大型户外广告", "A large outdoor advertisement is put up", "boolean"),
    _element(CITY, "owner_consents", "场地或建筑物所有人同意", "The owner of the land or building agrees", "boolean"),
    _element(HEALTH, "floor_area", "经营面积", "Floor space", "number", both("平方米", "square metres")),
    _element(DEVELOPMENT, "seriously_dishonest", "是不是严重失信主体", "Listed as seriously dishonest", "boolean"),
)
RESOURCES: Final[tuple[Row, ...]] = (
    _resource(
        POLICE,
        "101001/000001",
        "人口基础信息",
        "Population register",
        ("person_name", "id_number", "birth_date", "registered_address"),
        sharing="conditional",
        condition=both("办理政务服务事项时使用，每次查询都留下记录。", "For handling cases; each query is recorded."),
        base_register="population",
    ),
    _resource(
        MARKET,
        "102001/000001",
        "法人单位基础信息",
        "Register of legal persons",
        ("uscc", "company_name"),
        base_register="legal_persons",
    ),
    _resource(
        CITY, "103001/000001", "标准地址和门牌信息", "Addresses and house numbers", (), base_register="geography"
    ),
    _resource(
        DEVELOPMENT,
        "104001/000001",
        "公共信用信息",
        "Public credit information",
        ("seriously_dishonest",),
        base_register="credit",
    ),
)
LICENCES: Final[tuple[Row, ...]] = (
    _licence(POLICE, IDENTITY_CARD, "居民身份证", "Identity card", ("person_name", "id_number", "birth_date")),
    _licence(POLICE, RESIDENCE_CARD, "居住证", "Residence permit", ("person_name",)),
    _licence(MARKET, BUSINESS_LICENCE, "营业执照", "Business licence", ("uscc", "company_name")),
    _licence(HEALTH, HYGIENE_LICENCE, "公共场所卫生许可证", "Public-place hygiene permit", ("company_name",)),
)
REGISTER_ENTRIES: Final[tuple[Row, ...]] = (*ELEMENTS, *RESOURCES, *LICENCES)


async def load_registers(work: Work) -> None:
    """Enter those that are not there; what people have made of the others since stays."""
    wanted: dict[Register, list[str]] = {}
    for register, content in REGISTER_ENTRIES:
        wanted.setdefault(register, []).append(content.code)
    async with work:
        there = await work.registers.many(wanted)
        rows = [(number, *row) for number, row in enumerate(REGISTER_ENTRIES, 1) if (row[0], row[1].code) not in there]
        await take_in(rows, f"system:{Provenance.DEMO.value}", "", work)
