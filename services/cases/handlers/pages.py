"""The page of a decision: one self-contained HTML document that asks for nothing and runs nothing."""

import base64
import hashlib
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from services.cases.domain.documents import DecisionDocument

MEDIA_TYPE: Final = "text/html"


@cache
def _environment() -> Environment:
    found = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    found.filters["chinese_day"] = _chinese_day
    return found


@cache
def _text(name: str) -> str:
    return (files("services.cases") / "templates" / name).read_text("utf-8")


def _chinese_day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def decision_page(document: DecisionDocument) -> bytes:
    """The document as UTF-8 HTML. The same document gives the same bytes."""
    template = _environment().from_string(_text("decision.html"))
    return template.render(document=document, style=Markup(_text("decision.css"))).encode()  # noqa: S704 (our own file)


@cache
def content_security_policy() -> str:
    """The policy that the page is served with: its own style by digest, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_text("decision.css").encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; sandbox"
