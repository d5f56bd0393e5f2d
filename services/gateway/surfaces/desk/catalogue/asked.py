"""Which controls the form of an item and of a bundle has: every member that its author writes has one.

The words are looked up in the reader's language each time, so these are functions.
"""

from collections.abc import Sequence

from services.gateway.surfaces.desk.catalogue.sheet import Ask, Part, Rows
from services.kit.pages import gettext as _

Options = Sequence[tuple[str, str]]


def parts(kind: str, topics: Options = (), item_types: Options = ()) -> tuple[Part, ...]:
    """The form of this kind. `topics`, `item_types`: the codes that are offered, with their names."""
    if kind == "bundle":
        return (_names(), *_whom(topics), _members(), _shared())
    return (
        _names(),
        *_whom(topics),
        _type(item_types),
        _basis(),
        _conditions(),
        _materials(),
        _limits(),
        _visits(),
        _fee(),
        _steps(),
        _results(),
        _contact(),
        _cooperating(),
        _form(),
    )


def subjects() -> Options:
    """Who may apply."""
    return (("person", _("个人")), ("company", _("企业和组织")))


def kinds() -> Options:
    """What has a code and a life of its own."""
    return (
        ("base", _("基本目录")),
        ("implementation", _("实施清单")),
        ("handling", _("办理项")),
        ("bundle", _("一件事")),
    )


def case_kinds() -> Options:
    """How an item is handled."""
    return (("immediate", _("即办件")), ("promised", _("承诺件")), ("other", _("其他")))


def channels() -> Options:
    """Where one can apply (GB/T 39046-2020, and our own besides)."""
    return (
        ("window", _("窗口")),
        ("computer", _("电脑")),
        ("mobile", _("手机")),
        ("courier", _("快递")),
        ("kiosk", _("自助机")),
        ("hotline", _("热线")),
        ("wechat", _("微信")),
        ("other", _("其他")),
    )


def depths() -> Options:
    """Depth of online handling (网上办理深度)."""
    return (
        ("1", _("网上能看")),
        ("2", _("网上预约、预审")),
        ("3", _("网上受理")),
        ("4", _("全程网办")),
    )


def units() -> Options:
    """Units of a limit."""
    return (("working_day", _("工作日")), ("day", _("天")), ("month", _("月")))


def both(
    path: str, label: str, kind: str = "line", *, required: bool = False, hint: str = "", start: bool = False
) -> tuple[Ask, Ask]:
    """A text in two languages."""
    dot = f"{path}." if path else ""
    english = _("%(label)s（英文）") % {"label": label}
    chinese = Ask(f"{dot}zh", kind, label, hint, required=required, start=start or kind == "lines")
    return chinese, Ask(f"{dot}en", kind, english)


def basis(path: str = "", *, required: bool = True) -> tuple[Ask, ...]:
    """A law, its article, its text."""
    dot = f"{path}." if path else ""
    return (
        Ask(f"{dot}law", "line", _("法律法规"), required=required),
        Ask(f"{dot}article", "line", _("第几条")),
        Ask(f"{dot}text", "lines", _("条文")),
    )


def _names() -> Part:
    asks = (*both("name", _("名称"), required=True), *both("summary", _("一句话说明"), "lines"))
    return Part("names", _("名称"), asks=asks)


def _whom(topics: Options) -> tuple[Part]:
    asks = (
        Ask("subjects", "ticks", _("办给谁"), options=tuple(subjects()), required=True),
        Ask("topics", "tags", _("主题"), _("别的主题写在下面，用空格隔开"), options=tuple(topics)),
    )
    return (Part("whom", _("对象和主题"), asks=asks),)


def _type(item_types: Options) -> Part:
    asks = (
        Ask("item_type", "choice", _("事项类型"), options=tuple(item_types), required=True),
        Ask("case_kind", "choice", _("办件类型"), options=tuple(case_kinds())),
        Ask("function", "line", _("职能编号"), _("部门职能表里的编号，算应上尽上用")),
    )
    return Part("type", _("类型"), asks=asks)


def _basis() -> Part:
    rows = Rows("basis", _("设定依据"), basis(), title="law")
    return Part("basis", _("设定依据"), _("每一条写到法律的第几条。"), rows=rows)


def _conditions() -> Part:
    asks = (
        *both("", _("条件"), "lines", required=True),
        Ask("expression", "code", _("CEL 表达式"), _("能算的才写，用数据元编号，比如 age >= 18 && resident")),
    )
    return Part(
        "conditions",
        _("申请条件"),
        _("写了表达式的，办事人登录前就能自己测。"),
        rows=Rows("conditions", _("条件"), asks, title="zh"),
    )


def _materials() -> Part:
    asks = (
        Ask("id", "line", _("编号"), required=True),
        *both("name", _("材料名称"), required=True),
        Ask("required", "yesno", _("必须交"), options=_yes_no(), required=True),
        *both("note", _("说明"), "lines"),
        Ask("made_by", "choice", _("谁出"), options=(("organ", _("机关或机构出具")), ("applicant", _("申请人自己写")))),
        *both("issuer", _("出具的机关")),
        Ask("result_of", "line", _("是哪个事项的结果"), _("事项编码")),
        Ask("licence_type", "line", _("证照类型"), _("证照类型编码")),
        Ask("elements", "codes", _("证明的数据元"), _("编号，用空格隔开")),
        *basis("basis"),
        Ask("media_types", "ticks", _("收哪些文件"), options=_files()),
        Ask("max_bytes", "megabytes", _("每个最大（MB）"), required=True),
        Ask("max_files", "whole", _("最多几个"), required=True),
    )
    fresh = {"id": "m", "required": "yes", "media_types": "\n".join(kind for kind, _name in _files())}
    fresh |= {"max_bytes": "10", "max_files": "5"}
    rows = Rows("materials", _("材料"), asks, key="id", title="name.zh", fresh=fresh)
    return Part("materials", _("申请材料"), _("网上查得到的不能要；每一样都要有依据。"), rows=rows)


def _limits() -> Part:
    asks = (*_limit("statutory", _("法定时限")), *_limit("promised", _("承诺时限")))
    return Part("limits", _("时限"), _("承诺的不能比法定的长。"), asks=asks)


def _limit(name: str, label: str) -> tuple[Ask, ...]:
    path = f"limits.{name}"
    unit = Ask(f"{path}.unit", "choice", _("%(limit)s的单位") % {"limit": label}, options=tuple(units()), weak=True)
    return (
        Ask(f"{path}.amount", "whole", label, required=True, start=True),
        unit,
        *both(f"{path}.note", _("%(limit)s的说明") % {"limit": label}),
        Ask(f"{path}.basis.law", "line", _("定%(limit)s的法律") % {"limit": label}, required=True),
        Ask(f"{path}.basis.article", "line", _("第几条")),
    )


def _visits() -> Part:
    asks = (
        Ask("channels", "ticks", _("哪里能办"), options=tuple(channels())),
        Ask("online_depth", "number", _("网办深度"), options=tuple(depths())),
        *both("offline_reason", _("不能网上办的原因"), start=True),
        Ask("visits", "whole", _("要跑几次"), _("不用跑写 0"), start=True),
        *both("visit_reason", _("为什么要到现场")),
        *basis("visit_basis"),
    )
    return Part("visits", _("办理方式"), _("能网上办的，没有法律写明，不能要求到现场。"), asks=asks)


def _fee() -> Part:
    asks = (
        Ask("fee.charged", "yesno", _("收费"), options=(("no", _("不收费")), ("yes", _("收费"))), required=True),
        *both("fee.note", _("收费说明")),
        *basis("fee.basis"),
    )
    return Part("fee", _("费用"), asks=asks)


def _steps() -> Part:
    asks = (
        *both("name", _("步骤"), required=True),
        *both("text", _("做什么"), "lines", required=True),
        *both("post", _("责任岗位")),
    )
    return Part("steps", _("办理流程"), rows=Rows("steps", _("步骤"), asks, title="name.zh"))


def _results() -> Part:
    asks = (*both("name", _("结果"), required=True), Ask("licence_type", "line", _("证照类型"), _("证照类型编码")))
    return Part("results", _("办理结果"), rows=Rows("results", _("结果"), asks, title="name.zh"))


def _contact() -> Part:
    asks = (
        Ask("contact.phone", "line", _("咨询电话")),
        Ask("contact.complaint_phone", "line", _("投诉电话")),
        *both("contact.address", _("地址")),
        *both("contact.hours", _("办公时间")),
    )
    return Part("contact", _("咨询和投诉"), asks=asks)


def _cooperating() -> Part:
    asks = (Ask("id", "line", _("机构编号"), required=True), *both("name", _("部门名称"), required=True))
    return Part("cooperating", _("联办部门"), rows=Rows("cooperating", _("联办部门"), asks, key="id", title="name.zh"))


def _form() -> Part:
    hint = _("JSON Schema 2020-12；x-element 写明每一栏背后的数据元，x-pages 分页")
    return Part("form", _("申请表"), asks=(Ask("form", "json", _("申请表"), hint),))


def _members() -> Part:
    asks = (
        Ask("code", "line", _("事项编码"), required=True),
        *both("name", _("事项名称"), required=True),
        Ask("when", "code", _("什么时候要办"), _("CEL 表达式；不写就是都要办")),
        *both("when_text", _("用话说")),
        Ask("after", "codes", _("先办哪些"), _("事项编码，用空格隔开")),
    )
    rows = Rows("members", _("事项"), asks, key="code", title="name.zh")
    return Part("members", _("包含的事项"), _("先后不能绕成圈。"), rows=rows)


def _shared() -> Part:
    asks = (
        Ask("shared_fields", "codes", _("只填一次的数据元"), _("编号，用空格隔开")),
        Ask("shared_materials", "groups", _("只交一次的材料"), _("一行是一份：事项编码#材料编号，用空格隔开")),
    )
    return Part("shared", _("只填、只交一次"), asks=asks)


def _yes_no() -> tuple[tuple[str, str], ...]:
    return ("yes", _("是")), ("no", _("否"))


def _files() -> tuple[tuple[str, str], ...]:
    return ("application/pdf", "PDF"), ("image/jpeg", "JPG"), ("image/png", "PNG")
