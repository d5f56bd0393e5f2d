"""A demonstration item of a public enterprise (公共企事业单位)."""

from typing import Final

from services.catalog.demo.organisations import WATER, both, condition, item, steps
from services.catalog.domain.form import applicant_pages, choice, form, page, text
from services.contracts.catalog_items import Basis, Fee, Limit, Limits, Result

WATER_CONNECTION: Final = item(
    WATER,
    ("20", "61", 1),
    ("用水报装", "Connection to the water supply"),
    phone="0826-000 0901",
    summary=both(
        "新房子通自来水、换大一点的水表，都在这里申请。填好地址就行，管线和图纸我们自己查。",
        "Apply here to have a new home connected, or for a larger meter. The address is enough; we look up the pipes.",
    ),
    subjects=("person", "company"),
    topics=("housing",),
    case_kind="promised",
    limits=Limits(promised=Limit(amount=4)),
    fee=Fee(
        charged=False,
        note=both("建筑区划红线外的接入工程不收费", "Work outside the boundary of the plot is free"),
        basis=Basis(law="国务院办公厅转发国家发展改革委等部门关于清理规范城镇供水供电供气供暖行业收费的意见"),
    ),
    visits=0,
    channels=("window", "computer", "mobile"),
    online_depth=4,
    conditions=(condition("用水的地方在供水管网覆盖的范围里。", "The place is within reach of the water mains."),),
    basis=(Basis(law="城市供水条例", article="第二十条"),),
    results=(Result(name=both("供水合同", "Supply contract")),),
    steps=steps(
        both("工作人员到现场看一次，不用您等。", "We look at the place once; you need not wait for us."),
        both("签好电子合同就通水。", "The water is turned on once the electronic contract is signed."),
        section=("供水服务岗", "Supply desk"),
        intake=both("信息填全，当天受理。", "Accepted the same day once all is filled in."),
        decision=both("供水方案写明管径、工期。不能接的会写明理由。", "You get the plan, or the reasons why not."),
    ),
    form=form(
        [
            *applicant_pages(("person", "company")),
            page(
                "place",
                "在哪里用水",
                "Where the water is used",
                {
                    "address": text("地址", "Address", longest=200, autocomplete="street-address"),
                    "use": choice(
                        "用途",
                        "Use",
                        {
                            "home": ("居民生活", "Household"),
                            "business": ("经营", "Business"),
                            "site": ("施工临时用水", "Building site"),
                        },
                    ),
                },
            ),
        ]
    ),
)

HOUSEHOLD_ITEMS: Final = (WATER_CONNECTION,)
