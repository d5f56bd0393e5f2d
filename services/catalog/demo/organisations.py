"""The demonstration district's organisations, and how their items are put together."""

from typing import Any, Final

from services.catalog.domain.codes import base_code, implementation_code, mint_uscc
from services.catalog.domain.items import ItemContent
from services.catalog.domain.organisations import OrganisationState
from services.contracts.base import Text
from services.contracts.catalog_items import Basis, Channel, Condition, Contact, Organisation, Step
from services.contracts.catalog_organisations import Function

DISTRICT: Final = "511602000000"
_COUNTY_LEVEL: Final = 4
_COMPLAINTS: Final = "12345"
REGION: Final = DISTRICT[:2]

# Base codes of the demonstration's items: item type, class of the department, sequence.
HYGIENE_BASE: Final = base_code(REGION, "01", "23", 2)
RESIDENCE_BASE: Final = base_code(REGION, "07", "09", 1)
DOG_BASE: Final = base_code(REGION, "01", "09", 2)
ATHLETE_BASE: Final = base_code(REGION, "07", "33", 3)
ALLOWANCE_BASE: Final = base_code(REGION, "05", "11", 4)
UNEMPLOYMENT_BASE: Final = base_code(REGION, "20", "14", 5)
INVESTMENT_BASE: Final = base_code(REGION, "10", "04", 1)
BILLBOARD_BASE: Final = base_code(REGION, "01", "17", 3)
WATER_BASE: Final = base_code(REGION, "20", "61", 1)
KEPT_BY_THE_PROVINCE: Final = frozenset({HYGIENE_BASE, RESIDENCE_BASE, ALLOWANCE_BASE})
"""Base items that the demonstration has; those of the others are nobody's yet."""


def _organisation(
    number: int, zh: str, en: str, *functions: Function, pair: str = "11", **fields: Any
) -> OrganisationState:
    uscc = mint_uscc(pair, DISTRICT[:6], f"TB{number:06d}")
    name = Text(zh=f"示例区{zh}", en=f"Demo District {en}")
    known = {"level": _COUNTY_LEVEL, "parent": GOVERNMENT.id} if number != _GOVERNMENT else {"level": _COUNTY_LEVEL}
    return OrganisationState(uscc, name, DISTRICT, uscc, functions=functions, **known | fields)


def _function(
    id_: str, zh: str, en: str, law: str, article: str | None, *items: str, reason: tuple[str, str] | None = None
) -> Function:
    why = Text(zh=reason[0], en=reason[1]) if reason else None
    return Function(id=id_, name=Text(zh=zh, en=en), basis=Basis(law=law, article=article), items=items, reason=why)


_GOVERNMENT: Final = 20
GOVERNMENT: Final = _organisation(_GOVERNMENT, "人民政府", "Government")
HEALTH: Final = _organisation(
    1,
    "卫生健康局",
    "Health Bureau",
    _function(
        "public-places", "公共场所卫生监督", "Hygiene of public places", "公共场所卫生管理条例", "第三条", HYGIENE_BASE
    ),
    _function(
        "health-education",
        "健康教育",
        "Health education",
        "中华人民共和国基本医疗卫生与健康促进法",
        "第六十七条",
        reason=("面向所有人开展，不用申请。", "It is for everybody, and nobody applies for it."),
    ),
)
POLICE: Final = _organisation(
    2,
    "公安分局",
    "Public Security Bureau",
    _function("residence", "居住证管理", "Residence permits", "居住证暂行条例", "第八条", RESIDENCE_BASE),
    _function("dogs", "养犬管理", "Dogs", "示例区养犬登记办法", "第三条", DOG_BASE),
)
EDUCATION: Final = _organisation(
    3,
    "教育科技和体育局",
    "Education, Science and Sports Bureau",
    _function("athletes", "运动员技术等级管理", "Grades of athletes", "运动员技术等级管理办法", None, ATHLETE_BASE),
)
DEVELOPMENT: Final = _organisation(
    4,
    "发展和改革局",
    "Development and Reform Bureau",
    _function(
        "investment",
        "企业投资项目备案",
        "Filing of investment projects",
        "企业投资项目核准和备案管理条例",
        "第三条",
        INVESTMENT_BASE,
    ),
)
CIVIL_AFFAIRS: Final = _organisation(
    5,
    "民政局",
    "Civil Affairs Bureau",
    _function(
        "elderly", "老年人福利", "Welfare of old people", "中华人民共和国老年人权益保障法", "第三十三条", ALLOWANCE_BASE
    ),
)
LABOUR: Final = _organisation(
    6,
    "人力资源和社会保障局",
    "Human Resources and Social Security Bureau",
    _function(
        "employment",
        "公共就业服务",
        "Public employment services",
        "中华人民共和国就业促进法",
        "第三十五条",
        UNEMPLOYMENT_BASE,
        base_code(REGION, "20", "14", 6),
    ),
)
CITY: Final = _organisation(
    7,
    "综合行政执法局",
    "Urban Administration Bureau",
    _function(
        "advertisements",
        "户外广告设置管理",
        "Outdoor advertisements",
        "城市市容和环境卫生管理条例",
        "第十一条",
        BILLBOARD_BASE,
    ),
)
MARKET: Final = _organisation(
    8,
    "市场监督管理局",
    "Market Regulation Bureau",
    _function(
        "registration",
        "经营主体登记",
        "Registration of businesses",
        "中华人民共和国市场主体登记管理条例",
        "第五条",
        reason=("在省级平台统一登记。", "Businesses register on the province's platform."),
    ),
)
WATER: Final = _organisation(
    9,
    "自来水公司",
    "Water Company",
    _function("supply", "供水服务", "Water supply", "城市供水条例", "第二十条", WATER_BASE),
    pair="91",
    kind="enterprise",
)
ORGANISATIONS: Final = (
    GOVERNMENT,
    HEALTH,
    POLICE,
    EDUCATION,
    DEVELOPMENT,
    CIVIL_AFFAIRS,
    LABOUR,
    CITY,
    MARKET,
    WATER,
)

# Licence types: the defining organisation's USCC and three digits.
IDENTITY_CARD: Final = f"{POLICE.id}001"
RESIDENCE_CARD: Final = f"{POLICE.id}002"
BUSINESS_LICENCE: Final = f"{MARKET.id}001"
HYGIENE_LICENCE: Final = f"{HEALTH.id}001"

HOURS: Final = Text(zh="工作日 9:00–12:00，13:00–17:00", en="Working days 9:00–12:00 and 13:00–17:00")
HALL: Final = Text(zh="示例区政务服务中心一楼综合窗口", en="Demo District Service Hall, ground floor, any counter")

# 接办分离: who takes a case in does not decide it, and one place hands the results out (统一出件).
_COUNTER: Final = Text(zh="综合窗口", en="General counter")
_HEAD: Final = Text(zh="分管负责人", en="Head in charge")
_DELIVERY: Final = Text(zh="出件窗口", en="Delivery counter")
CHANNELS: Final[tuple[Channel, ...]] = ("window", "computer", "mobile", "kiosk")

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


def steps(
    review: Text,
    delivery: Text,
    *,
    section: tuple[str, str],
    intake: Text = INTAKE,
    decision: Text = DECISION,
) -> tuple[Step, ...]:
    """The five steps of every case, told for this item; `section` is the post (岗位) that reviews."""
    names = (("申请", "Apply"), ("受理", "Intake"), ("审查", "Review"), ("决定", "Decision"), ("送达", "Delivery"))
    texts = (ONLINE, intake, review, decision, delivery)
    posts = (None, _COUNTER, Text(zh=section[0], en=section[1]), _HEAD, _DELIVERY)
    return tuple(
        Step(name=Text(zh=zh, en=en), text=text, post=post)
        for (zh, en), text, post in zip(names, texts, posts, strict=True)
    )


def item(
    organisation: OrganisationState, number: tuple[str, str, int], name: tuple[str, str], *, phone: str, **fields: Any
) -> ItemContent:
    """An item of one of the district's organisations; `number` is item type, department class and sequence."""
    item_type, department, sequence = number
    base = base_code(REGION, item_type, department, sequence)
    function = next((each.id for each in organisation.functions if base in each.items), None)
    return ItemContent(
        code=implementation_code(organisation.id, _COUNTY_LEVEL, base),
        code_system="gb-31",
        base=base if base in KEPT_BY_THE_PROVINCE else None,
        function=function,
        name=Text(zh=name[0], en=name[1]),
        organisation=Organisation(id=organisation.id, name=organisation.name),
        division=organisation.division,
        item_type=item_type,
        contact=Contact(phone=phone, complaint_phone=_COMPLAINTS, address=HALL, hours=HOURS),
        **{"channels": CHANNELS, **fields},
    )


def both(zh: str, en: str) -> Text:
    """A text in both languages."""
    return Text(zh=zh, en=en)


def condition(zh: str, en: str, expression: str | None = None) -> Condition:
    """A condition in both languages and, where it can be said so, as a CEL expression over data elements."""
    return Condition(zh=zh, en=en, expression=expression)
