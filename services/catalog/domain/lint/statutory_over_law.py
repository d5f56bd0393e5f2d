"""statutory-over-law: 行政许可法 art. 42 gives 20 working days for a licence, 45 where several departments decide.

A longer limit stands only where a law or regulation sets it (art. 42: 法律、法规另有规定的，依照其规定), which is then
named in the limit's basis. Other units are compared only where no calendar leaves a doubt (see `domain.limits`).
"""

from collections.abc import Iterator
from typing import Final

from services.catalog.domain.codes import LICENCE
from services.catalog.domain.findings import Finding
from services.catalog.domain.items import ItemContent
from services.catalog.domain.limits import longer, told
from services.catalog.domain.lint.facts import Facts
from services.contracts.base import Text
from services.contracts.catalog_items import Limit

RULE: Final = "statutory-over-law"
ALONE: Final = Limit(amount=20)
JOINT: Final = Limit(amount=45)
_ITSELF: Final = ("中华人民共和国行政许可法", "行政许可法")


def check(content: ItemContent, facts: Facts) -> Iterator[Finding]:
    statutory = content.limits.statutory
    most = JOINT if content.cooperating else ALONE
    if content.item_type != LICENCE or statutory is None or not longer(statutory, most):
        return
    law = statutory.basis.law.strip().strip("《》") if statutory.basis else ""
    if law and law not in _ITSELF:
        return
    (zh, en), (most_zh, most_en) = told(statutory), told(most)
    joint = ("（几个部门联合办理）", " (several departments jointly)") if content.cooperating else ("", "")
    yield Finding(
        RULE,
        "limits.statutory",
        Text(
            zh=f"法定时限 {zh}，超过行政许可法第四十二条的 {most_zh}{joint[0]}，没有写哪部法律另有规定。",
            en=f"The statutory limit of {en} is over the {most_en}{joint[1]} of the Licensing Law, article 42, "
            "and no other law is named.",
        ),
        Text(
            zh=f"改到 {most_zh}以内；别的法律、法规另有规定的，在时限的依据里写明。",
            en=f"Set it to at most {most_en}, or name the law that says otherwise in the limit's basis.",
        ),
    )
