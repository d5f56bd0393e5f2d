"""Reforms of organisations (机构改革): who takes over from whom, and what of the sources goes where.

Organisations are merged (合并), split (分设), renamed (更名) or abolished (撤销). The plan is made of what is there and
of what was asked for, without reading or writing anything, and a refusal says all that stands against it at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, get_args

from services.catalog.domain.codes import base_in, handling_code, implementation_code
from services.catalog.domain.items import BundleContent, Content, Kind
from services.catalog.domain.organisations import OrganisationState
from services.contracts.catalog_items import Organisation
from services.contracts.catalog_organisations import Function
from services.kit.errors import FieldProblem

ReformKind = Literal["merge", "split", "rename", "abolish"]
KINDS: Final[tuple[ReformKind, ...]] = get_args(ReformKind)
MOST_SOURCES: Final = 50
MOST_TARGETS: Final = 50
MOST_ITEMS: Final = 10_000
"""Items that one reform carries over: it is one transaction, and no department has as many."""
_TOLD: Final = 100
"""Problems that a refusal tells of."""


@dataclass(frozen=True, slots=True)
class Reform:
    """What was asked for. Targets that are there already come as they are, changed where the reform changes them."""

    kind: ReformKind
    sources: tuple[str, ...]
    targets: tuple[OrganisationState, ...]
    items: Mapping[str, str] = field(default_factory=dict)
    """Code of an item → target."""
    functions: Mapping[str, str] = field(default_factory=dict)
    """Id of a function → target."""


@dataclass(frozen=True, slots=True)
class SourceItem:
    """What the plan needs of an item of a source."""

    code: str
    kind: Kind
    organisation: str
    function: str | None
    base: str | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """What becomes of one item: its new code (the old one, where it stays), and whose it is now."""

    code: str
    target: str
    merged: bool = False
    """The target has the item already (一事一码): the old code becomes another name of that one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a reform changes."""

    states: tuple[OrganisationState, ...]
    """Organisations as they are afterwards, those that change: targets first, then those below, then closed sources."""
    items: Mapping[str, Carried]
    """Of every item of the sources that goes over."""
    retired: tuple[str, ...]
    """Items that nobody takes over."""
    functions: Mapping[tuple[str, str], str]
    """(source, id) of each function that moved under another id → that id."""
    heirs: Mapping[str, str | None]
    """Closed source → the first of its targets."""


class Refused(Exception):
    """What stands against a reform."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__(", ".join(problem.detail for problem in problems[:3]))
        self.problems = tuple(problems[:_TOLD])


def check(reform: Reform, known: Mapping[str, OrganisationState]) -> None:
    """Whether the organisations can be reformed so at all; `known` are the sources and targets that are there. Raises
    Refused."""
    problems = [*_shape(reform)]
    for place, source in enumerate(reform.sources):
        problems += _usable(f"sources.{place}", source, known, must_be_known=True)
    for place, target in enumerate(reform.targets):
        problems += _usable(f"targets.{place}", target.id, known, must_be_known=False)
    ids = {target.id for target in reform.targets}
    for name, given in (("items", reform.items), ("functions", reform.functions)):
        problems += [
            FieldProblem(f"{name}.{key}"[:200], "unknown_target", f"{target} is none of the targets")
            for key, target in given.items()
            if target not in ids
        ]
    if problems:
        raise Refused(problems)


def _shape(reform: Reform) -> Iterable[FieldProblem]:
    sources, targets = reform.sources, [target.id for target in reform.targets]
    for name, found in (("sources", sources), ("targets", targets)):
        if len(set(found)) != len(found):
            yield FieldProblem(name, "repeated", "an organisation comes twice")
    if not 1 <= len(sources) <= MOST_SOURCES or len(targets) > MOST_TARGETS:
        yield FieldProblem("sources", "number", f"1 to {MOST_SOURCES} sources, at most {MOST_TARGETS} targets")
        return
    match reform.kind:
        case "merge":
            if len(targets) != 1 or not set(sources) - set(targets):
                yield FieldProblem("targets", "number", "a merger has one target, and a source that is another")
        case "split":
            if len(sources) != 1 or len(targets) < 2:
                yield FieldProblem("targets", "number", "a split has one source and at least two targets")
        case "rename":
            if len(sources) != 1 or len(targets) != 1:
                yield FieldProblem("targets", "number", "a renaming has one source and one target")
        case "abolish":
            if set(sources) & set(targets):
                yield FieldProblem("targets", "number", "what is abolished takes nothing over")


def _usable(
    place: str, id_: str, known: Mapping[str, OrganisationState], *, must_be_known: bool
) -> Iterable[FieldProblem]:
    state = known.get(id_)
    if state is None:
        if must_be_known:
            yield FieldProblem(place, "unknown", f"no organisation has the id {id_}"[:300])
    elif state.status == "closed":
        heirs = ", ".join(state.successors) or "nobody"
        yield FieldProblem(place, "closed", f"{id_} was closed; {heirs} took over"[:300])


def plan(
    reform: Reform,
    known: Mapping[str, OrganisationState],
    children: Sequence[OrganisationState],
    items: Sequence[SourceItem],
    taken: Iterable[str],
) -> Plan:
    """What `reform` changes. `known`: its sources and those of its targets that are there; `children`: the active
    organisations right below the sources; `items`: those of the sources that are not retired, an implementation before
    its handling items; `taken`: codes that other items have. Raises Refused."""
    check(reform, known)
    kept = {target.id for target in reform.targets}
    closing = [source for source in reform.sources if source not in kept]
    moves, problems = _destinations(reform, closing, items)
    functions, renamed, more = _functions(reform, known, closing, items, moves)
    problems += more
    if problems:
        raise Refused(problems)
    targets = {target.id: target for target in reform.targets}
    carried, more = _codes(known, targets, items, moves, set(taken))
    if more:
        raise Refused(more)
    heirs = {source: _heir(source, reform) for source in closing}
    states = _states(reform, known, children, functions, heirs)
    before = {**known, **{child.id: child for child in children}}
    return Plan(
        states=tuple(state for state in states if before.get(state.id) != state),
        items=carried,
        retired=tuple(item.code for item in items if moves[item.code] is None),
        functions=renamed,
        heirs=heirs,
    )


def _heir(source: str, reform: Reform) -> str | None:
    return next((target.id for target in reform.targets if target.id != source), None)


def _destinations(
    reform: Reform, closing: Sequence[str], items: Sequence[SourceItem]
) -> tuple[dict[str, str | None], list[FieldProblem]]:
    """The target of each item, None where nobody takes it over."""
    moves: dict[str, str | None] = {}
    problems = []
    targets = [target.id for target in reform.targets]
    for item in items:
        # A handling item goes where its item goes, unless it is told otherwise.
        target = reform.items.get(item.code) or (moves.get(item.base or "") if item.kind == "handling" else None)
        if target is None and item.organisation not in closing:
            target = item.organisation
        if target is None and len(targets) == 1:
            [target] = targets
        if target is None and targets:
            detail = "say which target takes it over"
            problems.append(FieldProblem(f"items.{item.code}", "no_target", detail))
        moves[item.code] = target
    problems += [
        FieldProblem(f"items.{code}"[:200], "unknown", "no item of the sources has this code")
        for code in reform.items.keys() - moves.keys()
    ]
    return moves, problems


def _functions(
    reform: Reform,
    known: Mapping[str, OrganisationState],
    closing: Sequence[str],
    items: Sequence[SourceItem],
    moves: Mapping[str, str | None],
) -> tuple[dict[str, list[Function]], dict[tuple[str, str], str], list[FieldProblem]]:
    """The functions of each target afterwards, and the ids that changed on the way."""
    functions = {target.id: list(target.functions) for target in reform.targets}
    renamed: dict[tuple[str, str], str] = {}
    problems: list[FieldProblem] = []
    ids = set[str]()
    for source in reform.sources:
        for function in known[source].functions:
            ids.add(function.id)
            told = reform.functions.get(function.id)
            if told is None and source not in closing:
                continue
            heirs = [told] if told is not None else _function_heirs(source, function.id, reform, items, moves)
            # Where an item of it goes has not been said either, and is asked for.
            asked = any(moves[each.code] is None for each in _items_of(source, function.id, items))
            if not heirs and reform.targets and not asked:
                detail = f"say which target takes over {function.name.zh}"[:300]
                problems.append(FieldProblem(f"functions.{function.id}", "no_target", detail))
            if source in functions and told != source:
                functions[source] = [each for each in functions[source] if each.id != function.id]
            for heir in heirs:
                if heir != source:
                    id_ = _take_over(functions[heir], function)
                    if id_ != function.id:
                        renamed[source, function.id] = id_
    problems += [
        FieldProblem(f"functions.{id_}"[:200], "unknown", "no source has a function of this id")
        for id_ in reform.functions.keys() - ids
    ]
    return functions, renamed, problems


def _function_heirs(
    source: str, id_: str, reform: Reform, items: Sequence[SourceItem], moves: Mapping[str, str | None]
) -> list[str]:
    if len(reform.targets) == 1:
        return [reform.targets[0].id]
    # Whoever takes an item of it over has the function; several may.
    found = [moves[item.code] for item in _items_of(source, id_, items)]
    return [target for target in dict.fromkeys(found) if target is not None]


def _items_of(source: str, function: str, items: Sequence[SourceItem]) -> list[SourceItem]:
    return [item for item in items if (item.organisation, item.function) == (source, function)]


def _take_over(functions: list[Function], function: Function) -> str:
    """Add a function to those of a target; the id that it has there. The same one is there once, with both's items."""
    for place, there in enumerate(functions):
        if there.name.zh == function.name.zh:
            both = tuple(dict.fromkeys((*there.items, *function.items)))
            basis = there.basis or function.basis
            functions[place] = there.model_copy(update={"items": both, "basis": basis})
            return there.id
    ids = {each.id for each in functions}
    names = (function.id, *(f"{function.id[:60]}-{number}" for number in range(2, 1000)))
    id_ = next(name for name in names if name not in ids)
    functions.append(function.model_copy(update={"id": id_}))
    return id_


def _codes(
    known: Mapping[str, OrganisationState],
    targets: Mapping[str, OrganisationState],
    items: Sequence[SourceItem],
    moves: Mapping[str, str | None],
    taken: set[str],
) -> tuple[dict[str, Carried], list[FieldProblem]]:
    """The code that each item has afterwards: another one where the code holds the old organisation's USCC."""
    carried: dict[str, Carried] = {}
    problems: list[FieldProblem] = []
    for item in items:
        target_id = moves[item.code]
        if target_id is None:
            continue
        source, target = known[item.organisation], targets[target_id]
        code = code_at(item.code, source, target)
        if code is None:
            detail = f"{target_id} has no USCC that passes its check, which its code needs"
            problems.append(FieldProblem(f"items.{item.code}", "no_uscc", detail))
            continue
        if item.kind == "handling" and code != item.code and code in taken:
            # Two of one number are two situations.
            free = (handling_code(code[:31], number) for number in range(1, 100))
            code = next((each for each in free if each not in taken), None)
            if code is None:
                problems.append(FieldProblem(f"items.{item.code}", "no_number", "99 handling items are there already"))
                continue
        carried[item.code] = Carried(code, target_id, merged=code != item.code and code in taken)
        taken.add(code)
    return carried, problems


def code_at(code: str, source: OrganisationState, target: OrganisationState) -> str | None:
    """The code that an item of `source` has at `target`: its own, unless it holds the source's USCC and not the
    target's. None where the target has no USCC of which a code can be made."""
    base = base_in(code)
    if base is None or code[:18] != source.uscc or source.uscc == target.uscc:
        return code
    if target.uscc is None or not target.uscc_verified:
        return None
    return implementation_code(target.uscc, target.level or int(code[18]), base) + code[31:]


def _states(
    reform: Reform,
    known: Mapping[str, OrganisationState],
    children: Sequence[OrganisationState],
    functions: Mapping[str, list[Function]],
    heirs: Mapping[str, str | None],
) -> list[OrganisationState]:
    """Everybody who changes, in an order in which parents are there before those below them."""

    def resolved(parent: str | None, below: str) -> str | None:
        # A parent that closes is followed by its heir, and where that is the one below, by the parent's own parent.
        seen: set[str] = set()
        while parent is not None and parent in heirs and parent not in seen:
            seen.add(parent)
            heir = heirs[parent]
            parent = heir if heir is not None and heir != below else known[parent].parent
        return None if parent == below else parent

    first = known[reform.sources[0]]
    targets = []
    for target in reform.targets:
        parent = target.parent if target.id in known or target.parent is not None else first.parent
        targets.append(replace(target, parent=resolved(parent, target.id), functions=tuple(functions[target.id])))
    ids = {target.id for target in targets} | heirs.keys()
    below = [
        replace(child, parent=resolved(child.parent, child.id))
        for child in children
        if child.id not in ids and child.parent in heirs
    ]
    successors = tuple(target.id for target in reform.targets)
    closed = [replace(known[source], status="closed", successors=successors, functions=()) for source in heirs]
    return [*targets, *below, *closed]


def carried_content(content: Content, source: OrganisationState, target: OrganisationState, made: Plan) -> Content:
    """`content` as the target's: its code, organisation, division, and what in it names what else went over."""
    code = made.items[content.code].code
    organisation = Organisation(id=target.id, name=target.name)
    changed: dict[str, Any] = {"code": code, "organisation": organisation}
    if content.division == source.division:
        changed["division"] = target.division
    if isinstance(content, BundleContent):
        return referring(content, made).model_copy(update=changed)
    function = content.function
    changed |= {
        "base": _new(content.base, made) if content.base else None,
        "function": made.functions.get((source.id, function), function) if function else None,
        "materials": tuple(
            material.model_copy(update={"result_of": _new(material.result_of, made)})
            if material.result_of
            else material
            for material in content.materials
        ),
    }
    return content.model_copy(update=changed)


def referring(content: BundleContent, made: Plan) -> BundleContent:
    """A bundle that names its items by the codes that they have now."""
    members = tuple(
        member.model_copy(
            update={"code": _new(member.code, made), "after": tuple(_new(code, made) for code in member.after)}
        )
        for member in content.members
    )
    shared = tuple(
        tuple("#".join((_new(name.partition("#")[0], made), name.partition("#")[2])) for name in group)
        for group in content.shared_materials
    )
    return content.model_copy(update={"members": members, "shared_materials": shared})


def _new(code: str, made: Plan) -> str:
    carried = made.items.get(code)
    return carried.code if carried is not None else code
