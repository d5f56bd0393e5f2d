"""`tongban organisations import` and `reform`: what operators see, and what they are told of bad files."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.catalog.domain.codes import mint_uscc
from services.cli import app as command
from services.kit.service import Service

A, B = (mint_uscc("11", "511602", f"TB90001{number}") for number in (1, 2))


async def test_organisations_come_from_files_and_are_reformed(
    catalog: Service, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {
        "PROFILE": "test",
        "DATA_DIR": str(tmp_path),
        "CATALOG_DATABASE_URL": migrated_url,
        "CATALOG_MASTER_KEY": catalog.context.settings.master_key.get_secret_value(),  # type: ignore[union-attr]
    }
    for name, value in given.items():
        monkeypatch.setenv(f"TONGBAN_{name}", value)

    async def run(*words: str) -> tuple[int, str, str]:
        done = await asyncio.to_thread(CliRunner().invoke, command, ["organisations", *words])
        return done.exit_code, " ".join(done.stdout.split()), done.stderr + str(done.exception or "")

    file = tmp_path / "organisations.csv"
    lines = ["名称,行政区划,统一社会信用代码,层级", f"甲局,511602,{A},4", f"乙局,511602,{B},4", "丙局,511602,123,4"]
    file.write_text("\n".join(lines), "utf-8")
    status, told, errors = await run("import", str(file))
    assert (status, told) == (0, "rows 3 taken 2 (2 created) refused 1 (1 malformed)")
    assert errors.startswith("row 4: refused: uscc: malformed: 18 characters")
    assert await run("import", "--quiet", str(file)) == (0, "rows 3 taken 2 (2 unchanged) refused 1 (1 malformed)", "")
    plan = tmp_path / "reform.json"
    asked = {"kind": "merge", "sources": [A], "targets": [{"id": B}], "reason": "机构改革"}
    plan.write_text(json.dumps(asked), "utf-8")
    status, told, _ = await run("reform", str(plan))
    assert (status, told) == (
        0,
        f"closed {A} targets {B} children 0 carried 0 retired 0 revisions 0 entries 0",
    )
    status, _, errors = await run("reform", str(plan))
    assert status != 0
    assert f"sources.0: closed: {A} was closed; {B} took over" in errors
    for text, problem in [("{", "Invalid JSON"), ('{"kind": "merge"}', "sources: Field required"), ("[]", "file: ")]:
        plan.write_text(text, "utf-8")
        status, _, errors = await run("reform", str(plan))
        assert status != 0
        assert problem in errors
    broken = tmp_path / "broken.csv"
    broken.write_bytes(b"\xff")
    assert "not UTF-8" in (await run("import", str(broken)))[2]
    assert "is not a file" in (await run("import", str(tmp_path / "nowhere.csv")))[2]
    assert "the format is one of" in (await run("import", "--format", "doc", str(file)))[2]
