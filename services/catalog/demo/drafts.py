"""A draft of the demonstration that the lint refuses in several ways, for the editor to see and to mend."""

from typing import Final

from services.catalog.demo.for_livelihood import UNEMPLOYMENT
from services.catalog.demo.organisations import IDENTITY_CARD, both
from services.catalog.domain.life import Act, Actor, ItemStatus
from services.catalog.handlers.drafting import open_draft
from services.catalog.handlers.life import keep
from services.catalog.store.work import Work
from services.contracts.catalog_items import Basis, Limit, Limits, Material

REFUSED_DRAFT: Final = UNEMPLOYMENT.model_copy(
    update={
        "limits": Limits(statutory=Limit(amount=1), promised=Limit(amount=3)),
        "channels": ("window", "computer", "mobile"),
        "online_depth": 4,
        "visits": 1,
        "materials": (
            Material(
                id="identity-card",
                name=both("身份证复印件", "Copy of the identity card"),
                required=True,
                basis=Basis(law="就业服务与就业管理规定"),
                licence_type=IDENTITY_CARD,
            ),
            Material(
                id="proof",
                name=both("没有工作的证明", "Proof of having no work"),
                note=both("由居委会盖章。", "Sealed by the neighbourhood committee."),
                required=True,
            ),
        ),
    }
)
_AUTHOR: Final = Actor("system:demo", "示例数据")
_REASON: Final = "照旧的办事指南录入，还没有按规则改。"


async def load_drafts(work: Work) -> None:
    """Begin it once, in the caller's transaction; what officers have made of it since stays."""
    code = REFUSED_DRAFT.code
    standing = (await work.items.standing([code])).get(code)
    if standing is None or standing.status is ItemStatus.RETIRED or await work.revisions.ever(code):
        return
    revision = await open_draft(REFUSED_DRAFT, standing.version, _AUTHOR, _REASON, work)
    keep(revision, Act.DRAFTED, _AUTHOR, _REASON, work)
