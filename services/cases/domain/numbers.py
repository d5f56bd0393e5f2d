"""Case numbers (办件编号): division, day of submission in China, sequence. GB/T 39046-2020 sets no structure (an..50).

A number is unique and never given twice; it is not gapless: a process that ends leaves the rest of its block unused.
"""

from datetime import date


def case_number(division: str, day: date, sequence: int) -> str:
    """A number such as 511602-20261123-00871: the six digits of the county level, the day, at least five digits."""
    if sequence < 1:
        raise ValueError("a sequence begins with 1")
    return f"{division[:6]}-{day.year:04d}{day.month:02d}{day.day:02d}-{sequence:05d}"
