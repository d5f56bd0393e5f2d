"""unobtainable (奇葩证明): a material that no organ issues and that the applicant cannot make.

优化营商环境条例 art. 44: no proof may be asked for that its issuer cannot look into. So each material says who
makes it: the applicant, an organ or institution that is named, or the item or licence type whose result it is.
"""

from collections.abc import Iterator
from typing import Final

from services.catalog.domain.findings import Finding
from services.catalog.domain.items import STANDARD_MATERIALS, ItemContent
from services.catalog.domain.lint.facts import Facts
from services.contracts.base import Text

RULE: Final = "unobtainable"


def check(content: ItemContent, facts: Facts) -> Iterator[Finding]:
    for material in content.materials:
        issued = (material.issuer and material.issuer.zh.strip()) or material.result_of or material.licence_type
        if material.made_by == "applicant" or issued or material in STANDARD_MATERIALS:
            continue
        zh, en = material.name.zh, material.name.en or material.name.zh
        if material.made_by == "organ":
            cause = Text(
                zh=f"材料“{zh}”写着由机构出具，没有写哪个机构。",
                en=f"The material “{en}” is said to be issued, and by nobody.",
            )
        else:
            cause = Text(
                zh=f"材料“{zh}”没有机构出具，申请人自己也做不出来。",
                en=f"Nobody issues the material “{en}”, and the applicant cannot make it.",
            )
        yield Finding(
            RULE,
            f"materials.{material.id}",
            cause,
            Text(
                zh="写明由谁出具（机构、事项或证照类型），或者写明由申请人自己做；两样都没有的，删去这份材料。",
                en="Say who issues it (organ, item, licence type) or that the applicant makes it; else drop it.",
            ),
        )
