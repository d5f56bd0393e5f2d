"""What keeps a schema from being a form: at the portal, in cases, or for the citizen."""

from services.catalog.domain.form.asked import field_problems, page_problems
from services.catalog.domain.form.problems import FormProblem
from services.catalog.domain.form.schema import keyword_problems, metaschema_problems, reference_problems, unreadable


def form_problems(schema: object) -> list[FormProblem]:
    """Everything that keeps `schema` from being a form; nothing for one that works. Raises nothing."""
    if problem := unreadable(schema):
        return [problem]
    assert isinstance(schema, dict)
    found = [*keyword_problems(schema)]
    if found or (found := [*reference_problems(schema)]) or (found := metaschema_problems(schema)):
        return found
    return [*field_problems(schema), *page_problems(schema)]
