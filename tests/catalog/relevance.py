"""A small catalogue whose answers are known: items, and for what people type the item that must come first."""

from collections.abc import Sequence
from typing import Any, Final

from services.catalog.demo.for_people import RESIDENCE_PERMIT
from services.catalog.demo.organisations import EDUCATION, ORGANISATIONS, POLICE
from services.catalog.domain.form import standard_form
from services.catalog.domain.items import ItemContent, Provenance
from services.catalog.domain.search.dictionary import read_name
from services.catalog.handlers import organisations, publishing
from services.catalog.indexer import Indexer, Reader
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.contracts.catalog_items import Fee, Organisation
from services.kit.service import Context

_NAMES: Final = (
    ("居住证办理", "Residence permit", "person", ("household",)),
    ("居民身份证补领", "Replacement of an identity card", "person", ("household",)),
    ("户口迁移登记", "Change of registered residence", "person", ("household",)),
    ("出生登记", "Registration of a birth", "person", ("household", "birth")),
    ("犬类准养登记", "Dog registration", "person", ()),
    ("公共场所卫生许可（新办）", "Hygiene licence for a public place", "company", ("operation",)),
    ("食品经营许可", "Food business licence", "company", ("operation",)),
    ("食品经营许可变更", "Change of a food business licence", "company", ("operation", "change")),
    ("道路运输经营许可", "Road transport licence", "company", ("operation",)),
    ("道路货物运输驾驶员从业资格", "Qualification of lorry drivers", "person", ("qualification",)),
    ("机动车驾驶证换领", "Renewal of a driving licence", "person", ()),
    ("失业登记", "Registration of unemployment", "person", ("employment",)),
    ("失业保险金申领", "Unemployment benefit", "person", ("social-security",)),
    ("高龄津贴申领", "Allowance for the aged", "person", ("social-security",)),
    ("最低生活保障审核确认", "Minimum living allowance", "person", ("social-security",)),
    ("企业设立登记", "Registration of a company", "company", ("registration",)),
    ("企业注销登记", "Deregistration of a company", "company", ("change",)),
    ("个体工商户登记", "Registration of a sole trader", "company", ("registration",)),
    ("教师资格认定", "Teacher qualification", "person", ("education",)),
    ("义务教育入学", "Enrolment in compulsory education", "person", ("education",)),
    ("不动产转移登记", "Transfer of real estate", "person", ("housing",)),
    ("住房公积金提取", "Withdrawal from the housing fund", "person", ("housing",)),
    ("结婚登记", "Registration of a marriage", "person", ("household",)),
    ("户外广告设置审批", "Permit for outdoor advertising", "company", ("operation",)),
    ("药品零售经营许可", "Licence to sell medicines", "company", ("operation",)),
    ("重庆小面技能补贴", "Subsidy for cooks", "person", ("employment",)),
)
_TOLD: Final = {
    "犬类准养登记": "养犬的人给狗办的登记。",
    "户外广告设置审批": "设置大型户外广告牌之前申请，道路两旁的也要。",
    "义务教育入学": "适龄儿童上小学，要带出生医学证明。",
    "食品经营许可": "开饭店、卖吃的，都要先有这个许可。",
    "高龄津贴申领": "年满80岁的老人，每月有津贴。",
}

MEANT: Final[dict[str, str | None]] = {
    # Chinese
    "居住证": "居住证办理",
    "身份证": "居民身份证补领",
    "怎么办理居住证": "居住证办理",
    "我想办居住证": "居住证办理",
    "食品经营许可": "食品经营许可",
    "食品许可": "食品经营许可",
    "变更食品经营许可": "食品经营许可变更",
    "驾驶": "机动车驾驶证换领",
    "犬": "犬类准养登记",
    "养犬登记": "犬类准养登记",
    "小学": "义务教育入学",
    "失业保险": "失业保险金申领",
    # Width, case, spaces, punctuation
    "公共场所卫生许可(新办)": "公共场所卫生许可（新办）",
    "ＤＯＧ registration": "犬类准养登记",
    "  居住  证 ": "居住证办理",
    "“居住证”？": "居住证办理",
    # Several words, in any order
    "登记 企业": "企业设立登记",
    "许可 道路": "道路运输经营许可",
    "注销 企业 登记": "企业注销登记",
    "80岁 津贴": "高龄津贴申领",
    # Pinyin, together and by syllables, and initials
    "juzhuzheng": "居住证办理",
    "JuZhuZheng": "居住证办理",
    "ju zhu zheng": "居住证办理",
    "jiaoshizige": "教师资格认定",
    "chongqing": "重庆小面技能补贴",
    "jzz": "居住证办理",
    "gjj": "住房公积金提取",
    "jszg": "教师资格认定",
    # Mixed
    "食品jingying": "食品经营许可",
    "shipin许可": "食品经营许可",
    "marriage 登记": "结婚登记",
    # English
    "residence permit": "居住证办理",
    "how do I apply for a driving licence": "机动车驾驶证换领",
    "company registration": "企业设立登记",
    "unemployment benefit": "失业保险金申领",
    # People's words
    "狗证": "犬类准养登记",
    "理发店": "公共场所卫生许可（新办）",
    "低保": "最低生活保障审核确认",
    "老人补贴": "高龄津贴申领",
    "房产证": "不动产转移登记",
    "开公司": "企业设立登记",
    "个体户": "个体工商户登记",
    "招牌": "户外广告设置审批",
    "驾照": "机动车驾驶证换领",
    "落户": "户口迁移登记",
    # Typing mistakes: sounds alike, wrong, missing, doubled, swapped
    "居住正": "居住证办理",
    "失叶登记": "失业登记",
    "公鸡金": "住房公积金提取",
    "教师资各": "教师资格认定",
    "不动产转义": "不动产转移登记",
    "驾使证": "机动车驾驶证换领",
    "机动驾车驶证": "机动车驾驶证换领",
    "residense": "居住证办理",
    "unemploymnet": "失业保险金申领",
    "juzhuzhegn": "居住证办理",
    # Nothing is about it
    "护照": None,
    "xyzzy": None,
    "100%": None,
    # Hostile
    "'; DROP TABLE items; --": None,
    '" OR rowid:1 NEAR(居住': None,
    "words:* AND NOT ^x": None,
    "居住:* & !证 | (": "居住证办理",
    "\\'\\": None,
    "％_": None,
    "？！。、": None,
    "": "犬类准养登记",
    "居" * 100: None,
    "\U00020000\U0002a700": None,
    "\ue000居住 \ue001a": "居住证办理",
}
"""What people type and the item that must come first; None where nothing may be found."""


async def read_here(names: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """The dictionaries without a process of their own: they are loaded once for all tests."""
    return [{**read_name(*name), "name": name[0]} for name in names]


async def fill(context: Context, read: Reader = read_here) -> Indexer:
    """Publish the items, put the synonyms in, read the names."""
    indexer = Indexer(context, read)
    await indexer.load_synonyms()
    async with Work(context) as work:
        await organisations.register_organisations(ORGANISATIONS, Provenance.DEMO, work)
        await publishing.publish_items(contents(), Provenance.IMPORT, work)
    assert await indexer.drain() == len(contents())
    return indexer


def contents() -> list[ItemContent]:
    return [
        RESIDENCE_PERMIT.model_copy(
            update={
                "code": f"LEGACY-{number:03d}",
                "code_system": "legacy",
                "name": Text(zh=zh, en=en),
                "summary": Text(zh=_TOLD[zh]) if zh in _TOLD else None,
                "organisation": Organisation(id=of.id, name=of.name),
                "subjects": (subject,),
                "topics": topics,
                "conditions": (),
                "materials": (),
                "results": (),
                "fee": Fee(charged=number % 2 == 1),
                "visits": number % 3,
                "form": standard_form(("person",)),
            }
        )
        for number, (zh, en, subject, topics) in enumerate(_NAMES)
        for of in ((EDUCATION if "education" in topics else POLICE),)
    ]
