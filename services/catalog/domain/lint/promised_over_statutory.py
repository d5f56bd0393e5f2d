"""promised-over-statutory: the promise may be shorter than the law's limit, never longer (承诺时限不得超过法定时限).

Limits in different units are compared only where no calendar could make the promise the shorter one (see
`domain.limits`).
"""

from collections.abc import Iterator
from typing import Final

from services.catalog.domain.findings import Finding
from services.catalog.domain.items import ItemContent
from services.catalog.domain.limits import longer, told
from services.catalog.domain.lint.facts import Facts
from services.contracts.base import Text

RULE: Final = "promised-over-statutory"


def check(content: ItemContent, facts: Facts) -> Iterator[Finding]:
    promised, statutory = content.limits.promised, content.limits.statutory
    if promised is None or statutory is None or not longer(promised, statutory):
        return
    (zh, en), (law_zh, law_en) = told(promised), told(statutory)
    yield Finding(
        RULE,
        "limits.promised",
        Text(zh=f"承诺时限 {zh}，比法定时限 {law_zh}长。", en=f"It promises {en}, more than the statutory {law_en}."),
        Text(zh=f"把承诺时限改到 {law_zh}以内。", en=f"Promise at most {law_en}."),
    )
