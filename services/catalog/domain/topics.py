"""Topics (主题) by which items are browsed, and life events (人生大事、企业大事), each of which stands for some topics.

No standard lists them: these are the topics that provinces' portals share. An item may carry topics of its own besides:
free words, which search and filters take alike.
"""

from dataclasses import dataclass
from typing import Final

from services.contracts.base import Text
from services.contracts.catalog_items import Subject


@dataclass(frozen=True, slots=True)
class Topic:
    code: str
    name: Text
    subject: Subject


@dataclass(frozen=True, slots=True)
class LifeEvent:
    """`topics`: what it comes down to. An item may also carry the event's own code as a topic."""

    code: str
    name: Text
    subject: Subject
    topics: tuple[str, ...]


def _topic(code: str, zh: str, en: str, subject: Subject) -> Topic:
    return Topic(code, Text(zh=zh, en=en), subject)


def _event(code: str, zh: str, en: str, subject: Subject, *topics: str) -> LifeEvent:
    return LifeEvent(code, Text(zh=zh, en=en), subject, topics)


TOPICS: Final = (
    _topic("education", "教育", "Education", "person"),
    _topic("health", "医疗卫生", "Health", "person"),
    _topic("household", "户籍", "Household registration", "person"),
    _topic("social-security", "社会保障", "Social security", "person"),
    _topic("employment", "就业创业", "Employment", "person"),
    _topic("housing", "住房", "Housing", "person"),
    _topic("registration", "设立登记", "Registration", "company"),
    _topic("annual-report", "年报年检", "Annual report", "company"),
    _topic("change", "变更注销", "Change and cancellation", "company"),
    _topic("investment", "投资立项", "Project investment", "company"),
    _topic("operation", "生产经营", "Production and operation", "company"),
    _topic("intellectual-property", "商标专利", "Trademark and patent", "company"),
    _topic("qualification", "资质认证", "Qualification", "company"),
    _topic("tax", "税费缴纳", "Tax and fees", "company"),
    _topic("work-safety", "安全生产", "Work safety", "company"),
)
LIFE_EVENTS: Final = (
    _event("birth", "出生", "Birth", "person", "household", "health"),
    _event("schooling", "上学", "School", "person", "education"),
    _event("working", "就业", "Work", "person", "employment"),
    _event("marriage", "结婚", "Marriage", "person", "household"),
    _event("home", "置业", "Buying a home", "person", "housing"),
    _event("illness", "就医", "Illness", "person", "health", "social-security"),
    _event("retirement", "退休", "Retirement", "person", "social-security"),
    _event("death", "身后", "After a death", "person", "household", "social-security"),
    _event("opening", "开办企业", "Starting a business", "company", "registration", "tax"),
    _event("permits", "准入准营", "Permits to operate", "company", "operation", "qualification"),
    _event("building", "投资建设", "Building a plant", "company", "investment", "work-safety"),
    _event("growing", "创新发展", "Growing", "company", "intellectual-property"),
    _event("closing", "变更注销企业", "Changing or closing a business", "company", "change"),
)
BY_CODE: Final = {topic.code: topic for topic in TOPICS}
_EVENTS: Final = {event.code: event for event in LIFE_EVENTS}


def stands_for(code: str) -> tuple[str, ...]:
    """Topics of which an item has one to be found under `code`: that, and what a life event comes down to."""
    event = _EVENTS.get(code)
    return (code, *event.topics) if event else (code,)
