"""A long file is read by a process of its own, to the same effect."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.catalog.demo.bundles import DEMO_BUNDLES
from services.catalog.demo.generate import rows
from services.catalog.domain.exports import native
from services.catalog.domain.imports import Problem, Row, Unreadable
from services.catalog.domain.mapping import DEFAULT
from services.catalog.handlers.imports import reading
from services.catalog.handlers.imports.reading import Batch, Reading
from tests.catalog.test_import_files import FULL


async def read(path: Path, kind: Any = "jsonl", mapping: Any = DEFAULT) -> list[Batch]:
    return [batch async for batch in Reading(path, kind, mapping, 2026).ahead()]


async def test_a_process_reads_what_a_thread_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "items.jsonl"
    given: list[Any] = list(rows(700, 3))
    given[3]["name"] = ""
    given[4]["name"] = " 带空格"
    given[9] = given[8]
    given += [native(content) for content in (FULL, DEMO_BUNDLES[0])]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in given), "utf-8")
    by_thread = await read(path)
    monkeypatch.setattr(reading, "LONG_FILE", 0)
    by_process = await read(path)
    assert by_process == by_thread
    assert list(map(len, by_thread)) == [500, 202]
    found = [each for batch in by_process for each in batch]
    assert {each.reason for each in found if isinstance(each, Problem)} == {"missing", "repeated_code"}
    assert any(isinstance(each, Row) and each.warnings for each in found)
    for one, other in zip(found, (each for batch in by_thread for each in batch), strict=True):
        if isinstance(one, Row) and isinstance(other, Row):
            one_content, content = one.content, other.content
            assert type(one_content) is type(content)
            assert (one_content.digest, one_content.form_digest) == (content.digest, content.form_digest)
            assert (one_content.document(), one_content.form) == (content.document(), content.form)


async def test_what_stops_the_process_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONG_FILE", 0)
    path = tmp_path / "items.csv"
    path.write_text("name\n甲\n", "utf-8")
    with pytest.raises(Unreadable, match="no column for code, division, item_type"):
        await read(path, "csv")
    path.write_text("{}\n", "utf-8")
    with pytest.raises(RuntimeError, match="has ended"):
        await read(path, "jsonl", mapping=None)  # a defect of ours
    path.unlink()
    with pytest.raises(FileNotFoundError):
        await read(path)
