"""no-basis: a material without a legal basis (优化营商环境条例 art. 44: 证明事项应当有法律、法规或者国务院决定依据).

An optional material counts too: "if you have it" asks as well. Only the standard place for whatever the applicant
thinks useful (`domain.items.STANDARD_MATERIALS`) asks for nothing, and needs no law.
"""

from collections.abc import Iterator
from typing import Final

from services.catalog.domain.findings import Finding
from services.catalog.domain.items import STANDARD_MATERIALS, ItemContent
from services.catalog.domain.lint.facts import Facts
from services.contracts.base import Text

RULE: Final = "no-basis"


def check(content: ItemContent, facts: Facts) -> Iterator[Finding]:
    for material in content.materials:
        named = material.basis and material.basis.law.strip()
        if named or material in STANDARD_MATERIALS:
            continue
        zh, en = material.name.zh, material.name.en or material.name.zh
        yield Finding(
            RULE,
            f"materials.{material.id}",
            Text(zh=f"材料“{zh}”没有写依据。", en=f"The material “{en}” names no legal basis."),
            Text(
                zh="写明哪部法律、法规、规章的哪一条要求它；没有依据的，删去这份材料。",
                en="Name the law and the article that ask for it; without one, drop the material.",
            ),
        )
