"""What an expression means: the types of its operations, and its value where some data are not known.

Types and values go through the same steps, each on a stack. An operation with an unknown operand is unknown; `&&`, `||`
and `?:` are known as soon as the operands that are known decide (CEL's commutative logic, langdef.md "Logical
operators").
"""

import calendar
import math
import operator
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from services.catalog.domain.conditions.syntax import TODAY, ConditionProblem, Program, Step, problem
from services.contracts.base import Text
from services.contracts.catalog_resources import DataType

DEADLINE: Final = 0.05
"""Seconds for one evaluation. `MOST_STEPS` steps take a small part of it (a test says so)."""

_ANY: Final = "any"
"""The type of a data element while the register is not asked."""
_INT64: Final = 2**63
_NUMBERS: Final = ("integer", "number")
_TYPE_NAMES: Final = {
    "text": ("文字", "text"),
    "integer": ("整数", "a whole number"),
    "number": ("小数", "a decimal number"),
    "boolean": ("是非", "true or false"),
    "date": ("日期", "a day"),
    "list": ("列表", "a list"),
    _ANY: ("任意", "anything"),
}


class Truth(StrEnum):
    """Whether a condition holds."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"
    """The data that are known do not decide it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an evaluation found; `problem`: why it found nothing, where that is not for lack of data."""

    truth: Truth
    problem: Text | None = None


class _Unknown:
    pass


_UNKNOWN: Final = _Unknown()


@dataclass(frozen=True, slots=True)
class _Failed:
    """A value that cannot be: divided by zero, out of range, of the wrong type."""

    cause: Text


# Types -------------------------------------------------------------------------------------------------------------


def check(program: Program, types: Mapping[str, DataType] | None) -> None:
    """Whether every operation has operands that it takes; `types` None: names are taken for anything."""
    stack: list[str] = []
    for step in program.steps:
        if step.name:
            stack.append(_type_of_name(step.name, types))
        elif not step.operation:
            stack.append(_type_of(step.value))
        else:
            operands = _popped(stack, step.takes)
            stack.append(_result(step.operation, operands))
    if stack.pop() not in ("boolean", _ANY):
        raise problem(
            "表达式的结果不是“是”或“否”。",
            "The expression's result is not true or false.",
            "写成比较，比如 area >= 100。",
            "Write a comparison, such as area >= 100.",
        )


def _type_of_name(name: str, types: Mapping[str, DataType] | None) -> str:
    if name == TODAY:
        return "date"
    if types is None:
        return _ANY
    if name in types:
        return types[name]
    raise problem(
        f"{name} 不是登记过的数据元。",
        f"{name} is no registered data element.",
        "用登记过的数据元的代码（连字符写成下划线），或者先请管理员登记。",
        "Use a registered element's code (a hyphen is written _), or have it registered first.",
    )


def _type_of(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "text"
        case date():
            return "date"
        case tuple():
            return f"list {_type_of(value[0])}" if value else f"list {_ANY}"
    return ""


def _comparable(left: str, right: str) -> bool:
    """CEL compares whole and decimal numbers with each other, else like with like."""
    return _ANY in (left, right) or left == right or (left in _NUMBERS and right in _NUMBERS)


def _result(operation: str, types: Sequence[str]) -> str:
    """The type that `operation` makes of operands of these types. Raises ConditionProblem."""
    found = _RULES[operation](*types) if operation != "list" else _list_type(types)
    if found:
        return found
    zh = "、".join(_TYPE_NAMES[each.split()[0]][0] for each in types)
    en = ", ".join(_TYPE_NAMES[each.split()[0]][1] for each in types)
    shown = "-" if operation == "neg" else operation
    raise problem(
        f"{shown} 用在了不合适的内容上：{zh}。",
        f"{shown} does not go with {en}.",
        "两边要是同一种：文字加引号，小数写成 2.0（整数用 double(x) 转换），日期用 date(…)、age(…)。",
        "Both sides are of one kind: texts in quotes, decimals as 2.0 (or by double(x)), days by date(…) and age(…).",
    )


def _list_type(types: Sequence[str]) -> str | None:
    first = next((each for each in types if each != _ANY), _ANY)
    plain = all(_comparable(first, each) and not each.startswith("list") for each in types)
    return f"list {first}" if plain else None


def _only(wanted: str, result: str) -> Callable[..., str | None]:
    return lambda *types: result if all(each in (wanted, _ANY) for each in types) else None


def _arithmetic(*types: str) -> str | None:
    known = {each for each in types if each != _ANY}
    return (known.pop() if known else _ANY) if len(known) <= 1 and known <= set(_NUMBERS) else None


def _addition(left: str, right: str) -> str | None:
    texts = {left, right} <= {"text", _ANY} and "text" in (left, right)
    return "text" if texts else _arithmetic(left, right)


def _equality(left: str, right: str) -> str | None:
    return "boolean" if _comparable(left, right) and not (left + right).count("list") else None


def _order(left: str, right: str) -> str | None:
    return "boolean" if _equality(left, right) and "boolean" not in (left, right) else None


def _membership(item: str, container: str) -> str | None:
    kind, _, of = container.partition(" ")
    return "boolean" if kind == _ANY or (kind == "list" and _comparable(item, of)) else None


def _choice(condition: str, left: str, right: str) -> str | None:
    if condition not in ("boolean", _ANY) or (left != right and _ANY not in (left, right)):
        return None
    return right if left == _ANY else left


_RULES: Final[Mapping[str, Callable[..., str | None]]] = {
    "&&": _only("boolean", "boolean"),
    "||": _only("boolean", "boolean"),
    "!": _only("boolean", "boolean"),
    "?:": _choice,
    "==": _equality,
    "!=": _equality,
    **dict.fromkeys(("<", "<=", ">", ">="), _order),
    "in": _membership,
    "+": _addition,
    **dict.fromkeys(("-", "*", "/", "neg"), _arithmetic),
    "%": _only("integer", "integer"),
    "size": lambda of: "integer" if of in ("text", _ANY) or of.startswith("list") else None,
    **dict.fromkeys(("startsWith", "endsWith", "contains"), _only("text", "boolean")),
    "double": lambda of: "number" if of in (*_NUMBERS, _ANY) else None,
    "age": _only("date", "integer"),
    "days_since": _only("date", "integer"),
}


# Values ------------------------------------------------------------------------------------------------------------


def run(program: Program, answers: Mapping[str, Any], today: date, deadline: float) -> Outcome:
    """Take the steps. Whatever the answers are, this raises nothing."""
    until = time.monotonic() + deadline
    stack: list[Any] = []
    for step in program.steps:
        if time.monotonic() > until:
            return Outcome(Truth.UNKNOWN, Text(zh="算得太久，停下了。", en="It took too long and was stopped."))
        stack.append(_taken(step, stack, answers, today))
    match stack.pop():
        case bool() as met:
            return Outcome(Truth.MET if met else Truth.NOT_MET)
        case _Failed(cause):
            return Outcome(Truth.UNKNOWN, cause)
        case _Unknown():
            return Outcome(Truth.UNKNOWN)
    return Outcome(Truth.UNKNOWN, Text(zh="结果不是“是”或“否”。", en="The result is not true or false."))


def _taken(step: Step, stack: list[Any], answers: Mapping[str, Any], today: date) -> Any:
    if step.name:
        value = today if step.name == TODAY else answers.get(step.name)
        return value if type(value) in (str, int, float, bool, date) else _UNKNOWN
    if not step.operation:
        return step.value
    operands = _popped(stack, step.takes)
    match step.operation:
        case "&&":
            return _decided(operands, False)
        case "||":
            return _decided(operands, True)
        case "?:" if isinstance(operands[0], bool):
            return operands[1] if operands[0] else operands[2]
    for kind in (_Unknown, _Failed):
        for operand in operands:
            if isinstance(operand, kind):
                return operand
    try:
        _result(step.operation, [_type_of(operand) for operand in operands])
        return _bounded(_VALUES[step.operation](today, *operands))
    except ConditionProblem as error:
        return _Failed(error.cause)
    except ZeroDivisionError:
        return _Failed(Text(zh="除以了零。", en="Division by zero."))
    except OverflowError:
        return _Failed(Text(zh="数太大了。", en="A number is too large."))


def _decided(operands: Sequence[Any], by: bool) -> Any:
    """`&&` (decided by False) and `||` (by True), in whatever order the operands come."""
    if any(operand is by for operand in operands):
        return by
    for kind in (_Unknown, _Failed):
        for operand in operands:
            if isinstance(operand, kind):
                return operand
    if all(isinstance(operand, bool) for operand in operands):
        return not by
    return _Failed(Text(zh="&& 和 || 只连接“是”或“否”。", en="&& and || join true and false only."))


def _bounded(value: Any) -> Any:
    """CEL's numbers: whole ones of 64 bits, decimal ones finite."""
    if isinstance(value, float) and not math.isfinite(value):
        raise OverflowError
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        raise OverflowError
    return value


def _divided(left: Any, right: Any) -> Any:
    """CEL rounds whole numbers towards zero."""
    if isinstance(left, float):
        return left / right
    return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)


def full_years(since: date, today: date) -> int:
    """Full years by the calendar (民法典 art. 200): one more on each birthday, and in a year without it on the month's
    last day (art. 202); below zero for a day to come."""
    years = today.year - since.year
    leap_day = (since.month, since.day) == (2, 29)
    short = leap_day and (today.month, today.day) == (2, 28) and not calendar.isleap(today.year)
    return years if short or (today.month, today.day) >= (since.month, since.day) else years - 1


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda today, *operands: function(*operands)


_VALUES: Final[Mapping[str, Callable[..., Any]]] = {
    "list": lambda today, *operands: tuple(operands),
    "!": _plain(operator.not_),
    "?:": _plain(lambda condition, left, right: left if condition else right),
    "==": _plain(operator.eq),
    "!=": _plain(operator.ne),
    "<": _plain(operator.lt),
    "<=": _plain(operator.le),
    ">": _plain(operator.gt),
    ">=": _plain(operator.ge),
    "in": _plain(lambda item, container: item in container),
    "+": _plain(operator.add),
    "-": _plain(operator.sub),
    "*": _plain(operator.mul),
    "/": _plain(_divided),
    "%": _plain(lambda left, right: left - _divided(left, right) * right),
    "neg": _plain(operator.neg),
    "size": _plain(len),
    "startsWith": _plain(str.startswith),
    "endsWith": _plain(str.endswith),
    "contains": _plain(operator.contains),
    "double": _plain(float),
    "age": lambda today, since: full_years(since, today),
    "days_since": lambda today, since: (today - since).days,
}


def _popped(stack: list[Any], count: int) -> list[Any]:
    found = stack[len(stack) - count :]
    del stack[len(stack) - count :]
    return found
