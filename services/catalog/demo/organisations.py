"""The demonstration district's organisations, and how their items are put together."""

from typing import Any, Final

from services.catalog.domain.codes import base_code, implementation_code, mint_uscc
from services.catalog.domain.items import ItemContent
from services.catalog.domain.organisations import OrganisationState
from services.contracts.base import Text
from services.contracts.catalog_items import Condition, Contact, Organisation, Step

DISTRICT: Final = "511602000000"
_COUNTY_LEVEL: Final = 4
_COMPLAINTS: Final = "12345"


def _organisation(number: int, zh: str, en: str) -> OrganisationState:
    uscc = mint_uscc("11", DISTRICT[:6], f"TB{number:06d}")
    name = Text(zh=f"示例区{zh}", en=f"Demo District {en}")
    return OrganisationState(uscc, name, DISTRICT, uscc, level=_COUNTY_LEVEL)


HEALTH: Final = _organisation(1, "卫生健康局", "Health Bureau")
POLICE: Final = _organisation(2, "公安分局", "Public Security Bureau")
EDUCATION: Final = _organisation(3, "教育科技和体育局", "Education, Science and Sports Bureau")
DEVELOPMENT: Final = _organisation(4, "发展和改革局", "Development and Reform Bureau")
CIVIL_AFFAIRS: Final = _organisation(5, "民政局", "Civil Affairs Bureau")
LABOUR: Final = _organisation(6, "人力资源和社会保障局", "Human Resources and Social Security Bureau")
CITY: Final = _organisation(7, "综合行政执法局", "Urban Administration Bureau")
ORGANISATIONS: Final = (HEALTH, POLICE, EDUCATION, DEVELOPMENT, CIVIL_AFFAIRS, LABOUR, CITY)

HOURS: Final = Text(zh="工作日 9:00–12:00，13:00–17:00", en="Working days 9:00–12:00 and 13:00–17:00")
HALL: Final = Text(zh="示例区政务服务中心一楼综合窗口", en="Demo District Service Hall, ground floor, any counter")

ONLINE: Final = Text(
    zh="网上、自助机、任何一个窗口都行，填到一半可以换地方接着填。",
    en="Online, at a kiosk or at any counter. Begin in one place and go on in another.",
)
INTAKE: Final = Text(
    zh="5 个工作日内一次说清缺什么；没有回音，就算已经受理。",
    en="Within 5 working days we tell you once all that is missing; if you hear nothing, your case is accepted.",
)
DECISION: Final = Text(
    zh="给您盖章的决定书。不批准会写明理由，以及怎样复议和起诉。",
    en="You get a sealed decision. A refusal gives the reasons and how to have it reviewed or go to court.",
)


def steps(review: Text, delivery: Text, *, intake: Text = INTAKE, decision: Text = DECISION) -> tuple[Step, ...]:
    """The five steps of every case, told for this item."""
    names = (("申请", "Apply"), ("受理", "Intake"), ("审查", "Review"), ("决定", "Decision"), ("送达", "Delivery"))
    texts = (ONLINE, intake, review, decision, delivery)
    return tuple(Step(name=Text(zh=zh, en=en), text=text) for (zh, en), text in zip(names, texts, strict=True))


def item(
    organisation: OrganisationState, number: tuple[str, str, int], name: tuple[str, str], *, phone: str, **fields: Any
) -> ItemContent:
    """An item of one of the district's organisations; `number` is item type, department class and sequence."""
    item_type, department, sequence = number
    base = base_code(DISTRICT[:2], item_type, department, sequence)
    return ItemContent(
        code=implementation_code(organisation.id, _COUNTY_LEVEL, base),
        code_system="gb-31",
        name=Text(zh=name[0], en=name[1]),
        organisation=Organisation(id=organisation.id, name=organisation.name),
        division=organisation.division,
        item_type=item_type,
        contact=Contact(phone=phone, complaint_phone=_COMPLAINTS, address=HALL, hours=HOURS),
        **fields,
    )


def both(zh: str, en: str) -> Text:
    """A text in both languages."""
    return Text(zh=zh, en=en)


def condition(zh: str, en: str, expression: str | None = None) -> Condition:
    """A condition in both languages and, where it can be said so, as a CEL expression over data elements."""
    return Condition(zh=zh, en=en, expression=expression)
