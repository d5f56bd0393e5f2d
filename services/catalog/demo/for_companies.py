"""Demonstration items for companies and other organisations."""

from typing import Final

from services.catalog.demo.organisations import CITY, DEVELOPMENT, HEALTH, HYGIENE_LICENCE, both, condition, item, steps
from services.catalog.domain.form import applicant_pages, behind, choice, date, form, number, page, text
from services.contracts.catalog_items import Basis, Fee, Limit, Limits, Material, Result

_HYGIENE_PAPERS: Final = Basis(law="公共场所卫生管理条例实施细则", article="第二十三条")

HYGIENE_PERMIT: Final = item(
    HEALTH,
    ("01", "23", 2),
    ("公共场所卫生许可（新办）", "Public-place hygiene permit (new)"),
    phone="0826-000 0101",
    summary=both(
        "开理发店、美容店、旅馆、浴室、游泳馆之前要办的许可。办下来四年有效。",
        "Needed before you open a barber's, beauty shop, hotel, bathhouse or swimming pool. Valid for four years.",
    ),
    subjects=("company",),
    case_kind="promised",
    limits=Limits(
        statutory=Limit(amount=20),
        promised=Limit(amount=8, note=both("检测和专家评审的时间不计入", "Testing and expert review are not counted")),
    ),
    fee=Fee(charged=False, note=both("检测费由检测机构收", "The laboratory charges for its tests")),
    visits=0,
    topics=("operation", "qualification"),
    online_depth=4,
    conditions=(
        condition(
            "有营业执照的企业或个体工商户，经营范围里有这类场所。",
            "A company or sole trader whose business licence covers this kind of place.",
        ),
        condition("场所在本区。", "The place is in this district.", "place_here"),
        condition(
            "卫生检测合格，从业人员有健康证。", "The hygiene tests are passed and the staff hold health certificates."
        ),
    ),
    basis=(
        Basis(law="公共场所卫生管理条例", article="第四条"),
        Basis(law="公共场所卫生管理条例实施细则", article="第二十二条"),
        Basis(law="中华人民共和国行政许可法", article="第四十二条"),
    ),
    results=(Result(name=both("公共场所卫生许可证", "Public-place hygiene permit"), licence_type=HYGIENE_LICENCE),),
    materials=(
        Material(
            id="floor-plan",
            name=both("场所平面图", "Floor plan"),
            note=both("手画的也行，标出各区域和面积。", "A drawing by hand will do; mark the rooms and their size."),
            required=True,
            basis=_HYGIENE_PAPERS,
            made_by="applicant",
        ),
        Material(
            id="site-sketch",
            name=both("地址方位示意图", "Sketch of where the place is"),
            note=both("和平面图画在一张纸上的，不用另交。", "Not needed where the floor plan shows it."),
            required=False,
            basis=_HYGIENE_PAPERS,
            made_by="applicant",
        ),
        Material(
            id="test-report",
            name=both("卫生检测报告", "Hygiene test report"),
            note=both(
                "一年以内，有检测资质的机构出具。没有也可以先申请，检测的时间不算在办理时限里。",
                "At most a year old, from a qualified laboratory. You may apply before you have it.",
            ),
            required=False,
            basis=_HYGIENE_PAPERS,
            made_by="organ",
            issuer=both("有资质的检测机构", "A qualified laboratory"),
            media_types=("application/pdf",),
        ),
    ),
    steps=steps(
        both(
            "看材料，必要时到现场看一次，两名以上工作人员一起来，会先约时间。",
            "We read your papers and, where needed, come once to see the place, two officers or more, by appointment.",
        ),
        both(
            "电子证照当天可用；纸质证照 10 个工作日内寄到。",
            "The electronic permit is usable at once; paper in 10 working days.",
        ),
        section=("卫生监督岗", "Health inspection desk"),
    ),
    form=form(
        [
            *applicant_pages(("company",)),
            page(
                "place",
                "您的场所",
                "Your place",
                {
                    "place_name": behind(
                        "place_name", text("店名", "Name of the place", hint=("招牌上的名字。", "As on the sign."))
                    ),
                    "address": behind(
                        "place_address", text("地址", "Address", longest=200, autocomplete="street-address")
                    ),
                    "place_kind": choice(
                        "类型",
                        "Kind",
                        {
                            "hotel": ("旅馆、民宿", "Hotel or guest house"),
                            "barber": ("理发店", "Barber's"),
                            "beauty": ("美容店", "Beauty shop"),
                            "bath": ("浴室", "Bathhouse"),
                            "pool": ("游泳馆", "Swimming pool"),
                            "other": ("其他", "Other"),
                        },
                        widget="select",
                    ),
                },
            ),
            page(
                "operation",
                "怎么经营",
                "How it runs",
                {
                    "area": behind(
                        "floor_area",
                        number("经营面积（平方米）", "Floor space (square metres)", least=1, most=1_000_000),
                    ),
                    "staff": number("从业人数", "Number of staff", least=1, most=10_000),
                    "opening": date("打算哪天开业", "When you mean to open"),
                    "air": choice(
                        "有没有集中空调",
                        "Central air conditioning",
                        {"yes": ("有", "Yes"), "no": ("没有", "No")},
                    ),
                },
            ),
        ]
    ),
)

INVESTMENT: Final = item(
    DEVELOPMENT,
    ("10", "04", 1),
    ("企业投资项目备案", "Filing of an investment project"),
    phone="0826-000 0401",
    summary=both(
        "不在核准目录里的企业投资项目，开工前在网上告知项目信息，当天拿到备案号。",
        "Projects outside the approval list are filed online before work begins; the number comes the same day.",
    ),
    subjects=("company",),
    case_kind="immediate",
    limits=Limits(promised=Limit(amount=1)),
    fee=Fee(charged=False),
    visits=0,
    topics=("investment",),
    online_depth=4,
    results=(Result(name=both("企业投资项目备案证明", "Certificate of filing")),),
    conditions=(
        condition("项目在本区。", "The project is in this district.", "project_here"),
        condition("不在政府核准的投资项目目录里。", "It is not on the list of projects that need approval."),
        condition("不属于国家禁止投资的项目。", "The project is of no prohibited kind."),
    ),
    basis=(Basis(law="企业投资项目核准和备案管理条例", article="第十三条"),),
    steps=steps(
        both(
            "核对项目是不是该备案、产业政策是不是允许。",
            "We check that filing is what is needed and that policy allows it.",
        ),
        both("备案证明可以在办件页下载。", "Download the certificate from your case page."),
        section=("投资管理岗", "Investment desk"),
        intake=both("信息填全，即视为收到备案。", "The filing counts as received once all is filled in."),
    ),
    form=form(
        [
            *applicant_pages(("company",)),
            page(
                "project",
                "项目是什么",
                "The project",
                {
                    "project_name": text("项目名称", "Name of the project"),
                    "location": behind("place_address", text("建设地点", "Location", longest=200)),
                    "nature": choice(
                        "建设性质",
                        "Nature",
                        {
                            "new": ("新建", "New"),
                            "extension": ("扩建", "Extension"),
                            "conversion": ("改建", "Conversion"),
                            "upgrade": ("技术改造", "Technical upgrade"),
                        },
                    ),
                },
            ),
            page(
                "scale",
                "规模和时间",
                "Size and time",
                {
                    "content": text(
                        "建设规模和内容",
                        "What is built and how large",
                        widget="textarea",
                        longest=2000,
                        hint=("用地、建筑面积、主要设备、产能。", "Land, floor space, main equipment, capacity."),
                    ),
                    "investment": number("总投资（万元）", "Total investment (10,000 yuan)", least=1, most=100_000_000),
                    "start": date("计划开工日期", "Planned start"),
                    "end": date("计划建成日期", "Planned completion"),
                },
            ),
            page(
                "declaration",
                "声明",
                "Declaration",
                {
                    "declared": choice(
                        "我声明上面的内容真实，项目符合产业政策",
                        "I declare that this is true and that the project complies with industrial policy",
                        {"yes": ("我声明", "I declare so")},
                    )
                },
            ),
        ]
    ),
)

BILLBOARD: Final = item(
    CITY,
    ("01", "17", 3),
    ("设置大型户外广告审批", "Permit for a large outdoor advertisement"),
    phone="0826-000 0701",
    summary=both(
        "在城区立广告牌、电子屏，或者在楼面上做大幅广告之前要办。",
        "Needed before you put up a billboard, an electronic screen or a large advertisement on a building.",
    ),
    subjects=("company",),
    case_kind="promised",
    limits=Limits(statutory=Limit(amount=20), promised=Limit(amount=7)),
    fee=Fee(charged=False),
    visits=1,
    visit_reason=both(
        "两名以上工作人员到现场看位置，需要您或同事带路。",
        "Two officers or more look at the place, and somebody has to show it to them.",
    ),
    visit_basis=Basis(law="中华人民共和国行政许可法", article="第三十四条"),
    topics=("operation",),
    online_depth=3,
    results=(Result(name=both("户外广告设置许可决定书", "Permit for the advertisement")),),
    conditions=(
        condition("位置符合户外广告设置规划。", "The place agrees with the plan for outdoor advertising."),
        condition("征得场地或建筑物所有人同意。", "The owner of the land or building agrees.", "owner_consents"),
        condition("结构安全，不挡交通标志和消防通道。", "It is safe and hides no traffic sign or fire exit."),
    ),
    basis=(
        Basis(law="城市市容和环境卫生管理条例", article="第十一条"),
        Basis(law="中华人民共和国行政许可法", article="第四十二条"),
    ),
    materials=(
        Material(
            id="design",
            name=both("设计图和效果图", "Design drawing and impression"),
            note=both("标明尺寸、材料、位置。", "With sizes, materials and place."),
            required=True,
            basis=Basis(law="城市市容和环境卫生管理条例", article="第十一条"),
            made_by="applicant",
            max_files=8,
        ),
        Material(
            id="site-sketch",
            name=both("地址方位示意图", "Sketch of where the place is"),
            note=both("设计图里画了位置的，不用另交。", "Not needed where the design drawing shows it."),
            required=False,
            basis=Basis(law="城市市容和环境卫生管理条例", article="第十一条"),
            made_by="applicant",
        ),
        Material(
            id="consent",
            name=both("场地或建筑物所有人同意的证明", "Consent of the owner of the land or building"),
            note=both("自己的场地不用交。", "Not needed for your own property."),
            required=False,
            basis=Basis(law="中华人民共和国民法典", article="第二百四十条"),
            made_by="organ",
            issuer=both("场地或建筑物所有人", "Owner of the land or building"),
        ),
    ),
    steps=steps(
        both(
            "到现场看一次位置，请您或同事带路；这就是要跑的那一次。",
            "We look at the place once and ask you or a colleague to be there: this is the one visit.",
        ),
        both("许可决定书和电子证照在办件页下载。", "Download the decision and the permit from your case page."),
        section=("市容管理岗", "Cityscape desk"),
    ),
    form=form(
        [
            *applicant_pages(("company",)),
            page(
                "sign",
                "广告是什么样的",
                "The advertisement",
                {
                    "sign_kind": choice(
                        "形式",
                        "Kind",
                        {
                            "board": ("广告牌", "Billboard"),
                            "screen": ("电子屏", "Electronic screen"),
                            "wall": ("楼面广告", "On a building"),
                            "other": ("其他", "Other"),
                        },
                    ),
                    "width": number("宽（厘米）", "Width (cm)", least=1, most=20_000),
                    "height": number("高（厘米）", "Height (cm)", least=1, most=20_000),
                    "content": text("内容", "Content", widget="textarea", longest=1000),
                },
            ),
            page(
                "site",
                "立在哪里、立多久",
                "Where and for how long",
                {
                    "location": text("位置", "Location", longest=200),
                    "from_day": date("从哪天", "From"),
                    "to_day": date("到哪天", "To"),
                },
            ),
        ]
    ),
)

COMPANY_ITEMS: Final = (HYGIENE_PERMIT, INVESTMENT, BILLBOARD)
