"""`tongban items lint` and `tongban registers import`: files of items and of register entries, hostile ones too."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.catalog.demo.bundles import GUEST_HOUSE
from services.catalog.demo.for_companies import BILLBOARD, HYGIENE_PERMIT, INVESTMENT
from services.catalog.demo.for_livelihood import UNEMPLOYMENT
from services.catalog.demo.organisations import DISTRICT, HEALTH, LABOUR, ORGANISATIONS, POLICE
from services.catalog.domain.codes import base_code, implementation_code
from services.catalog.domain.items import Content, ItemContent, Provenance
from services.catalog.handlers.organisations import register_organisations
from services.catalog.handlers.publishing import publish_items
from services.catalog.store.work import Work
from services.cli import app as command
from services.contracts.base import Text
from services.contracts.catalog_items import Basis, Material
from services.kit.service import Service

BASIS = Basis(law="中华人民共和国就业促进法")
ENTRIES: list[dict[str, Any]] = [
    {"register": "licence", "code": f"{POLICE.id}001", "name": {"zh": "身份证"}, "source": {"id": POLICE.id},
     "elements": ["birth_date"]},
    {"register": "element", "code": "birth_date", "name": {"zh": "出生日期"}, "source": {"id": POLICE.id}},
]  # fmt: skip


def material(id_: str = "m", **more: Any) -> Material:
    given = {"id": id_, "name": {"zh": "材料", "en": "Paper"}, "required": True, "basis": BASIS, "made_by": "applicant"}
    return Material.model_validate({**given, **more})


def item(number: int, **more: Any) -> ItemContent:
    code = implementation_code(LABOUR.id, 4, base_code(DISTRICT[:2], "20", "14", number))
    given = {"code": code, "name": Text(zh=f"事项{number}", en=f"Item {number}"), "conditions": ()}
    return UNEMPLOYMENT.model_copy(update=given | more)


def write(path: Path, rows: list[Any]) -> str:
    path.write_text(
        "\n".join(row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows), "utf-8"
    )
    return str(path)


def document(content: Content) -> dict[str, Any]:
    return content.model_dump(mode="json")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[int, list[str], str]]:
    """Run a command in an empty data folder: exit status, lines of output, errors."""
    monkeypatch.delenv("TONGBAN_PROFILE", raising=False)
    monkeypatch.setenv("TONGBAN_DATA_DIR", str(tmp_path / "data"))

    def invoke(*words: str) -> tuple[int, list[str], str]:
        done = CliRunner().invoke(command, list(words))
        return done.exit_code, done.stdout.splitlines(), done.stderr + str(done.exception or "")

    return invoke


def test_files_are_linted_without_a_catalogue(run: Callable[..., Any], tmp_path: Path) -> None:
    good = write(tmp_path / "good.jsonl", [document(item(1)), "", document(item(2))])
    status, told, errors = run("items", "lint", good)
    assert (status, told) == (0, [])
    assert "not judged, or only by what the files hold: known-to-network, unknown-reference" in errors
    assert not (tmp_path / "data").exists()  # nothing was opened or made
    # A document of its own, with a cycle through another file: the items of all files count beside each other.
    one = item(1, materials=(material(result_of=item(2).code),))
    other = item(2, materials=(material("n", result_of=one.code, licence_type=None), material("o", made_by=None)))
    first = tmp_path / "one.json"
    first.write_text(json.dumps(document(one), ensure_ascii=False, indent=1), "utf-8")
    second = write(tmp_path / "two.jsonl", [document(other)])
    status, told, _ = run("items", "lint", str(first), second)
    assert status == 1
    assert told[0] == (
        f"{first}:1: circular-proof: materials.m: Circular proof: Item 1 → Item 2 → Item 1 (each needs the next).; "
        "Drop the material from one of these items, or accept another in its place."
    )
    assert [line.split(": ")[1] for line in told] == ["circular-proof", "unobtainable", "circular-proof"]
    assert "循环证明：事项1 → 事项2 → 事项1" in run("items", "lint", "--language", "zh", str(first), second)[1][0]


def test_an_implementation_is_held_to_the_base_item_beside_it(run: Callable[..., Any], tmp_path: Path) -> None:
    above = item(1, kind="base", code=base_code(DISTRICT[:2], "20", "14", 1), form={}, materials=())
    below = item(1, base=above.code, materials=(material(),))
    file = write(tmp_path / "items.jsonl", [document(below), document(above)])
    status, told, _ = run("items", "lint", file)
    assert status == 1
    assert [line.split(": ")[:3] for line in told] == [[f"{file}:1", "alignment", "materials.m"]]


def test_bundles_are_linted_beside_their_items(run: Callable[..., Any], tmp_path: Path) -> None:
    items = [document(each) for each in (HYGIENE_PERMIT, INVESTMENT, BILLBOARD)]
    bundle = document(GUEST_HOUSE) | {"kind": "bundle"}
    # Without the register nothing is said of what it would hold, nor of an item that may be elsewhere.
    elsewhere = {**bundle, "members": [*bundle["members"], {"code": "X", "name": {"zh": "别处的事项"}}]}
    for rows in ([bundle, *items], [elsewhere, *items], [elsewhere]):
        assert run("items", "lint", write(tmp_path / "good.jsonl", rows))[:2] == (0, [])
    first, second, third = bundle["members"]
    circle = [{**first, "after": [second["code"]], "when": "a >"}, second, third]
    wrong = {
        **bundle,
        "members": circle,
        "shared_materials": [[f"{second['code']}#none", f"{third['code']}#site-sketch"]],
    }
    status, told, _ = run("items", "lint", write(tmp_path / "wrong.jsonl", [*items, wrong]))
    assert status == 1
    assert [line.split(": ")[1] for line in told] == ["bundle-order", "bundle-condition", "bundle-materials"]
    registers = write(tmp_path / "registers.jsonl", ENTRIES)
    told = run("items", "lint", "--registers", registers, write(tmp_path / "again.jsonl", [bundle, *items]))[1]
    refused = {tuple(line.split(": ")[1:3]) for line in told}
    assert ("bundle-fields", "shared_fields.place_address") in refused
    assert ("bundle-condition", f"members.{first['code']}.when") in refused


def test_files_are_judged_by_a_file_of_registers(run: Callable[..., Any], tmp_path: Path) -> None:
    asked = item(1, materials=(material(licence_type=ENTRIES[0]["code"]), material("n", elements=("nothing",))))
    file = write(tmp_path / "items.jsonl", [document(asked)])
    registers = write(tmp_path / "registers.jsonl", ENTRIES)
    status, told, errors = run("items", "lint", "--registers", registers, file)
    assert status == 1
    assert [line.split(": ")[1:3] for line in told] == [
        ["unknown-reference", "materials.n"],
        ["known-to-network", "materials.m"],
    ]
    assert "known-to-network" not in errors
    broken = write(tmp_path / "broken.jsonl", [*ENTRIES, {"register": "organ"}])
    status, told, errors = run("items", "lint", "--registers", broken, file)
    assert (status, told) == (1, [])
    assert f"{broken}:3: register: unknown" in errors
    assert run("items", "lint", str(tmp_path / "missing"))[0] == 1


def test_hostile_rows_are_told_and_the_good_ones_judged(run: Callable[..., Any], tmp_path: Path) -> None:
    good = document(item(1))
    rows = [
        "{",
        '{"code": "a", "code": "b"}',
        "[" * 5000,
        '{"code": 7}',
        '{"kind": "organ"}',
        {**good, "name": {"zh": "甲\u202e乙"}},
        {**good, "unknown": 1},
        {**good, "visits": "2"},
        {**good, "materials": [["nested"]]},
        '{"code": "' + "1" * 1_100_000 + '"}',
        {**good, "code": item(7).code, "form": {"type": "object", "properties": {"a": {"$ref": "http://x/y"}}}},
        {**good, "fee": {"charged": True}},
        good,
    ]
    file = tmp_path / "items.jsonl"
    write(file, rows)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes() + b"\n\xff\xfe\n")
    status, told, _ = run("items", "lint", str(file))
    assert status == 1
    by_row: dict[int, set[str]] = {}
    for line in told:
        where, rule, *_ = line.removeprefix(f"{file}:").split(": ")
        by_row.setdefault(int(where), set()).add(rule)
    content = {"content"}
    assert {row: by_row.get(row, set()) & content for row in (*range(1, 11), 14)} == dict.fromkeys(
        (*range(1, 11), 14), content
    )
    assert by_row[11] == {"form"}
    # The rows of one code would be in force at once: the second is told of, whatever else there is to say.
    assert (by_row[12], by_row.get(13)) == ({"fee-basis", "overlap"}, None)


async def test_files_are_judged_by_the_catalogue(
    catalog: Service, work: Callable[[], Work], migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = catalog.context.settings
    given = {
        "PROFILE": "test",
        "DATA_DIR": str(tmp_path),
        "CATALOG_DATABASE_URL": migrated_url,
        "CATALOG_MASTER_KEY": settings.master_key.get_secret_value(),  # type: ignore[union-attr]
    }
    for name, value in given.items():
        monkeypatch.setenv(f"TONGBAN_{name}", value)
    await register_organisations(ORGANISATIONS, Provenance.DEMO, work())

    async def run(*words: str) -> tuple[int, list[str], str]:
        done = await asyncio.to_thread(CliRunner().invoke, command, list(words))
        return done.exit_code, done.stdout.splitlines(), done.stderr + str(done.exception or "")

    # Elements are taken before what proves them, wherever they stand; a second claim names the holder.
    claim = {**ENTRIES[1], "code": "born_on", "source": {"id": HEALTH.id}}
    rows = [*ENTRIES, claim, {"register": "element", "code": "A b"}, "{"]
    file = write(tmp_path / "registers.jsonl", rows)
    status, told, errors = await run("registers", "import", "--reason", "首次登记", file)
    assert (status, told) == (1, ["rows           5", "created        2", "refused        3"])
    assert "row 3: refused: code: second-source: 示例区公安分局 is the source of" in errors
    status, told, _ = await run("registers", "import", write(tmp_path / "again.jsonl", ENTRIES))
    assert (status, told) == (0, ["rows           2", "unchanged      2", "refused        0"])
    stolen = write(tmp_path / "stolen.jsonl", [{**ENTRIES[1], "source": {"id": HEALTH.id}}])
    status, told, errors = await run("registers", "import", stolen)
    assert (status, told[-1]) == (1, "refused        1")
    assert "row 1: refused: code: second-source: 示例区公安分局 is the source of" in errors
    # The items in force are known: what the file's item needs leads back to it through one of them.
    there = item(2, materials=(material(result_of=item(1).code),))
    await publish_items([there], Provenance.DEMO, work())
    asked = item(1, materials=(material("a", elements=("birth_date",)), material("b", result_of=there.code)))
    status, told, errors = await run("items", "lint", write(tmp_path / "items.jsonl", [document(asked)]))
    assert (status, errors) == (1, "1")
    assert [line.split(": ")[1:3] for line in told] == [
        ["known-to-network", "materials.a"],
        ["circular-proof", "materials.b"],
    ]
    assert "Item 1 → Item 2 → Item 1" in told[1]
