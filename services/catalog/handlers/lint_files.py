"""The lint on files, as at publishing: `tongban items lint`."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from services.catalog.domain import bundles as bundle_rules
from services.catalog.domain import drafts
from services.catalog.domain.bundles import BundleFacts, Member
from services.catalog.domain.codes import normalise_code
from services.catalog.domain.form import form_problems
from services.catalog.domain.items import BundleContent, Content, ItemContent, Kind
from services.catalog.domain.life import ItemStatus
from services.catalog.domain.links import demands_of
from services.catalog.domain.lint import Facts, Finding, findings
from services.catalog.domain.periods import day_of
from services.catalog.handlers.bundles import findings_of
from services.catalog.handlers.imports.readers import LONGEST_LINE, json_row, lines_of
from services.catalog.handlers.lint import Beside, exempt_of, facts_of
from services.catalog.store.work import Work
from services.contracts.base import Text

_KINDS: Final[tuple[Kind, ...]] = ("base", "implementation", "handling", "bundle")
_READ: Final = Text(zh="改正这一行。", en="Mend this row.")


@dataclass(frozen=True, slots=True)
class FileRow:
    """One item or bundle of a file, or why it is none."""

    file: Path
    number: int
    content: Content | None
    problems: tuple[Finding, ...] = ()


async def lint_files(files: Sequence[Path], facts: Facts, work: Work | None) -> AsyncIterator[tuple[FileRow, Finding]]:
    """What is refused of the items of `files`, row by row: by the catalogue where there is `work`, else by `facts`.

    The files are read twice, and only what items name of each other is kept. The items count as in force beside each
    other: what a file has in a cycle is a cycle. Raises OSError.
    """
    beside = _beside(files)
    if work is not None:
        async with work:
            demands, givers = beside.joined(*await work.facts.proofs(beside.needs()))
        beside = replace(beside, demands=demands, givers=givers)
    codes: Counter[str] = Counter()
    for row in _rows(files):
        for problem in row.problems:
            yield row, problem
        if row.content is None:
            continue
        codes[row.content.code] += 1
        if codes[row.content.code] == 2:
            yield row, _twice(row.content)
        for finding in (*_form(row.content), *await _judged(row.content, beside, facts, work)):
            yield row, finding


async def _judged(content: Content, beside: Beside, facts: Facts, work: Work | None) -> list[Finding]:
    if isinstance(content, BundleContent):
        return await _judged_bundle(content, beside, facts, work)
    if work is None:
        demands, givers = beside.joined({}, {})
        base = beside.bases.get(content.base or "")
        known = replace(facts, demands=demands, givers=givers, names=beside.names, base=base)
        return findings(content, known)
    async with work:
        known = await facts_of(content, work, beside)
        return findings(content, known, exempt=await exempt_of(content.code, day_of(work.now()), work))


async def _judged_bundle(content: BundleContent, beside: Beside, facts: Facts, work: Work | None) -> list[Finding]:
    codes = {member.code for member in content.members}
    members = {code: beside.members[code] for code in codes & beside.members.keys()}
    if work is not None:
        return await findings_of(content, work, beside=members)
    standing = {code: Member(each, ItemStatus.PUBLISHED) for code, each in members.items()}
    known = BundleFacts(standing, facts.elements, registers=facts.registers, catalogue=False)
    return bundle_rules.findings(content, known)


def _form(content: Content) -> Iterator[Finding]:
    """What a draft is refused for before any rule judges it: a form that would not work."""
    if isinstance(content, ItemContent) and (content.kind != "base" or content.form):
        for problem in form_problems(content.form):
            yield Finding("form", problem.field, problem.cause, _READ)


def _twice(content: Content) -> Finding:
    """One code, one content on each day (一事一码): two rows of one code would be in force at once."""
    return Finding(
        "overlap",
        "code",
        Text(zh=f"编码 {content.code} 前面已经有一行。", en=f"An earlier row has the code {content.code}."),
        Text(zh="一个编码只留一行。", en="Keep one row of a code."),
    )


def _beside(files: Sequence[Path]) -> Beside:
    demands: dict[str, frozenset[str]] = {}
    givers: dict[str, frozenset[str]] = {}
    names: dict[str, Text] = {}
    wanted: set[str] = set()
    named: set[str] = set()
    for row in _rows(files):
        if (content := row.content) is None:
            continue
        if isinstance(content, BundleContent):
            named.update(member.code for member in content.members)
            continue
        if content.base:
            wanted.add(content.base)
        names[content.code] = content.name
        if content.kind == "base":
            continue
        demands[content.code] = demands_of(content)
        for result in content.results:
            if result.licence_type:
                givers[result.licence_type] = givers.get(result.licence_type, frozenset()) | {content.code}
    kept = {
        row.content.code: row.content
        for row in _rows(files)
        if isinstance(row.content, ItemContent) and row.content.code in wanted | named
    }
    bases, members = ({code: kept[code] for code in codes & kept.keys()} for codes in (wanted, named))
    return Beside(demands, givers, names, bases, members)


def _rows(files: Sequence[Path]) -> Iterator[FileRow]:
    for file in files:
        if whole := _document(file):
            yield _row(file, 1, whole)
            continue
        for number, line in enumerate(lines_of(file), 1):
            if line.strip():
                yield _row(file, number, line)


def _document(file: Path) -> bytes:
    """The file's content where it is one JSON document over several lines; nothing where it is JSON lines."""
    if file.stat().st_size > LONGEST_LINE:
        return b""
    whole = file.read_bytes()
    first = next(iter(whole.strip().splitlines()), b"")
    return whole if json_row(1, first).problem is not None and json_row(1, whole).problem is None else b""


def _row(file: Path, number: int, line: bytes) -> FileRow:
    raw = json_row(number, line)
    if raw.problem is not None:
        return FileRow(file, number, None, (_unreadable(raw.problem.field, raw.problem.detail),))
    kind = next((each for each in _KINDS if each == raw.values.get("kind", "implementation")), None)
    if kind is None:
        return FileRow(file, number, None, (_unreadable("kind", f"one of {', '.join(_KINDS)}"),))
    code = raw.values.get("code")
    if not isinstance(code, str):
        return FileRow(file, number, None, (_unreadable("code", "a text"),))
    code = normalise_code(code)
    content, problems = drafts.content_from({**raw.values, "code": code, "kind": kind}, kind, code)
    told = tuple(
        _unreadable(each.field, f"{each.reason}: {each.detail}" if each.detail else each.reason) for each in problems
    )
    return FileRow(file, number, content, told)


def _unreadable(field: str, detail: str) -> Finding:
    return Finding("content", field, Text(zh=detail, en=detail), _READ)
