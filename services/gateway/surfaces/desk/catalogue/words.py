"""The catalogue's words at the desk: states, acts, what a refusal means."""

from collections.abc import Mapping

from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.desk import words as desk
from services.gateway.surfaces.desk.catalogue import asked
from services.kit.pages import gettext as _
from services.kit.pages import pick

__all__ = ["pick"]


def state(name: str) -> str:
    """Where a revision stands."""
    return {
        "draft": _("草稿"),
        "submitted": _("待审核"),
        "reviewed": _("已审核，等生效"),
        "published": _("已发布"),
        "discarded": _("已作废"),
        "withdrawn": _("已撤回"),
    }.get(name, name)


def state_kind(name: str) -> str:
    """The colour of a revision's tag."""
    return {"submitted": "wait", "reviewed": "act", "published": "act"}.get(name, "")


def status(name: str | None) -> str:
    """Where an item stands."""
    return {
        "published": _("在用"),
        "suspended": _("暂停"),
        "retired": _("已停办"),
    }.get(name or "", name or _("没有生效"))


def status_kind(name: str | None) -> str:
    """The colour of an item's tag."""
    return {"published": "act", "suspended": "wait"}.get(name or "", "")


def kind(name: str) -> str:
    """Base, implementation, handling, bundle."""
    return dict(asked.kinds()).get(name, name)


def provenance(name: str | None) -> str:
    """Where a version came from."""
    return {
        "editor": _("编写、审核"),
        "import": _("导入，没有查过"),
        "demo": _("演示"),
    }.get(name or "", name or "")


def act(name: str) -> str:
    """What somebody did, for the history."""
    return {
        "drafted": _("起草"),
        "edited": _("改了草稿"),
        "submitted": _("送审"),
        "returned": _("退回修改"),
        "reviewed": _("审核通过"),
        "published": _("发布"),
        "discarded": _("作废草稿"),
        "suspended": _("暂停"),
        "resumed": _("恢复"),
        "retired": _("停办"),
        "rolled_back": _("退回旧版"),
        "withdrawn": _("撤回发布"),
        "carried_over": _("划转到别的机构"),
        "appealed": _("申诉"),
        "exempted": _("申诉通过，放行"),
        "appeal_refused": _("申诉没有通过"),
    }.get(name, name)


def done(name: str) -> str:
    """What was just done."""
    return {
        "saved": _("草稿存好了"),
        "submit": _("送审了，等审核的人看"),
        "return": _("退回去改了"),
        "approve": _("审核通过"),
        "discard": _("草稿作废了"),
        "withdraw": _("撤回了"),
        "suspend": _("暂停了，不收新的办件"),
        "resume": _("恢复了"),
        "retire": _("停办了"),
        "rollback": _("退回旧版了"),
        "appeal": _("申诉交上去了，等目录管理员答复"),
        "decided": _("申诉答复了"),
        "correction": _("异议提出来了"),
        "answered": _("答复记下了"),
        "organisation": _("机构存好了"),
        "register": _("登记存好了"),
        "synonyms": _("近义词存好了"),
    }.get(name, "")


def case_status(name: str) -> str:
    """Where a running case stands."""
    return desk.status_word(name)


def rule(name: str) -> str:
    """A rule of the lint by its name."""
    return {
        "code": _("编码"),
        "unknown-reference": _("没有登记的编号"),
        "known-to-network": _("重复提供"),
        "no-basis": _("没有依据"),
        "unobtainable": _("奇葩证明"),
        "circular-proof": _("循环证明"),
        "visit-reason": _("必须到现场"),
        "promised-over-statutory": _("承诺比法定长"),
        "statutory-over-law": _("法定时限超过法律"),
        "fee-basis": _("收费没有依据"),
        "condition": _("条件表达式"),
        "alignment": _("同一编码"),
        "overlap": _("版本重叠"),
        "bundle-members": _("包含的事项"),
        "bundle-order": _("先办哪些"),
        "bundle-condition": _("什么时候要办"),
        "bundle-fields": _("只填一次的数据元"),
        "bundle-materials": _("只交一次的材料"),
    }.get(name, name)


def correction_state(name: str) -> str:
    """Where a correction request stands."""
    return {
        "open": _("待答复"),
        "accepted": _("来源认了，在改"),
        "rejected": _("不成立"),
        "corrected": _("已改正"),
        "withdrawn": _("已撤回"),
    }.get(name, name)


def correction_kind(name: str) -> str:
    """The colour of a correction request's tag."""
    return {"open": "wait", "accepted": "wait", "corrected": "act"}.get(name, "")


def appeal_state(name: str) -> str:
    """Where an appeal stands."""
    return {"open": _("待答复"), "granted": _("放行"), "refused": _("没有通过")}.get(name, name)


def register(name: str) -> str:
    """A register by its name."""
    return {"element": _("数据元"), "resource": _("共享资源"), "licence": _("证照类型")}[name]


def sharing(name: str | None) -> str:
    """How a resource is shared."""
    return {
        "unconditional": _("无条件共享"),
        "conditional": _("有条件共享"),
        "none": _("不予共享"),
    }.get(name or "", "")


def data_type(name: str) -> str:
    """What the values of a data element are."""
    return {
        "text": _("文字"),
        "integer": _("整数"),
        "number": _("小数"),
        "boolean": _("是或否"),
        "date": _("日期"),
    }.get(name, name)


def refusal(error: ServiceProblem) -> tuple[str, str]:
    """Why the catalogue did not do it: a title and what follows from it."""
    return _refusals().get(error.slug, (_("没有办成"), error.detail or error.title))


def slug_words(slug: str) -> str:
    """Why something was refused, in one line; "" for what has no words here."""
    found = _refusals().get(slug)
    return _("：").join(found) if found else ""


def _refusals() -> Mapping[str, tuple[str, str]]:
    changed = (_("别处刚改过"), _("您打开这一页之后，别人改了。下面是现在的样子，您写的还在，看一眼再交。"))
    return {
        "precondition-failed": changed,
        "version-mismatch": changed,
        "precondition-required": changed,
        "wrong-state": (_("现在不能做这一步"), _("它已经不在那个状态，别人刚办过。下面是现在的样子。")),
        "author-reviews": (
            _("写的人和审的人要分开"),
            _("这份是您写的，或者您改过，要由别的审核人来审。他可以用自己的账号登录。"),
        ),
        "lint-refused": (_("还不能发布"), _("下面这些没有改好，也没有放行。")),
        "revision-open": (_("这个事项已经有一份在改"), _("一个编码一次只能有一份，请接着改那一份。")),
        "revision-overtaken": (
            _("起草以后，别的一版已经发布"),
            _("请退回给写的人，看一眼不同的地方再存一次，就从新的一版改起。"),
        ),
        "item-is-retired": (_("这个事项已经停办"), _("停办了的编码不再用。")),
        "code-not-minted": (_("给不出编码"), _("区划、类型、机构或者所属的事项不全，编码排不出来。")),
        "code-taken": (_("这个编码已经有了"), _("一事一码：一个编码只给一个事项。")),
        "not-appealable": (_("这一条不能放行"), _("它不改好就办不成，不是能通融的。")),
        "no-such-finding": (_("现在没有这一条了"), _("已经改好，或者内容变了，不用申诉。")),
        "appeal-open": (_("这一条已经申诉过"), _("目录管理员还没有答复，请等一等。")),
        "appeal-decided": (_("这一条已经答复过"), _("下面是现在的样子。")),
        "own-appeal": (_("不能答复自己的申诉"), _("请由别的目录管理员来答复。")),
        "name-taken": (_("已经有叫这个名称的"), _("一数一源：一样东西只登记一次。")),
        "register-entry-still-used": (_("还有事项在用，不能停用"), _("请先把用到它的事项改好。")),
        "organisation-closed": (_("这个机构已经撤销"), _("撤销了的机构不能再改。")),
        "reform-needed": (_("这样改要走机构改革"), _("它的事项要跟着走，请用“机构改革”那一页。")),
        "reform-refused": (_("不能这样改"), _("下面写明哪里不行。")),
        "organisation-not-found": (_("没有这个机构"), _("请核对机构的编号。")),
        "register-entry-not-found": (_("登记里没有这一条"), _("请核对编码。")),
        "forbidden": (_("您没有这个权限"), _("这一步要有这个机构的角色。要是该有，请找管理员。")),
    }
