"""Application forms: JSON Schema 2020-12 with display hints. Built by `build`, and refused by `check` where they would
not work: at the portal, in cases, or for the citizen.

Hints: `title`/`x-title-en`, `description`/`x-hint-en`, `x-widget` (text, textarea, date, radio, select, tel),
`x-autocomplete` (HTML autofill token), `x-enum-titles`, `x-element` (code of the data element behind a field); at the
root `x-pages` (id, title, fields, and `when` for a page that only one answer calls for). Nothing asks for an identity
number: who applies is known from the sign-in.
"""

from services.catalog.domain.form.build import (
    DIALECT,
    PHONE,
    USCC,
    Schema,
    Widget,
    applicant_pages,
    behind,
    choice,
    date,
    form,
    number,
    page,
    phone,
    standard_form,
    text,
)
from services.catalog.domain.form.check import form_problems
from services.catalog.domain.form.problems import FormProblem

__all__ = [
    "DIALECT",
    "PHONE",
    "USCC",
    "FormProblem",
    "Schema",
    "Widget",
    "applicant_pages",
    "behind",
    "choice",
    "date",
    "form",
    "form_problems",
    "number",
    "page",
    "phone",
    "standard_form",
    "text",
]
