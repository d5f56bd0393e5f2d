"""Conditions as expressions over data elements: a bounded part of CEL (Common Expression Language, cel-spec).

The grammar is cel-python's. What is admitted of it is ours, and so is the evaluation, because a guide asks what CEL
does not answer: with some data missing, is the condition met, not met, or not known yet?

**Admitted:** names of data elements (`-` in a code is written `_`) and `today`; text without backslash, whole and
decimal numbers, `true`, `false`, lists; `&& || ! ?: == != < <= > >= in + - * / %`; `size(x)`, `x.startsWith(y)`,
`x.endsWith(y)`, `x.contains(y)`, `double(x)`; and, of our own, `date("2000-01-31")`, `age(day)` (full years),
`days_since(day)`. **Refused:** everything else: macros, fields, indices, maps, messages, bytes, unsigned numbers,
`null`, `matches`, any other function.

**Bounds.** An expression is at most `LONGEST` characters, nested `DEEPEST` deep, of `MOST_STEPS` steps. Nothing
admitted repeats or names a part of it, so each step runs once, and a joined text is no longer than all that it is
joined from. A deadline stands behind that all the same. Brackets are counted before the parser sees them, and a
backslash never reaches it: its pattern for texts tries `\\x41` in two ways at each of them (2^n, measured).
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Final

from services.catalog.domain.conditions.meaning import DEADLINE, Outcome, Truth, check, run
from services.catalog.domain.conditions.syntax import (
    DEEPEST,
    LONGEST,
    MOST_STEPS,
    TODAY,
    ConditionProblem,
    Program,
    read,
)
from services.contracts.base import Text
from services.contracts.catalog_resources import DataType

__all__ = [
    "DEADLINE",
    "DEEPEST",
    "LONGEST",
    "MOST_STEPS",
    "TODAY",
    "ConditionProblem",
    "Outcome",
    "Program",
    "Truth",
    "check_types",
    "compiled",
    "elements_of",
    "evaluate",
    "variable",
]

_CACHED: Final = 512


def compiled(expression: str) -> Program:
    """The expression, read and checked as far as it can be without the register. Raises ConditionProblem."""
    found = _read(expression)
    if isinstance(found, Program):
        return found
    raise ConditionProblem(*found)


@lru_cache(maxsize=_CACHED)
def _read(expression: str) -> Program | tuple[Text, Text]:
    """The program, or cause and mend of the refusal: what is refused is not read again either."""
    try:
        program = read(expression)
        check(program, None)
    except ConditionProblem as problem:
        return problem.cause, problem.mend
    return program


def check_types(program: Program, types: Mapping[str, DataType]) -> None:
    """Check names and types against the register: `types` by variable. Raises ConditionProblem."""
    check(program, types)


def elements_of(expression: str) -> frozenset[str]:
    """The variables that it asks for, `today` apart. Raises ConditionProblem."""
    return compiled(expression).names


def evaluate(program: Program, answers: Mapping[str, Any], today: date, *, deadline: float = DEADLINE) -> Outcome:
    """Whether the condition is met by `answers` (by variable; what is absent or None is unknown). Never raises."""
    return run(program, answers, today, deadline)


def variable(code: str) -> str:
    """A data element's code as expressions write it: CEL takes a hyphen for minus."""
    return code.replace("-", "_")
