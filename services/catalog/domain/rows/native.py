"""A row that is a whole item or bundle, as an export writes it. It is judged as a draft from the editor is."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, get_args

from services.catalog.domain import codes
from services.catalog.domain.drafts import content_from
from services.catalog.domain.form import form_problems
from services.catalog.domain.imports import Problem, Raw, Refused, Row
from services.catalog.domain.items import Kind
from services.catalog.domain.organisations import OrganisationState
from services.catalog.domain.texts import cleaned
from services.kit.errors import FieldProblem

_FORMLESS: Final = ("base", "bundle")
"""Nobody applies for these."""
_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


def is_native(values: Mapping[str, Any]) -> bool:
    """Whether a row is a whole content: its organisation is an object, which no column can be."""
    return isinstance(values.get("organisation"), dict)


def read(raw: Raw) -> Row:
    """The content of a row. Raises Refused."""
    written = str(raw.values.get("code") or "")
    given_kind = raw.values.get("kind", "implementation")
    kind = next((each for each in _KINDS if each == given_kind), None)
    if kind is None:
        raise Refused(Problem(raw.number, "kind", "malformed", f"none of {', '.join(_KINDS)}"))
    code = codes.parse_item_code(written)
    if code is None:
        raise Refused(
            Problem(raw.number, "code", "malformed", "not an item code (letters, digits, hyphens; at most 64)")
        )
    form = raw.values.get("form")
    if (form or kind not in _FORMLESS) and (wrong := _form_problem(json.dumps(form))) is not None:
        raise Refused(Problem(raw.number, wrong.field[:200], wrong.reason, wrong.detail))
    given = {name: value for name, value in raw.values.items() if name != "code_system"}
    content, problems = content_from({**given, "code": code.code}, kind, code.code)
    if content is None or problems:
        first = problems[0]
        raise Refused(Problem(raw.number, first.field[:200], first.reason, first.detail))
    found = content.document()
    del given["code"]
    given.pop("form", None)
    warnings = [
        Problem(raw.number, path[:200], "normalised", ", ".join(cleaned(text, lines=True)[1]), kept)
        for path, text, kept in _set_right(given, found, "")
    ]
    if written != code.code:
        warnings.append(Problem(raw.number, "code", "normalised", "case, width or space", code.code))
    organisation = content.organisation
    uscc = organisation.id if codes.uscc_problem(organisation.id) is None else None
    state = OrganisationState(organisation.id, organisation.name, content.division, uscc)
    return Row(raw.number, content, state, False, tuple(warnings), None)


@lru_cache(256)
def _form_problem(form: str) -> FieldProblem | None:
    """What is wrong with a form: many items share one."""
    found = form_problems(json.loads(form))
    return FieldProblem(found[0].field, found[0].reason, found[0].cause.in_language("en")) if found else None


def _set_right(given: Any, kept: Any, path: str) -> Iterator[tuple[str, str, str]]:
    """Texts that are kept otherwise than they were given: where, as given, as kept."""
    if isinstance(given, str) and isinstance(kept, str) and given != kept:
        yield path, given, kept
    elif isinstance(given, dict) and isinstance(kept, dict):
        for name, value in given.items():
            yield from _set_right(value, kept.get(name), f"{path}.{name}" if path else name)
    elif isinstance(given, list) and isinstance(kept, list):
        for place, (one, other) in enumerate(zip(given, kept, strict=False)):
            yield from _set_right(one, other, f"{path}.{place}")
