"""visit-reason: a visit in person without a legal reason, where the item can be handled online.

不得要求必须到现场办理 (国务院令第716号 art. 4: 除法律、法规另有规定…纳入一体化在线平台办理). An item can be handled
online when it says so: depth 3 or 4, or computer or mobile among its channels.
"""

from collections.abc import Iterator
from typing import Final

from services.catalog.domain.findings import Finding
from services.catalog.domain.items import ItemContent
from services.catalog.domain.lint.facts import Facts
from services.contracts.base import Text

RULE: Final = "visit-reason"
_ONLINE: Final = frozenset({"computer", "mobile"})


def check(content: ItemContent, facts: Facts) -> Iterator[Finding]:
    online = (content.online_depth or 0) >= 3 or not _ONLINE.isdisjoint(content.channels)
    if not content.visits or not online:
        return
    mend = Text(
        zh="改成不用跑；确实要来的，写明原因和规定它的法律条文。",
        en="Set the visits to none; where one must come, say why and name the law that says so.",
    )
    if content.visit_reason is None or not content.visit_reason.zh.strip():
        cause = Text(
            zh=f"能网上办，却要到现场 {content.visits} 次，没有说原因。",
            en=f"It can be handled online and asks for visits ({content.visits}), without a reason.",
        )
        yield Finding(RULE, "visit_reason", cause, mend)
    elif content.visit_basis is None or not content.visit_basis.law.strip():
        cause = Text(
            zh=f"能网上办，却要到现场 {content.visits} 次，没有写哪部法律这样规定。",
            en=f"It can be handled online and asks for visits ({content.visits}), without a law that says so.",
        )
        yield Finding(RULE, "visit_basis", cause, mend)
