"""Demonstration items for people: allowances and work."""

from typing import Final

from services.catalog.demo.organisations import CIVIL_AFFAIRS, LABOUR, both, condition, item, steps
from services.catalog.domain.form import applicant_pages, choice, date, form, number, page, text
from services.contracts.catalog_items import Basis, Fee, Limit, Limits, Material, Result

ALLOWANCE: Final = item(
    CIVIL_AFFAIRS,
    ("05", "11", 4),
    ("高龄津贴申领", "Allowance for people over 80"),
    phone="0826-000 0501",
    summary=both(
        "户口在本区、年满 80 岁的老人每月可以领津贴。子女可以帮着填。",
        "People registered here who are 80 or older receive a monthly allowance. Children may fill this in for them.",
    ),
    subjects=("person",),
    case_kind="promised",
    limits=Limits(promised=Limit(amount=10)),
    fee=Fee(charged=False),
    visits=0,
    topics=("social-security",),
    online_depth=4,
    results=(Result(name=both("高龄津贴", "The allowance")),),
    conditions=(
        condition("户口在本区。", "You are registered in this district.", "registered_here"),
        condition("年满 80 周岁。", "You are 80 or older.", "age(birth_date) >= 80"),
    ),
    basis=(Basis(law="中华人民共和国老年人权益保障法", article="第三十三条"),),
    materials=(
        Material(
            id="entrustment",
            name=both("委托书", "Letter of authority"),
            note=both("别人代填的才要，手写也行。", "Only if someone fills this in for you; handwritten will do."),
            required=False,
            basis=Basis(law="中华人民共和国民法典", article="第一百六十五条"),
            made_by="applicant",
        ),
    ),
    steps=steps(
        both("系统核对年龄和户口，不用您交证明。", "Age and registration are checked for you; no papers needed."),
        both("从批准的下个月起按月打到您的账户。", "Paid into your account each month from the month after approval."),
        section=("养老服务岗", "Elderly care desk"),
    ),
    form=form(
        [
            *applicant_pages(("person",)),
            page(
                "elder",
                "领津贴的老人",
                "The person who receives it",
                {
                    "relation": choice(
                        "老人是您的",
                        "This person is",
                        {
                            "self": ("我本人", "Myself"),
                            "parent": ("父母", "My parent"),
                            "grandparent": ("祖父母或外祖父母", "My grandparent"),
                            "other": ("其他人", "Someone else"),
                        },
                    ),
                    "elder_name": text("老人姓名", "Name", longest=50),
                    "born": date("出生日期", "Date of birth"),
                },
            ),
            page(
                "payment",
                "津贴打到哪里",
                "Where it is paid",
                {
                    "channel": choice(
                        "发放方式",
                        "How it is paid",
                        {
                            "card": ("社会保障卡", "Social security card"),
                            "home": ("行动不便，请上门", "Please come to the home"),
                        },
                    ),
                    "note": text(
                        "还有什么要告诉我们",
                        "Anything else we should know",
                        widget="textarea",
                        longest=500,
                        hint=("没有可以不填。", "May be left empty."),
                    ),
                },
            ),
        ],
        optional=["note"],
    ),
)

UNEMPLOYMENT: Final = item(
    LABOUR,
    ("20", "14", 5),
    ("失业登记", "Registration as unemployed"),
    phone="0826-000 0601",
    summary=both(
        "没有工作、想找工作的，先登记，之后可以用免费的职业介绍、培训和补贴。",
        "If you look for work, register first; then placement, training and subsidies are open to you.",
    ),
    subjects=("person",),
    case_kind="immediate",
    limits=Limits(promised=Limit(amount=1)),
    fee=Fee(charged=False),
    visits=0,
    topics=("employment", "social-security"),
    online_depth=4,
    results=(Result(name=both("失业登记凭证", "Certificate of registration")),),
    conditions=(
        condition("年满 16 周岁。", "You are 16 or older.", "age(birth_date) >= 16"),
        condition("没到退休年龄，能够工作。", "You are below retirement age and able to work."),
        condition("现在没有工作。", "You have no work now.", "!has_work"),
        condition("愿意找工作。", "You want to work."),
    ),
    basis=(Basis(law="中华人民共和国就业促进法", article="第三十五条"), Basis(law="就业服务与就业管理规定")),
    steps=steps(
        both("系统核对参保和工商登记，当场就有结果。", "Insurance and business registers are checked at once."),
        both("登记凭证可以在办件页下载。", "Download the certificate from your case page."),
        section=("就业服务岗", "Employment desk"),
        intake=both("材料齐全，当场受理。", "Accepted at once."),
    ),
    form=form(
        [
            *applicant_pages(("person",)),
            page(
                "situation",
                "您现在的情况",
                "Your situation",
                {
                    "reason": choice(
                        "为什么没有工作",
                        "Why you have no work",
                        {
                            "contract": ("合同到期或被辞退", "My contract ended or I was dismissed"),
                            "resigned": ("自己辞职", "I resigned"),
                            "closed": ("单位关了", "The employer closed"),
                            "graduate": ("刚毕业", "I have just left school"),
                            "other": ("其他", "Other"),
                        },
                        widget="select",
                    ),
                    "since": date("从哪天起没有工作", "Since when"),
                    "months": number("以前工作过几个月", "Months worked before", least=0, most=720),
                },
            ),
            page(
                "wishes",
                "您想要什么帮助",
                "What help you want",
                {
                    "help": choice(
                        "最想要的",
                        "What you want most",
                        {
                            "placement": ("介绍工作", "Placement"),
                            "training": ("培训", "Training"),
                            "business": ("自己开店或创业", "Starting a business"),
                            "none": ("先登记", "Just register me"),
                        },
                    ),
                    "skills": text("会做什么", "Your skills", widget="textarea", longest=500),
                },
            ),
        ],
        optional=["skills", "months"],
    ),
)

LIVELIHOOD_ITEMS: Final = (ALLOWANCE, UNEMPLOYMENT)
