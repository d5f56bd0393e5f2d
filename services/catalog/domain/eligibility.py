"""May I apply? Questions about the data elements that conditions name, and what the answers come to.

Nobody is signed in and nothing of it is kept: answers come in, an outcome goes out. What the answers leave open stays
open, and so does what only people can judge; whoever asks is never told more than the conditions say.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from services.catalog.domain import conditions
from services.catalog.domain.conditions import ConditionProblem, Program, Truth
from services.catalog.domain.texts import text_problem
from services.contracts.base import Text
from services.contracts.catalog_resources import DataType, ElementContent
from services.kit.errors import FieldProblem

MOST_CONDITIONS: Final = 50
"""Expressions that one check evaluates; those beyond are for the department to look at."""
MOST_ANSWERS: Final = 50
LONGEST_ANSWER: Final = 200
_LARGEST: Final = 2**53 - 1
"""RFC 8259 §6: the integers that all readers of JSON agree upon."""


class Answered(StrEnum):
    """What one condition comes to."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"
    NOT_CHECKABLE = "not_checkable"
    """Said in words only: the department looks at it."""


class Eligibility(StrEnum):
    """What all conditions come to."""

    ELIGIBLE = "eligible"
    """Every condition that can be checked is met."""
    NOT_ELIGIBLE = "not_eligible"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    name: Text


@dataclass(frozen=True, slots=True)
class Question:
    """One data element as people are asked for it."""

    element: str
    name: Text
    data_type: DataType
    unit: Text | None = None
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Checks:
    """Expressions ready to be evaluated, None where there is none, or none that can be."""

    programs: tuple[Program | None, ...]
    questions: tuple[Question, ...]


def names_in(expressions: Iterable[str | None]) -> frozenset[str]:
    """Codes of the data elements that expressions name; what cannot be read names none."""
    found: set[str] = set()
    for expression in expressions:
        with suppress(ConditionProblem):
            found |= conditions.elements_of(expression) if expression else frozenset()
    return frozenset(found)


def checks_of(
    expressions: Sequence[str | None], elements: Mapping[str, ElementContent], forms: Iterable[Mapping[str, Any]]
) -> Checks:
    """What can be checked of `expressions`, and the questions for it, in the order in which they are named.

    An expression that cannot be read, or names what is not registered (imported items are not linted), is not checked.
    A field of `forms` behind which an element stands gives it its options.
    """
    types = {conditions.variable(code): element.data_type for code, element in elements.items()}
    programs = tuple(_readable(expression, types) for expression in expressions[:MOST_CONDITIONS])
    programs += (None,) * (len(expressions) - len(programs))
    asked = dict.fromkeys(
        step.name for program in programs if program for step in program.steps if step.name in program.names
    )
    options = dict(_options(forms))
    by_variable = {conditions.variable(code): element for code, element in elements.items()}
    return Checks(programs, tuple(_question(by_variable[name], options) for name in asked))


def _readable(expression: str | None, types: Mapping[str, DataType]) -> Program | None:
    if expression:
        with suppress(ConditionProblem):
            program = conditions.compiled(expression)
            conditions.check_types(program, types)
            return program
    return None


def _question(element: ElementContent, options: Mapping[str, tuple[Option, ...]]) -> Question:
    offered = options.get(element.code, ()) if element.data_type == "text" else ()
    return Question(element.code, element.name, element.data_type, element.unit, offered)


def _options(forms: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, tuple[Option, ...]]]:
    for form in forms:
        properties = form.get("properties")
        for field in properties.values() if isinstance(properties, dict) else ():
            if isinstance(field, dict) and "x-element" in field and isinstance(field.get("enum"), list):
                titles = field.get("x-enum-titles", {})
                yield str(field["x-element"]), tuple(_option(str(value), titles) for value in field["enum"])


def _option(value: str, titles: Any) -> Option:
    title = titles.get(value) if isinstance(titles, dict) else None
    found = title if isinstance(title, dict) and isinstance(title.get("zh"), str) else {"zh": value}
    return Option(value, Text.model_validate(found))


def typed(answers: Mapping[str, Any], questions: Sequence[Question]) -> tuple[dict[str, Any], list[FieldProblem]]:
    """The answers by variable as expressions take them, and what is wrong with them; None is no answer."""
    if len(answers) > MOST_ANSWERS:
        return {}, [FieldProblem("answers", "too_many", f"at most {MOST_ANSWERS} answers")]
    known = {question.element: question for question in questions}
    values: dict[str, Any] = {}
    problems: list[FieldProblem] = []
    for element, answer in answers.items():
        field = f"answers.{element[:64]}"
        if element not in known:
            problems.append(FieldProblem(field, "unknown", "nothing here asks for this element"))
        elif answer is not None:
            value, problem = _typed(answer, known[element])
            if problem:
                problems.append(FieldProblem(field, *problem))
            values[conditions.variable(element)] = value
    return values, problems


def _typed(answer: Any, question: Question) -> tuple[Any, tuple[str, str] | None]:
    match question.data_type, answer:
        case "boolean", bool():
            return answer, None
        case ("integer" | "number", bool()):
            pass
        case "integer", int():
            return answer, None if abs(answer) <= _LARGEST else ("too_large", "the number is too large")
        case "number", int() | float():
            return answer, None if abs(answer) <= _LARGEST else ("too_large", "the number is too large")
        case "date", str():
            return _day(answer)
        case "text", str():
            return answer, _text_problem(answer, question)
    return None, ("type", "an answer of another kind is needed")


def _day(answer: str) -> tuple[date | None, tuple[str, str] | None]:
    # RFC 3339 full-date; `fromisoformat` alone takes other forms of ISO 8601, too.
    if len(answer) == 10 and answer[4] == answer[7] == "-":
        with suppress(ValueError):
            return date.fromisoformat(answer), None
    return None, ("format", "the answer is not a day, YYYY-MM-DD")


def _text_problem(answer: str, question: Question) -> tuple[str, str] | None:
    if question.options and all(answer != option.value for option in question.options):
        return "choice", "choose one of the options"
    if problem := text_problem(answer, LONGEST_ANSWER):
        return problem, "the answer is not a plain, short text"
    return None


def outcomes(checks: Checks, values: Mapping[str, Any], today: date) -> list[Answered]:
    """What each condition comes to by `values`."""
    return [
        Answered(conditions.evaluate(program, values, today).truth.value) if program else Answered.NOT_CHECKABLE
        for program in checks.programs
    ]


def together(found: Iterable[Answered]) -> Eligibility:
    """What the conditions come to together: one that is not met decides; what only people can judge decides nothing."""
    checked = {each for each in found if each is not Answered.NOT_CHECKABLE}
    if Answered.NOT_MET in checked:
        return Eligibility.NOT_ELIGIBLE
    return Eligibility.ELIGIBLE if checked == {Answered.MET} else Eligibility.UNKNOWN


def applies(program: Program | None, when: str | None, values: Mapping[str, Any], today: date) -> bool | None:
    """Whether a bundle's member applies: always without `when`; None where that is not known."""
    if not when:
        return True
    truth = conditions.evaluate(program, values, today).truth if program else Truth.UNKNOWN
    return None if truth is Truth.UNKNOWN else truth is Truth.MET
