"""The catalogue's answers for the portal's pages: an item that says everything, a bundle, topics, a search."""

from typing import Any

from tests.gateway.applications import ITEM_NAME, ORGANISATION, item
from tests.gateway.world import World

CODE = "510123002000"
BUNDLE = "511690001000"
LICENCE = "11510000000000001X001"
HOLDER = {"id": "11510000000000002X", "name": {"zh": "市场监管局", "en": "Market Supervision Bureau"}}
NAMED = {
    "entries": [
        {
            "register": "licence",
            "code": LICENCE,
            "name": {"zh": "营业执照", "en": "Business licence"},
            "source": HOLDER,
        },
        {
            "register": "element",
            "code": "home_address",
            "name": {"zh": "住址", "en": "Address"},
            "source": ORGANISATION,
        },
    ],
    "known": [
        {"material": id_, "name": {"zh": "营业执照", "en": "Business licence"}, "source": HOLDER}
        for id_ in ("licence", "wanted")
    ],
}
QUESTIONS = [
    {
        "element": "lives_here",
        "name": {"zh": "您住在本区吗", "en": "Do you live here"},
        "data_type": "boolean",
        "unit": None,
    },
    {
        "element": "months",
        "name": {"zh": "住了多久", "en": "For how long"},
        "data_type": "integer",
        "unit": {"zh": "个月", "en": "months"},
    },
    {"element": "since", "name": {"zh": "哪天住下", "en": "Since when"}, "data_type": "date", "unit": None},
    {
        "element": "reason",
        "name": {"zh": "为什么住这里", "en": "Why here"},
        "data_type": "text",
        "unit": None,
        "options": ["work", {"value": "school", "name": {"zh": "上学", "en": "School"}}],
    },
]


def basis(law: str = "居住证暂行条例", article: str | None = "第九条", text: str | None = None) -> dict[str, Any]:
    return {"law": law, "article": article, "text": text}


def whole_item(**changed: Any) -> dict[str, Any]:
    """An item that says everything that a guide can say."""
    proof = item()["materials"][0] | {
        "id": "proof",
        "name": {"zh": "住处证明", "en": "Proof of residence"},
        "note": {"zh": "租房合同也行。", "en": None},
        "basis": basis(),
        "made_by": "organ",
        "issuer": {"zh": "房管部门", "en": "Housing authority"},
        "result_of": "510123009000",
        "licence_type": None,
        "elements": ["home_address"],
    }
    own = {
        "basis": None,
        "made_by": "applicant",
        "issuer": None,
        "result_of": None,
        "licence_type": None,
        "elements": [],
    }
    known = proof | {"id": "licence", "name": {"zh": "营业执照", "en": "Business licence"}, "required": False}
    known |= {"licence_type": LICENCE, "elements": [], "result_of": None, "basis": None, "note": None, "issuer": None}
    wanted = known | {"id": "wanted", "name": {"zh": "营业执照副本", "en": "Copy of it"}, "required": True}
    limit = {"amount": 20, "unit": "working_day", "note": None, "basis": basis("居住证暂行条例", "第十条")}
    return (
        item(
            kind="implementation",
            base=CODE,
            topics=["residence", "自选主题"],
            visits=1,
            visit_reason={"zh": "要当面核对本人。", "en": "You are checked in person."},
            visit_basis=basis("居民身份证法", "第十条"),
            channels=["window", "computer", "courier"],
            online_depth=3,
            offline_reason={"zh": "证件要当面领。", "en": None},
            fee={"charged": True, "note": {"zh": "每证 20 元", "en": "20 yuan"}, "basis": basis("价格法", None)},
            limits={"statutory": limit, "promised": limit | {"amount": 5, "basis": None}},
            conditions=[
                {"zh": "住满半年。", "en": "You have lived here for half a year.", "expression": "months >= 6"},
                {"zh": "信用良好。", "en": None, "expression": None},
            ],
            basis=[basis("居住证暂行条例", "第二条", "公民离开常住户口所在地，到其他城市居住半年以上。")],
            materials=[item()["materials"][0] | own, proof, known, wanted],
            steps=[
                {
                    "name": {"zh": "审查", "en": "Review"},
                    "text": {"zh": "派出所核对住址。", "en": "The police station checks your address."},
                    "post": {"zh": "户籍岗", "en": "Registry desk"},
                }
            ],
            results=[{"name": {"zh": "居住证", "en": "Residence permit"}, "licence_type": LICENCE}],
            cooperating=[HOLDER],
            contact={
                "phone": "0826-000 0201",
                "complaint_phone": "0826-000 0999",
                "address": {"zh": "北辰街道 1 号", "en": None},
                "hours": {"zh": "9:00–17:00", "en": None},
            },
            function=None,
            aliases=["OLD-CODE-1"],
            exemptions=[
                {
                    "rule": "known-to-network",
                    "field": "materials.wanted",
                    "reason": "系统还没有接通",
                    "until": "2027-06-30",
                }
            ],
            provenance="import",
            status="published",
            status_reason=None,
            current_version=3,
        )
        | changed
    )


def summary(**changed: Any) -> dict[str, Any]:
    """An item as a list has it."""
    kept = ("code", "name", "summary", "organisation", "division", "item_type", "subjects", "case_kind")
    found = {name: item()[name] for name in (*kept, "limits", "fee", "visits")}
    return found | {"version": 3, "kind": "implementation", "status": "published"} | changed


def bundle_summary() -> dict[str, Any]:
    name = {"zh": "开一家理发店", "en": "Open a hairdresser's"}
    return summary(
        code=BUNDLE, name=name, kind="bundle", item_type="", case_kind=None, limits={}, fee=None, visits=None
    )


def found(**changed: Any) -> dict[str, Any]:
    """A search's answer with everything."""
    return {
        "items": [summary(), bundle_summary()],
        "next": "more",
        "total": {"count": 10000, "more": True},
        "did_you_mean": "居住证",
        "facets": {
            "subject": [
                {"value": "person", "count": 9000, "more": False},
                {"value": "company", "count": 12, "more": False},
            ],
            "topic": [{"value": "residence", "count": 10000, "more": True}],
            "organisation": [{"value": ORGANISATION["id"], "label": ORGANISATION["name"], "count": 7, "more": False}],
            "item_type": [{"value": "01", "count": 5, "more": False}],
            "case_kind": [{"value": "immediate", "count": 3, "more": False}],
            "channel": [{"value": "computer", "count": 2, "more": False}],
            "free": [{"value": True, "count": 4, "more": False}],
            "no_visit": [{"value": "true", "count": 6, "more": False}],
        },
    } | changed


TOPICS = {
    "topics": [
        {"code": "residence", "name": {"zh": "户籍", "en": "Residence"}, "subject": "person", "items": 12},
        {"code": "empty", "name": {"zh": "空主题", "en": "Nothing"}, "subject": "person", "items": 0},
        {"code": "licensing", "name": {"zh": "准营准办", "en": "Licensing"}, "subject": "company", "items": 30},
    ],
    "life_events": [
        {"code": "birth", "name": {"zh": "出生", "en": "Birth"}, "subject": "person", "items": 3},
        {"code": "founding", "name": {"zh": "开办", "en": "Founding"}, "subject": "company", "items": 4},
    ],
}


def bundle(**changed: Any) -> dict[str, Any]:
    """A bundle's guide: the licence first, then the sign; who lives here needs no permit."""
    names = {
        CODE: ITEM_NAME,
        "B": {"zh": "营业执照", "en": "Business licence"},
        "C": {"zh": "门头招牌", "en": "Shop sign"},
        "D": {"zh": "旧的备案", "en": None},
    }
    when = {"zh": "不是本地人的时候", "en": "If you are not from here"}
    order = [
        ("B", None, (), "published"),
        (CODE, when, (), "published"),
        ("C", None, ("B",), "suspended"),
        ("D", None, (), None),
    ]
    steps = [
        {"code": code, "name": names[code], "when_text": text, "after": list(after), "status": status}
        for code, text, after, status in order
    ]
    bring = [
        {
            "name": {"zh": "身份证明", "en": "Proof of identity"},
            "note": None,
            "required": True,
            "for": ["B", CODE],
            "known_by": None,
        },
        {
            "name": {"zh": "证件照", "en": "Photo"},
            "note": {"zh": "白底", "en": None},
            "required": True,
            "for": [CODE],
            "known_by": None,
        },
        {
            "name": {"zh": "营业执照", "en": "Business licence"},
            "note": None,
            "required": False,
            "for": ["C"],
            "known_by": {"code": LICENCE, "name": names["B"], "source": HOLDER},
        },
    ]
    return {
        "code": BUNDLE,
        "bundle_version": 2,
        "name": {"zh": "开一家理发店", "en": "Open a hairdresser's"},
        "summary": {"zh": "从执照到招牌。", "en": None},
        "organisation": HOLDER,
        "division": "511602000000",
        "subjects": ["company"],
        "topics": [],
        "members": [{"code": each["code"], "name": each["name"], "when": None} for each in steps],
        "shared_fields": ["home_address"],
        "shared_materials": [],
        "published_at": "2026-11-01T00:00:00+00:00",
        "status": "published",
        "status_reason": "",
        "items": [
            summary(),
            summary(code="B", name=names["B"]),
            summary(code="C", name=names["C"], status="suspended"),
        ],
        "steps": steps,
        "bring": bring,
        "asked_once": [{"element": "home_address", "name": {"zh": "住址", "en": "Address"}, "for": ["B", CODE]}],
        "questions": QUESTIONS[:1],
    } | changed


def fill_catalogue(world: World) -> None:
    """The catalogue as the pages meet it."""
    on = world.services.on
    nothing = {"items": [], "next": None, "total": {"count": 0, "more": False}, "facets": {}, "did_you_mean": "居住证"}
    on("catalog", "GET", "/items", lambda call: nothing if "%E6%B2%A1%E6%9C%89" in call.query else found())
    on("catalog", "GET", f"/items/{CODE}(/versions/3)?", whole_item())
    before = whole_item(item_version=2, name=ITEM_NAME | {"zh": "居住证申领"}, materials=item()["materials"], visits=2)
    on("catalog", "GET", f"/items/{CODE}/versions/2", before)
    on("catalog", "GET", f"/items/{CODE}/versions/1", before | {"item_version": 1})
    on("catalog", "GET", "/topics", TOPICS)
    on("catalog", "GET", f"/bundles/{BUNDLE}", bundle())
    told = [{"code": code, "name": ITEM_NAME, "applies": so} for code, so in (("B", True), (CODE, False), ("C", None))]
    on("catalog", "POST", f"/bundles/{BUNDLE}/eligibility", {"members": told})
    on("catalog", "GET", "/bundles", {"items": [bundle_summary()], "next": None})
    on(
        "catalog",
        "GET",
        "/suggest",
        {"suggestions": [{"text": "居住证办理", "code": CODE}, {"text": "居住", "code": None}]},
    )
    on("catalog", "GET", f"/items/{CODE}/named", NAMED)
    conditions = [
        {"zh": "住满半年。", "en": None, "checkable": True},
        {"zh": "信用良好。", "en": None, "checkable": False},
    ]
    on("catalog", "GET", f"/items/{CODE}/eligibility", {"questions": QUESTIONS, "conditions": conditions})
    outcome = [conditions[0] | {"outcome": "met"}, conditions[1] | {"outcome": "not_checkable"}]
    on("catalog", "POST", f"/items/{CODE}/eligibility", {"outcome": "eligible", "conditions": outcome})
