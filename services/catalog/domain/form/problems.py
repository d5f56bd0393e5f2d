"""What is wrong with a form, in words."""

from dataclasses import dataclass

from services.contracts.base import Text


@dataclass(frozen=True, slots=True)
class FormProblem:
    """What is wrong: the field ("form", "form.born", "form.x-pages.applicant"), a stable reason, words."""

    field: str
    reason: str
    cause: Text


def form_problem(field: str, reason: str, zh: str, en: str) -> FormProblem:
    return FormProblem(field, reason, Text(zh=zh, en=en))
