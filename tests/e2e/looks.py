"""What holds of every page: axe finds nothing, nothing is wider than a narrow screen."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Page

NARROW = 360
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
UNDECIDED = {"color-contrast"}
"""What axe may leave undecided: a colour over a picture or gradient needs a person's eye."""

_SMALLER = """(least) => {
  const pressed = document.querySelectorAll(".menu a, main :is(a, button, input, select, textarea):not([type=hidden])");
  const small = ([e, box]) => box.width > 1 && box.height > 1 && Math.min(box.width, box.height) < least;
  return [...pressed].map((e) => [e, (e.closest(".choice") ?? e).getBoundingClientRect()]).filter(small)
    .map(([e, box]) => `${Math.round(box.width)}x${Math.round(box.height)} ${e.outerHTML.slice(0, 120)}`);
}"""

# What axe and pictures tried on elements and took back leaves an empty attribute, which htmx would hand to the elements
# that come in their place; our policy refuses styles in attributes, and says so on the console.
_TIDY = """() => document.querySelectorAll('[style=""]').forEach((e) => e.removeAttribute("style"))"""

_WIDER = """() => {
  const limit = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= limit) return [];
  const found = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > limit + 1);
  return ["the page", ...found.slice(0, 5).map((e) => e.outerHTML.slice(0, 160))];
}"""


@dataclass
class Looks:
    """`folder`: where pictures go; None keeps none. What is wrong is gathered in `problems`, to be told together."""

    axe: str
    folder: Path | None = None
    seen: int = 0
    problems: list[str] = field(default_factory=list)

    async def __call__(self, page: Page, name: str) -> None:
        """Check the page as it is now, wide and narrow, and leave it as it was."""
        self.seen += 1
        await page.wait_for_load_state()
        await page.bring_to_front()
        await page.evaluate(self.axe)
        await self._axe(page, name)
        await self._picture(page, name)
        before = page.viewport_size
        assert before is not None
        await page.set_viewport_size({"width": NARROW, "height": before["height"]})
        wider = await page.evaluate(_WIDER)
        await self._picture(page, f"{name}-narrow")
        await page.set_viewport_size(before)
        await page.evaluate(_TIDY)
        if wider:
            self.problems.append(f"{name} scrolls sideways at {NARROW} px: {wider}")

    async def targets(self, page: Page, name: str, least: int) -> None:
        """Everything to be pressed on the page is at least so large."""
        smaller = await page.evaluate(_SMALLER, least)
        if smaller:
            self.problems.append(f"{name} has targets under {least} px: {smaller}")

    async def _axe(self, page: Page, name: str) -> None:
        options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations", "incomplete"]}
        found = await page.evaluate("(options) => axe.run(document, options)", options)
        problems = found["violations"] + [each for each in found["incomplete"] if each["id"] not in UNDECIDED]
        self.problems += [f"{name}: {_said(each)}" for each in problems]

    async def _picture(self, page: Page, name: str) -> None:
        if self.folder is not None:
            await page.screenshot(path=self.folder / f"{self.seen:02d}-{name}.png", full_page=True)


def _said(problem: dict[str, Any]) -> str:
    nodes = ", ".join(node["html"][:200] for node in problem["nodes"][:3])
    return f"{problem['id']} ({problem['help']}): {nodes}"
