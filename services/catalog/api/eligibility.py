"""HTTP: may I apply? Any verified caller may ask, for people who are not signed in; nothing of it is kept."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from services.catalog.api.doors import Code, Reading
from services.catalog.domain.eligibility import MOST_ANSWERS, Answered, Checks, Eligibility
from services.catalog.handlers import eligibility
from services.contracts.base import Text
from services.contracts.catalog_resources import DataType
from services.kit.auth import caller

router = APIRouter(dependencies=[Depends(caller)])


class OptionShown(BaseModel):
    value: str
    name: Text


class QuestionShown(BaseModel):
    """One question; the answer is given under `element`."""

    element: str = Field(description="Code of the data element (数据元)")
    name: Text
    data_type: DataType
    unit: Text | None = None
    options: list[OptionShown] | None = Field(
        default=None, description="The answers that there are, where they are few"
    )


class ConditionListed(Text):
    checkable: bool = Field(description="Whether answers to the questions can decide it")


class ConditionTold(Text):
    outcome: Answered


class Questions(BaseModel):
    questions: list[QuestionShown]
    conditions: list[ConditionListed]


class Answers(BaseModel):
    """By data element; what is left out or null is not known. A day is YYYY-MM-DD."""

    answers: Annotated[
        dict[str, Any],
        Field(examples=[{"birth_date": "1944-05-01"}], description=f"At most {MOST_ANSWERS}"),
    ]


class Told(BaseModel):
    """`eligible`: every condition that can be checked is met; the others are for the department to look at."""

    outcome: Eligibility
    conditions: list[ConditionTold]


def shown(checks: Checks) -> list[QuestionShown]:
    """The questions as they are sent."""
    return [
        QuestionShown(
            element=each.element,
            name=each.name,
            data_type=each.data_type,
            unit=each.unit,
            options=[OptionShown(value=option.value, name=option.name) for option in each.options] or None,
        )
        for each in checks.questions
    ]


@router.get("/items/{code}/eligibility", summary="What would have to be known to say whether one may apply")
async def get_questions(code: Code, work: Reading) -> Questions:
    asked = await eligibility.questions(code, work)
    listed = zip(asked.conditions, asked.checks.programs, strict=True)
    return Questions(
        questions=shown(asked.checks),
        conditions=[
            ConditionListed(zh=condition.zh, en=condition.en, checkable=program is not None)
            for condition, program in listed
        ],
    )


@router.post("/items/{code}/eligibility", summary="What the answers come to; nothing of them is kept")
async def check_answers(code: Code, body: Answers, work: Reading, response: Response) -> Told:
    response.headers["Cache-Control"] = "no-store"
    told = await eligibility.check(code, body.answers, work)
    return Told(
        outcome=told.outcome,
        conditions=[ConditionTold(zh=each.zh, en=each.en, outcome=outcome) for each, outcome in told.conditions],
    )
