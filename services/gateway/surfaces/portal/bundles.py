"""The guide page of a bundle (一件事): one list of what to bring, the items in order, which of them apply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.surfaces.base import Site, path_id
from services.gateway.surfaces.common import forms, kept
from services.gateway.surfaces.common import guide as guides
from services.gateway.surfaces.portal.eligibility import answered, page_of
from services.kit.pages import pick


@dataclass(frozen=True, slots=True)
class Step:
    """One item of the bundle. `applies`: by the answers, None where they do not tell or nobody was asked."""

    code: str
    name: str
    item: Mapping[str, Any] | None
    when: str
    after: Sequence[str]
    status: str
    applies: bool | None = None


async def guide(request: Request) -> Response:
    """The bundle with all its items, and the questions that tell which of them apply."""
    site = Site.of(request)
    bundle, page = await _opened(request)
    response = await _show(request, bundle, page, {})
    if page.fields or site.surface.shared_device or await site.session(request) is not None:
        return response
    return kept.revalidated(request, response, kept.PAGE)


async def apply_answers(request: Request) -> Response:
    """The same after the questions were answered. Nothing of the answers is kept."""
    site = Site.of(request)
    form = await site.form(request)
    bundle, page = await _opened(request)
    given = forms.posted(page, form)
    found, problems = await answered(site, f"/bundles/{bundle['code']}/eligibility", page, given)
    return await _show(request, bundle, page, given, found=found, problems=problems)


def steps_of(bundle: Mapping[str, Any], applies: Mapping[str, bool | None]) -> list[Step]:
    """The items in their order, each with the names of those that go before it, as far as they apply."""
    names = {each["code"]: pick(each["name"]) for each in bundle["steps"]}
    summaries = {each["code"]: each for each in bundle["items"]}
    return [
        Step(
            code=each["code"],
            name=pick(each["name"]),
            item=summaries.get(each["code"]),
            when=pick(each["when_text"]),
            after=[names[before] for before in each["after"] if before in names and applies.get(before) is not False],
            status=each["status"] or "retired",
            applies=applies.get(each["code"]),
        )
        for each in bundle["steps"]
    ]


def bring_of(bundle: Mapping[str, Any], steps: Sequence[Step]) -> list[dict[str, Any]]:
    """What to bring for the items that apply or may apply, each once, with what it is for."""
    names = {step.code: step.name for step in steps if step.applies is not False}
    found = []
    for each in bundle["bring"]:
        if wanted := [names[code] for code in each["for"] if code in names]:
            holder = pick(each["known_by"]["source"]["name"]) if each.get("known_by") else ""
            tag, kind = guides.material_tag(required=each["required"], holder=holder)
            found.append({**each, "wanted": wanted, "holder": holder, "tag": tag, "kind": kind})
    return found


async def _opened(request: Request) -> tuple[dict[str, Any], forms.FormPage]:
    site = Site.of(request)
    code = path_id(request, "code")
    bundle = await site.get(None, "catalog", f"/bundles/{code}")
    return bundle, page_of(bundle["questions"])


async def _show(
    request: Request,
    bundle: Mapping[str, Any],
    page: forms.FormPage,
    given: Mapping[str, Any],
    *,
    found: Mapping[str, Any] | None = None,
    problems: Sequence[tuple[forms.Field, str]] = (),
) -> Response:
    applies = {each["code"]: each["applies"] for each in found["members"]} if found else {}
    steps = steps_of(bundle, applies)
    values = {
        "bundle": bundle,
        "standing": guides.standing(bundle),
        "steps": steps,
        "bring": bring_of(bundle, steps),
        "asked_once": [pick(each["name"]) for each in bundle["asked_once"]],
        "answered": found is not None,
        "page": page,
        "values": {field.name: forms.shown(field, given.get(field.name)) for field in page.fields},
        "errors": {field.name: words for field, words in problems},
        "summary": [(field.id, words) for field, words in problems],
    }
    status = 422 if problems else 200
    return await Site.of(request).pages.render(request, "portal/bundle.html", values, status=status)
