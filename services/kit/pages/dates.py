"""Dates and times as people read them: Asia/Shanghai, the year only when it is not this one."""

from datetime import date, datetime

from markupsafe import Markup

from services.kit.clock import SHANGHAI, utc_now
from services.kit.pages.languages import ENGLISH, language

_WEEKDAYS = "一二三四五六日"


def local(value: date | datetime | str) -> date | datetime:
    """`value` in Asia/Shanghai. ISO 8601 text is read first. Raises ValueError for a naive date-time."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if "T" in value or " " in value else date.fromisoformat(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no place on a page")
        return value.astimezone(SHANGHAI)
    return value


def today() -> date:
    """The date in Asia/Shanghai."""
    return utc_now().astimezone(SHANGHAI).date()


def day_text(value: date | datetime | str, *, weekday: bool = True, year: bool | None = None) -> str:
    """11月23日 周一 / Monday 23 November; with `year` None the year stands only when it is not this one."""
    moment = local(value)
    with_year = moment.year != today().year if year is None else year
    if language() == ENGLISH:
        text = f"{moment.day} {moment:%B}" + (f" {moment.year}" if with_year else "")
        return f"{moment:%A} {text}" if weekday else text
    text = (f"{moment.year}年" if with_year else "") + f"{moment.month}月{moment.day}日"
    return f"{text} 周{_WEEKDAYS[moment.weekday()]}" if weekday else text


def clock_text(value: datetime | str) -> str:
    """20:15."""
    return f"{local(value):%H:%M}"


def _time(value: date | datetime | str, text: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(local(value).isoformat(), text)


def day(value: date | datetime | str) -> Markup:
    """<time> with day and weekday."""
    return _time(value, day_text(value))


def day_only(value: date | datetime | str) -> Markup:
    """<time> with the day alone, for tight places."""
    return _time(value, day_text(value, weekday=False))


def full_day(value: date | datetime | str) -> Markup:
    """<time> with year, month and day: for papers and for dates that people gave."""
    return _time(value, day_text(value, weekday=False, year=True))


def moment(value: datetime | str) -> Markup:
    """<time> with day, weekday and time of day."""
    return _time(value, f"{day_text(value)} {clock_text(value)}")


def clock(value: datetime | str) -> Markup:
    """<time> with the time of day."""
    return _time(value, clock_text(value))


def size_text(size: int) -> str:
    """A file's size: 340 KB, 1.2 MB (powers of 1,024)."""
    if size < 1024 * 1024:
        return f"{max(1, round(size / 1024))} KB"
    return f"{size / 1024 / 1024:.1f} MB".replace(".0 ", " ")
