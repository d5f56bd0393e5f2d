"""condition: an expression (CEL) that cannot be evaluated, or that names data elements of no register."""

from collections.abc import Iterator
from typing import Final

from services.catalog.domain.findings import Finding
from services.catalog.domain.items import ItemContent
from services.catalog.domain.lint.facts import Facts
from services.contracts.base import Text

RULE: Final = "condition"


def check(content: ItemContent, facts: Facts) -> Iterator[Finding]:
    for number, condition in enumerate(content.conditions):
        if condition.expression:
            yield from _check(condition.expression, f"conditions.{number}.expression", facts)


def _check(expression: str, field: str, facts: Facts) -> Iterator[Finding]:
    # Its parser is read when the first expression is checked, not when the service starts.
    from services.catalog.domain import conditions

    try:
        program = conditions.compiled(expression)
        if facts.registers:
            types = {conditions.variable(code): element.data_type for code, element in facts.elements.items()}
            conditions.check_types(program, types)
    except conditions.ConditionProblem as problem:
        yield Finding(RULE, field, problem.cause, problem.mend)
        return
    for code, element in sorted(facts.elements.items()):
        if element.status == "closed" and conditions.variable(code) in program.names:
            yield Finding(
                RULE,
                field,
                Text(
                    zh=f"表达式里的数据元“{element.name.zh}”（{code}）已经停用。",
                    en=f"The expression asks for the data element “{element.name.en or element.name.zh}” ({code}), "
                    "which is closed.",
                ),
                Text(zh="换成在用的数据元。", en="Use a data element that is in use."),
            )
