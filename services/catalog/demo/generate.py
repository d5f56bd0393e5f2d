"""Made-up items in any number, the same for the same seed: what the benches and trials of an import run on.

Divisions are real, departments are such as a county or city has, their codes check and belong to nobody. Names are put
together so that a few words are in very many of them, as in real catalogues (许可 in about one of six), and most words
in few: by their ranks, as Zipf's law has it.
"""

import itertools
import json
import random
from bisect import bisect
from collections.abc import Iterator, Sequence
from functools import cache
from typing import BinaryIO, Final, Literal

from services.catalog.domain.codes import base_code, implementation_code, mint_uscc
from services.catalog.domain.divisions import counties

YEAR: Final = 2026
"""Divisions are those in force in this year, so that the same seed gives the same rows in any year."""
ROWS_A_DEPARTMENT: Final = 40
COUNTY_LEVEL: Final = 4
"""GB/T 39046-2020."""

_DEPARTMENTS: Final = (
    "市场监督管理局", "人力资源和社会保障局", "公安局", "自然资源局", "住房和城乡建设局", "卫生健康局", "交通运输局",
    "农业农村局", "民政局", "教育局", "应急管理局", "生态环境局", "水务局", "文化和旅游局", "林业局", "医疗保障局",
    "发展和改革局", "税务局", "司法局", "退役军人事务局", "行政审批局", "商务局", "科学技术局", "综合行政执法局",
    "烟草专卖局", "档案局", "气象局", "消防救援大队", "残疾人联合会", "供销合作社",
)  # fmt: skip
_ACTIONS: Final = (
    "许可", "登记", "备案", "变更", "审批", "核发", "注销", "认定", "延续", "确认", "补办", "申领", "查询", "给付",
    "换发", "审核", "年度报告", "奖励", "鉴定", "公示", "验收", "检验", "裁决", "补贴发放", "资格考试", "信息采集",
)  # fmt: skip
_SUBJECTS: Final = (
    "企业", "食品", "药品", "道路", "建设工程", "农村", "医疗", "社会", "个体工商户", "公共场所", "特种设备",
    "危险化学品", "民办", "水利工程", "林木", "烟草", "出版物", "娱乐场所", "劳动", "养老", "残疾人", "退役军人",
    "学前", "教师", "护士", "医师", "旅行社", "典当", "拍卖", "印刷", "种子", "兽药", "饲料", "渔业", "水产苗种",
    "动物", "植物",
    "矿产", "测绘", "地图", "燃气", "供水", "排水", "绿化", "户外广告", "临时用地", "不动产", "住房公积金", "商品房",
    "物业", "消防", "人防工程", "计量", "认证", "检测机构", "广播电视", "电影", "网络文化", "文物", "考古", "体育",
    "航道", "港口", "船舶", "船员", "出租汽车", "网约车", "驾驶培训", "货运", "客运", "海洋", "盐业", "粮食", "能源",
    "节能", "价格", "外商投资", "境外投资", "基金会", "慈善组织",
)  # fmt: skip
_OBJECTS: Final = (
    "经营", "生产", "设立", "运输", "使用", "从业资格", "执业", "施工", "销售", "采集", "场所", "人员", "项目", "证书",
    "机构", "设施", "建筑物", "服务", "活动", "用地", "取水", "排污", "采伐", "捕捞", "繁殖", "进出口", "质量", "安全",
    "卫生", "档案", "合同", "名称", "法定代表人", "经营范围", "注册资本", "住所", "资质", "执照", "补助", "津贴",
)  # fmt: skip
_FORMS: Final = ("", "", "", "（首次）", "（延续）", "（变更）", "（注销）", "（补证）", "（县级权限）", "（市级权限）")
_TYPES: Final = ("01", "20", "10", "07", "05", "08", "09")
_CONDITIONS: Final = (
    "有固定的经营场所", "有与业务相适应的专业人员", "符合国家规定的卫生要求", "申请人具有完全民事行为能力",
    "近三年没有重大违法记录", "有健全的安全管理制度", "材料齐全、符合法定形式",
)  # fmt: skip
_LAWS: Final = ("行政许可法", "优化营商环境条例", "食品安全法", "道路运输条例", "社会保险法", "土地管理法")
_CHANNELS: Final = ("window", "window;computer", "window;computer;mobile", "window;computer;mobile;kiosk")
_NO_WAY: Final = "要核对原件，目前只能到窗口办理"
FIELDS: Final = (
    "department", "name", "item_code", "area_code", "task_type", "department_code", "subject", "summary", "case_kind",
    "statutory_limit", "promised_limit", "fee_charged", "visits", "channels", "online_depth", "offline_reason",
    "conditions", "basis",
)  # fmt: skip
_ORGANISATION: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def rows(count: int, seed: int) -> Iterator[dict[str, str]]:
    """`count` items as rows of the columns `FIELDS`."""
    chance = random.Random(seed)  # noqa: S311  # nothing is secret here
    pick = _Zipf(chance)
    departments = list(_departments(max(1, count // ROWS_A_DEPARTMENT), chance))
    for place in range(count):
        # One after the other and not by chance, so that no department runs out of numbers.
        department, division, uscc, level, class_ = departments[place % len(departments)]
        number = place // len(departments)
        item_type = pick(_TYPES)
        base = base_code(division[:2], item_type, class_, 1 + number % 999, number // 999)
        depth = 1 + bisect((0.1, 0.25, 0.6), chance.random())
        promised = chance.randrange(1, 15)
        conditions = chance.sample(_CONDITIONS, chance.randrange(1, 4))
        name = f"{pick(_SUBJECTS)}{pick(_OBJECTS)}{pick(_ACTIONS)}{chance.choice(_FORMS)}"
        yield {
            "department": department,
            "name": name,
            "item_code": implementation_code(uscc, level, base),
            "area_code": division,
            "task_type": item_type,
            "department_code": uscc,
            "subject": chance.choice(("个人", "企业", "个人;企业")),
            "summary": f"由{department}办理的{name}。",
            "case_kind": "immediate" if promised == 1 else "promised",
            "statutory_limit": f"{chance.choice((15, 20, 30))} 工作日",
            "promised_limit": f"{promised} 工作日",
            "fee_charged": "否",
            "visits": "0" if depth == 4 else "1",
            "channels": _CHANNELS[depth - 1],
            "online_depth": str(depth),
            "offline_reason": _NO_WAY if depth < 3 else "",
            "conditions": "\n".join(conditions),
            "basis": f"《{pick(_LAWS)}》第{chance.randrange(2, 80)}条",
        }


def write(count: int, seed: int, kind: Literal["jsonl", "csv", "xlsx"], target: BinaryIO) -> None:
    """Write `count` items to a file, as a stream."""
    if kind == "jsonl":
        for row in rows(count, seed):
            target.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        return
    from services.catalog.handlers.exports import table

    sheet = table(target, kind)
    sheet.row(list(FIELDS))
    for row in rows(count, seed):
        sheet.row(list(row.values()))
    sheet.close()


def _departments(count: int, chance: random.Random) -> Iterator[tuple[str, str, str, int, str]]:
    """Name, division, USCC, level and class of so many departments, spread over all counties."""
    divisions = list(counties(YEAR))
    chance.shuffle(divisions)
    for number in range(count):
        round_, place = divmod(number, len(divisions))
        branch, kind = divmod(round_ + 7 * place % len(_DEPARTMENTS), len(_DEPARTMENTS))
        division = divisions[place]
        name = f"{division.name}{_DEPARTMENTS[kind]}" + (f"第{branch + 1}分局" if branch else "")
        uscc = mint_uscc("11", division.code[:6], f"TB{_in_letters(number)}")
        yield name, division.code, uscc, COUNTY_LEVEL, f"{kind + 1:02d}"


def _in_letters(number: int) -> str:
    found = ""
    for _ in range(6):
        number, place = divmod(number, len(_ORGANISATION))
        found = _ORGANISATION[place] + found
    return found


class _Zipf:
    """Picks words, the first ones most (Zipf's law as Mandelbrot bent it: the first word stands out less)."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def __call__(self, words: Sequence[str]) -> str:
        bounds = _bounds(len(words))
        return words[bisect(bounds, self._chance.random() * bounds[-1])]


@cache
def _bounds(count: int) -> list[float]:
    return list(itertools.accumulate(1 / (rank + 1.5) for rank in range(1, count + 1)))
