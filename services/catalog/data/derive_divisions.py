"""Derive `divisions.tsv` from the published list: `python -m services.catalog.data.derive_divisions SOURCE`.

SOURCE is the CSV of the public project yescallop/areacodes (CC0): every code at county level and above that was in
force since 1981 (GB/T 2260), with columns 代码, 一级行政区, 二级行政区, 名称, 级别, 状态, 启用时间 (year, included),
变更/弃用时间 (year, excluded), 新代码 (`;` between codes, `[year]` where the code moved before or after that year).
Kept are code, years, name and what followed; level and parents follow from the code.
"""

import csv
import re
import sys
from pathlib import Path

TARGET = Path(__file__).with_name("divisions.tsv")


def derive(source: Path) -> str:
    """The compact table, ordered by code and year: `code<TAB>from<TAB>to<TAB>name<TAB>codes that follow` a line; `to`
    may be empty, and what follows is written as it is published."""
    with source.open(encoding="utf-8-sig", newline="") as lines:
        rows = [
            (row["代码"], row["启用时间"], row["变更/弃用时间"], row["名称"], row["新代码"])
            for row in csv.DictReader(lines, strict=True)
        ]
    for code, since, until, name, following in rows:
        if (
            len(code) != 6
            or not code.isdigit()
            or not since.isdigit()
            or not (until == "" or until.isdigit())
            or not name
            or not re.fullmatch(r"(\d{6}(\[\d{4}\])?(;|$))*", following)
        ):
            raise ValueError(f"unexpected row {code!r} {since!r} {until!r} {name!r} {following!r}")
    return "".join("\t".join(row) + "\n" for row in sorted(rows))


if __name__ == "__main__":
    TARGET.write_text(derive(Path(sys.argv[1])), encoding="utf-8")
