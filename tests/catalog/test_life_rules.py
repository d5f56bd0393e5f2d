"""The life's rules without a database: every act from every state by every role, and the arithmetic of periods."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog import errors
from services.catalog.domain import life, periods
from services.catalog.domain.life import Act, Actor, ItemStatus, Revision, RevisionState
from services.catalog.domain.periods import Period

NOW = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)

# By hand: rows are acts, columns draft, submitted, reviewed, published, discarded, withdrawn; - is refused.
REVISIONS = {
    Act.EDITED: ("draft", "-", "-", "-", "-", "-"),
    Act.SUBMITTED: ("submitted", "-", "-", "-", "-", "-"),
    Act.RETURNED: ("-", "draft", "-", "-", "-", "-"),
    Act.REVIEWED: ("-", "reviewed", "-", "-", "-", "-"),
    Act.PUBLISHED: ("-", "-", "published", "-", "-", "-"),
    Act.DISCARDED: ("discarded", "discarded", "-", "-", "-", "-"),
    Act.WITHDRAWN: ("-", "-", "withdrawn", "-", "-", "-"),
}
ITEMS = {
    Act.SUSPENDED: ("suspended", "-", "-"),
    Act.RESUMED: ("-", "published", "-"),
    Act.RETIRED: ("retired", "retired", "-"),
    Act.ROLLED_BACK: ("published", "published", "published"),
}
ROLES = {
    Act.DRAFTED: ("editor",),
    Act.EDITED: ("editor",),
    Act.SUBMITTED: ("editor",),
    Act.DISCARDED: ("editor",),
    Act.RETURNED: ("reviewer",),
    Act.REVIEWED: ("reviewer",),
    Act.PUBLISHED: (),
    Act.WITHDRAWN: ("reviewer", "registrar"),
    Act.SUSPENDED: ("reviewer", "registrar"),
    Act.RESUMED: ("registrar",),
    Act.RETIRED: ("registrar",),
    Act.ROLLED_BACK: ("registrar",),
}


def revision(state: RevisionState, **fields: Any) -> Revision:
    given: dict[str, Any] = {
        "id": "r",
        "code": "C",
        "kind": "implementation",
        "version": 3,
        "from_version": 1,
        "organisation": "o",
        "provenance": "editor",
        "author": Actor("chen", "陈静"),
        "reason": "",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Revision(**(given | {"state": state} | fields))


def test_every_act_from_every_state() -> None:
    assert set(REVISIONS) == set(life.REVISION_MOVES)
    assert set(ITEMS) == set(life.ITEM_MOVES)
    for act, row in REVISIONS.items():
        for state, wanted in zip(RevisionState, row, strict=True):
            try:
                after = life.moved(revision(state), act, NOW, "why")
            except errors.WrongState as error:
                assert (act, state, wanted) == (act, state, "-")
                assert error.members == {"state": state.value}
            else:
                assert (act, state, after.state.value) == (act, state, wanted)
                assert (after.version, after.reason) == (4, "why")
                assert after.open_code == ("C" if after.state in life.OPEN else None)
    for act, columns in ITEMS.items():
        for status, wanted in zip(ItemStatus, columns, strict=True):
            try:
                assert (act, status, life.status_after(status, act).value) == (act, status, wanted)
            except errors.WrongState:
                assert (act, status, wanted) == (act, status, "-")


def test_every_act_takes_its_role() -> None:
    assert {act: life.roles_for(act) for act in ROLES} == ROLES
    for state in RevisionState:
        for role in ("editor", "reviewer", "registrar", "intake"):
            wanted = {act for act, row in REVISIONS.items() if row[list(RevisionState).index(state)] != "-"}
            assert set(life.acts_open_to(state, {role})) == {act for act in wanted if role in ROLES[act]}


def test_what_was_approved_goes_back_as_a_draft() -> None:
    approved = revision(RevisionState.REVIEWED, reviewer=Actor("zhao"), effective_at=NOW)
    back = life.sent_back(approved, NOW, "retired")
    assert (back.state, back.reviewer, back.effective_at, back.version) == (RevisionState.DRAFT, None, None, 4)


def test_who_wrote_any_of_it_does_not_review_it() -> None:
    life.check_reviewer(Actor("zhao"), {"chen", "xu"})
    for writer in ("chen", "xu"):
        with pytest.raises(errors.AuthorReviews):
            life.check_reviewer(Actor(writer), {"chen", "xu"})


def test_a_version_follows_the_one_that_it_was_begun_from() -> None:
    life.check_base(revision(RevisionState.REVIEWED), 1, ItemStatus.SUSPENDED)
    life.check_base(revision(RevisionState.REVIEWED, from_version=0), 0, None)
    with pytest.raises(errors.Overtaken):
        life.check_base(revision(RevisionState.REVIEWED), 2, ItemStatus.PUBLISHED)
    with pytest.raises(errors.ItemIsRetired):
        life.check_base(revision(RevisionState.REVIEWED), 1, ItemStatus.RETIRED)


HOURS = st.integers(0, 40)
MARKS = st.lists(st.tuples(HOURS, HOURS, st.sampled_from(ItemStatus)), max_size=12)


@given(MARKS)
def test_periods_are_what_a_calendar_would_say(marks: list[tuple[int, int, ItemStatus]]) -> None:
    """Against a calendar by the hour, written over from each mark on."""
    known: tuple[Period, ...] = ()
    calendar: dict[int, tuple[int, ItemStatus]] = {}
    taken: list[tuple[int, int, ItemStatus]] = []
    for version, (now, ahead, status) in enumerate(marks, 1):
        if ahead == 7:  # now and then the last version is taken back, whether its day has come or not
            last = max((period.version for period in known), default=0)
            taken = [each for each in taken if each[0] < last]
            calendar = {}
            for earlier, since, state in taken:
                calendar |= dict.fromkeys(range(since, 100), (earlier, state))
            known = periods.up_to(known, last - 1)
        else:
            since = now + ahead
            taken = [*(each for each in taken if each[1] < since), (version, since, status)]
            calendar = {hour: each for hour, each in calendar.items() if hour < since}
            calendar |= dict.fromkeys(range(since, 100), (version, status))
            known = periods.marked(known, version, status, NOW + timedelta(hours=since))
        for hour in range(100):
            found = periods.at(known, NOW + timedelta(hours=hour))
            assert (found and (found.version, found.status)) == calendar.get(hour), (hour, known)
        for before, after in pairwise(known):
            assert before.valid_to == after.valid_from
            assert before.valid_from < after.valid_from
        assert all(period.valid_to is None for period in known[-1:])


def test_who_publishes_a_moment_late_publishes_from_the_day() -> None:
    known = periods.marked((), 1, ItemStatus.PUBLISHED, NOW)
    planned = periods.marked(known, 2, ItemStatus.PUBLISHED, NOW + timedelta(days=1))
    assert periods.marked(planned, 2, ItemStatus.PUBLISHED, NOW + timedelta(days=1, seconds=1)) == planned
    assert periods.marked(planned, 3, ItemStatus.PUBLISHED, NOW + timedelta(hours=1))[-1].version == 3


def test_days_begin_and_end_in_china() -> None:
    day = date(2026, 11, 27)
    assert periods.midnight(day) == datetime(2026, 11, 26, 16, 0, tzinfo=UTC)
    assert periods.day_of(datetime(2026, 11, 26, 15, 59, 59, tzinfo=UTC)) == date(2026, 11, 26)
    assert periods.day_of(datetime(2026, 11, 26, 16, 0, tzinfo=UTC)) == day
    assert periods.end_of(date(2026, 11, 25), NOW) == datetime(2026, 11, 25, 15, 59, 59, 999999, tzinfo=UTC)
    assert periods.end_of(date(2026, 11, 26), NOW) == NOW
    assert periods.end_of(day, NOW) == datetime(2026, 11, 27, 15, 59, 59, 999999, tzinfo=UTC)
    assert periods.end_of(date.max, NOW) < periods.midnight(date.max)
