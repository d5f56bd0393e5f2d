"""Organisations (机构): government organs and public enterprises, their place in the tree, their functions (职能)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from pydantic import TypeAdapter, ValidationError

from services.catalog.domain import codes, divisions
from services.catalog.domain.items import digest_of
from services.catalog.domain.texts import PROBLEMS, cleaned, text_problem
from services.contracts.base import Text
from services.contracts.catalog_items import Basis
from services.contracts.catalog_organisations import Function, OrganisationKind
from services.kit.errors import FieldProblem

LONGEST_ID: Final = 128
LONGEST_NAME: Final = 100
LONGEST_TEXT: Final = 1000
MOST_FUNCTIONS: Final = 200
MOST_FUNCTION_ITEMS: Final = 500
LEVELS: Final = range(1, 8)
KINDS: Final[tuple[OrganisationKind, ...]] = get_args(OrganisationKind)

_FUNCTION_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
# What may be wrong with a code that was really issued all the same, as its certificate shows.
_PROVABLE: Final = frozenset({"check", "organisation_check", "unknown_class"})
USCC_PROBLEMS: Final = {
    "malformed": "18 characters: digits and capitals without I, O, S, V, Z (GB 32100-2015)",
    "unknown_class": "its first two characters are no registering department and class of GB 32100-2015",
    "organisation_check": "the check character of the organisation code inside (the 17th) is wrong",
    "check": "its check character (the last) is wrong",
}


@dataclass(frozen=True, slots=True)
class OrganisationState:
    """What the catalogue knows of an organisation (government organ or public enterprise)."""

    id: str
    """The USCC where one is known, else `organisation_id(division, name)`; it stays when more becomes known."""
    name: Text
    division: str
    uscc: str | None = None
    kind: OrganisationKind = "organ"
    level: int | None = None
    """GB/T 39046-2020: 1 state, 2 province, 3 city, 4 county, 5 township, 6 village, 7 by grade."""
    parent: str | None = None
    functions: tuple[Function, ...] = ()
    status: Literal["active", "closed"] = "active"
    successors: tuple[str, ...] = ()
    uscc_proof: str | None = None
    """What shows that a USCC which fails its check was issued so: a few were."""

    @property
    def uscc_verified(self) -> bool:
        # It passes both checks; registry look-ups come with `exchange`.
        return self.uscc is not None and self.uscc_proof is None

    @property
    def digest(self) -> str:
        return digest_of(self.document())

    def document(self) -> dict[str, Any]:
        """The state as JSON values."""
        document: dict[str, Any] = STATE.dump_python(self, mode="json")
        return document


STATE: Final = TypeAdapter(OrganisationState)


def organisation_id(division: str, name: str) -> str:
    """Id of an organisation without a valid USCC: area and department name, which its publisher keeps unique."""
    return f"{division}:{name}"


def read(
    raw: Mapping[str, Any], year: int, id_: str | None = None
) -> tuple[OrganisationState | None, Sequence[FieldProblem]]:
    """An active organisation from what somebody wrote, set right where there is no doubt, and what is wrong with it.

    Divisions count as of `year`. `id_` where it is told; else it is the USCC, or division and name.
    """
    given = {name: raw.get(name) for name in _FIELDS if raw.get(name) not in (None, "")}
    try:
        state = STATE.validate_python({"id": "", **given})
    except ValidationError as error:
        found = [FieldProblem(".".join(map(str, e["loc"])), e["type"], e["msg"][:200]) for e in error.errors()]
        return None, found[:100]
    state = _set_right(state)
    wanted = id_ if id_ is not None else state.uscc or organisation_id(state.division, state.name.zh)
    problems = list(_problems(state, year, wanted))
    if not problems and (not wanted or text_problem(wanted, LONGEST_ID) is not None):
        problems = [FieldProblem("id", "format", f"at most {LONGEST_ID} characters, none of them a control character")]
    if problems:
        return None, problems
    return _with(state, id=wanted), ()


_FIELDS: Final = ("name", "division", "uscc", "uscc_proof", "kind", "level", "parent", "functions")


def new_id_problem(state: OrganisationState) -> FieldProblem | None:
    """Why an organisation that is not known yet may not have this id."""
    right = state.uscc or organisation_id(state.division, state.name.zh)
    return None if state.id == right else FieldProblem("id", "mismatch", f"the id of this organisation is {right}")


def _with(state: OrganisationState, **changed: Any) -> OrganisationState:
    return OrganisationState(**{name: getattr(state, name) for name in state.__slots__} | changed)


def _set_right(state: OrganisationState) -> OrganisationState:
    return _with(
        state,
        name=_tidy(state.name),
        division=divisions.division_code(state.division) or state.division,
        uscc=codes.normalise_code(state.uscc) if state.uscc else None,
        uscc_proof=cleaned(state.uscc_proof)[0] or None if state.uscc_proof else None,
        parent=cleaned(state.parent)[0] or None if state.parent else None,
        functions=tuple(map(_function_set_right, state.functions)),
    )


def _function_set_right(function: Function) -> Function:
    basis = function.basis
    if basis is not None:
        basis = Basis(
            law=cleaned(basis.law)[0],
            article=cleaned(basis.article)[0] or None if basis.article else None,
            text=cleaned(basis.text, lines=True)[0] or None if basis.text else None,
        )
    items = tuple(dict.fromkeys(map(codes.normalise_code, function.items)))
    reason = _tidy(function.reason) if function.reason else None
    return Function(id=function.id.strip(), name=_tidy(function.name), basis=basis, items=items, reason=reason)


def _tidy(text: Text) -> Text:
    return Text(zh=cleaned(text.zh)[0], en=cleaned(text.en)[0] or None if text.en else None)


def _problems(state: OrganisationState, year: int, id_: str) -> Iterator[FieldProblem]:
    yield from _text("name", state.name, LONGEST_NAME, required=True)
    if divisions.holder(state.division, year) is None:
        was = divisions.ever_in_force(state.division)
        yield FieldProblem("division", "unknown_division", f"not in force in {year}" if was else "no such division")
    yield from _uscc_problems(state)
    if state.level is not None and state.level not in LEVELS:
        yield FieldProblem("level", "range", "1 state, 2 province, 3 city, 4 county, 5 township, 6 village, 7 by grade")
    if state.parent is not None and (len(state.parent) > LONGEST_ID or state.parent == id_):
        yield FieldProblem("parent", "cycle" if state.parent == id_ else "too_long", "not the organisation itself")
    yield from _function_problems(state.functions)


def _uscc_problems(state: OrganisationState) -> Iterator[FieldProblem]:
    if state.uscc is None:
        if state.uscc_proof is not None:
            yield FieldProblem("uscc_proof", "unneeded", "there is no code to prove")
        return
    problem = codes.uscc_problem(state.uscc)
    if problem is None and state.uscc_proof is not None:
        yield FieldProblem("uscc_proof", "unneeded", "the code passes its checks")
    if problem is not None and (problem not in _PROVABLE or state.uscc_proof is None):
        yield FieldProblem("uscc", problem, USCC_PROBLEMS.get(problem, problem))
    if state.uscc_proof is not None:
        yield from _plain("uscc_proof", state.uscc_proof, LONGEST_TEXT)


def _function_problems(functions: Sequence[Function]) -> Iterator[FieldProblem]:
    if len(functions) > MOST_FUNCTIONS:
        yield FieldProblem("functions", "too_many", f"at most {MOST_FUNCTIONS}")
        return
    seen: set[str] = set()
    for place, function in enumerate(functions):
        field = f"functions.{place}"
        if not _FUNCTION_ID.fullmatch(function.id):
            yield FieldProblem(f"{field}.id", "format", "letters, digits, dots and hyphens, at most 64")
        if function.id in seen:
            yield FieldProblem(f"{field}.id", "repeated", f"{function.id} came before")
        seen.add(function.id)
        yield from _text(f"{field}.name", function.name, LONGEST_NAME, required=True)
        yield from _text(f"{field}.reason", function.reason, LONGEST_TEXT)
        if function.basis is not None:
            yield from _plain(f"{field}.basis.law", function.basis.law, LONGEST_TEXT, required=True)
            yield from _plain(f"{field}.basis.article", function.basis.article or "", LONGEST_TEXT)
            yield from _plain(f"{field}.basis.text", function.basis.text or "", 10 * LONGEST_TEXT, lines=True)
        if len(function.items) > MOST_FUNCTION_ITEMS:
            yield FieldProblem(f"{field}.items", "too_many", f"at most {MOST_FUNCTION_ITEMS}")
        for code in function.items:
            if codes.parse_item_code(code) is None:
                yield FieldProblem(f"{field}.items", "format", f"{code[:70]} is no item code")


def _text(field: str, text: Text | None, longest: int, *, required: bool = False) -> Iterator[FieldProblem]:
    if text is not None:
        yield from _plain(f"{field}.zh", text.zh, longest, required=required)
        yield from _plain(f"{field}.en", text.en or "", 2 * longest)


def _plain(
    field: str, text: str, longest: int, *, required: bool = False, lines: bool = False
) -> Iterator[FieldProblem]:
    if required and not text:
        yield FieldProblem(field, "required", "missing or empty")
    if problem := text_problem(text, longest, lines=lines):
        yield FieldProblem(field, problem, PROBLEMS[problem].format(longest=longest))


def cycle_through(id_: str, parents: Mapping[str, str | None]) -> tuple[str, ...]:
    """The chain of parents that leads from `id_` back to it, both ends included; empty where none does."""
    chain, above = [id_], parents.get(id_)
    while above is not None and above not in chain:
        chain.append(above)
        above = parents.get(above)
    return (*chain, id_) if above == id_ else ()
