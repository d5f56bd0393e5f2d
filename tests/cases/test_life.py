"""The five steps and their rules, without a database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.cases.domain import cases, limits
from services.cases.domain.cases import Actor, Case, Gap
from services.cases.errors import (
    NoticeAlreadyGiven,
    ReasonRequired,
    SeparationOfDuties,
    UnknownGap,
    WrongStep,
)

NOW = datetime(2026, 11, 9, 4, 0, tzinfo=UTC)
LIN = Actor("applicant", "lin", "林晓梅")
CLERK = Actor("officer", "clerk", "李敏")
OFFICER = Actor("officer", "officer", "王科")
KNOWN = frozenset({"materials.plan", "answers.name"})
GAPS = (Gap("plan", None, "没有标出消毒间面积"),)


def submitted() -> Case:
    return Case(
        id="c1",
        number="511602-20261109-00001",
        version=1,
        status="submitted",
        item_code="510123002000",
        item_version=4,
        item_type="01",
        organisation="11511602008778325X",
        division="511602000000",
        applicant="lin",
        channel="portal",
        submitted_at=NOW,
        received_at=NOW,
        updated_at=NOW,
    )


def at(status: str) -> Case:
    """A case that has come to `status` by the acts that lead there."""
    case = submitted()
    if status == "returned":
        return cases.give_notice(case, CLERK, NOW, GAPS, None, KNOWN)[0]
    if status == "withdrawn":
        return cases.withdraw(case, LIN, NOW, None)[0]
    path: list[tuple[str, Any]] = [
        ("accepted", lambda c: cases.accept(c, CLERK, NOW)),
        ("reviewed", lambda c: cases.review(c, OFFICER, NOW, "approve", None)),
        ("decided", lambda c: cases.decide(c, OFFICER, NOW, "granted", None)),
        ("delivered", lambda c: cases.deliver(c, CLERK, NOW)),
    ]
    for reached, act in path:
        if case.status == status:
            break
        case = act(case)[0]
        assert case.status == reached
    return case


STATUSES = (
    "submitted",
    "accepted",
    "reviewed",
    "decided",
    "delivered",
    "returned",
    "withdrawn",
)
ACTS: dict[str, tuple[Any, set[str]]] = {
    "accept": (lambda c: cases.accept(c, CLERK, NOW), {"submitted"}),
    "return": (
        lambda c: cases.give_notice(c, CLERK, NOW, GAPS, None, KNOWN),
        {"submitted"},
    ),
    "resubmit": (lambda c: cases.resubmit(c, LIN, NOW), {"returned"}),
    "review": (lambda c: cases.review(c, OFFICER, NOW, "approve", None), {"accepted"}),
    "decide": (lambda c: cases.decide(c, OFFICER, NOW, "granted", None), {"reviewed"}),
    "deliver": (lambda c: cases.deliver(c, CLERK, NOW), {"decided"}),
    "withdraw": (
        lambda c: cases.withdraw(c, LIN, NOW, None),
        {"submitted", "returned", "accepted", "reviewed"},
    ),
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("act", ACTS)
def test_each_act_belongs_to_its_step(act: str, status: str) -> None:
    do, allowed = ACTS[act]
    case = at(status)
    if status in allowed:
        after, step = do(case)
        assert after.version == step.version == case.version + 1
        assert step.case_id == case.id
        assert after.updated_at == NOW
    else:
        with pytest.raises(WrongStep) as caught:
            do(case)
        assert caught.value.members == {"case_status": status}


def test_who_accepted_may_not_decide() -> None:
    case = at("reviewed")
    with pytest.raises(SeparationOfDuties):
        cases.decide(case, CLERK, NOW, "granted", None)
    assert cases.decide(case, OFFICER, NOW, "granted", None)[0].decided_by == "officer"


@pytest.mark.parametrize("reason", [None, "", "  \n"])
def test_a_refusal_needs_a_reason(reason: str | None) -> None:
    with pytest.raises(ReasonRequired):
        cases.decide(at("reviewed"), OFFICER, NOW, "refused", reason)


def test_a_refusal_with_its_reason() -> None:
    case, step = cases.decide(at("reviewed"), OFFICER, NOW, "refused", "不符合第四条")
    assert (case.outcome, step.note) == ("refused", "不符合第四条")


def test_the_second_notice_is_refused() -> None:
    again = cases.resubmit(at("returned"), LIN, NOW)[0]
    with pytest.raises(NoticeAlreadyGiven):
        cases.give_notice(again, CLERK, NOW, GAPS, None, KNOWN)


@pytest.mark.parametrize(
    ("gap", "field"),
    [
        (Gap("birth-certificate", None, "x"), "gaps.0.material"),
        (Gap(None, "shoe", "x"), "gaps.0.field"),
        (Gap("plan", "name", "x"), "gaps.0"),
    ],
)
def test_a_notice_asks_for_nothing_that_the_item_does_not(gap: Gap, field: str) -> None:
    with pytest.raises(UnknownGap) as caught:
        cases.give_notice(submitted(), CLERK, NOW, (gap,), None, KNOWN)
    assert [problem.field for problem in caught.value.fields] == [field]


def test_a_gap_may_be_of_the_whole() -> None:
    assert cases.give_notice(submitted(), CLERK, NOW, (Gap(None, None, "签名"),), None, KNOWN)[1].gaps


def test_acceptance_after_the_notice_counts_from_the_day_all_came_in() -> None:
    returned = at("returned")
    came_in, accepted = NOW + timedelta(days=3), NOW + timedelta(days=4)
    case = cases.accept(cases.resubmit(returned, LIN, came_in)[0], CLERK, accepted)[0]
    assert case.counted_from == date(2026, 11, 12)


def test_late_acceptance_counts_from_receipt() -> None:
    case = cases.accept(submitted(), CLERK, NOW + timedelta(days=20))[0]
    assert case.counted_from == date(2026, 11, 9)


@pytest.mark.parametrize(
    ("status", "officer", "roles", "expected"),
    [
        ("submitted", "clerk", {"intake"}, ["accept", "return"]),
        ("submitted", "officer", {"review", "decide"}, []),
        ("accepted", "officer", {"review", "decide"}, ["review"]),
        ("reviewed", "officer", {"decide"}, ["decide"]),
        ("reviewed", "clerk", {"intake", "decide"}, []),
        ("decided", "clerk", {"intake", "deliver"}, ["deliver"]),
        ("returned", "clerk", {"intake", "review", "decide", "deliver"}, []),
        ("delivered", "clerk", {"intake", "review", "decide", "deliver"}, []),
    ],
)
def test_what_an_officer_may_do(status: str, officer: str, roles: set[str], expected: list[str]) -> None:
    assert cases.actions(at(status), officer, frozenset(roles), NOW) == expected


def test_no_return_is_offered_after_the_notice() -> None:
    again = cases.resubmit(at("returned"), LIN, NOW)[0]
    assert cases.actions(again, "clerk", frozenset({"intake"}), NOW) == ["accept"]


TERMS = limits.terms_of(None, None, "01")


def test_before_acceptance_the_date_is_an_estimate() -> None:
    found = cases.due(submitted(), TERMS, NOW + timedelta(days=2))
    assert (found.estimate, found.days_left, found.date) == (
        True,
        None,
        date(2026, 12, 7),
    )


def test_the_clock_rests_after_the_decision() -> None:
    assert cases.due(at("accepted"), TERMS, NOW + timedelta(days=2)).days_left == 18
    assert cases.due(at("decided"), TERMS, NOW + timedelta(days=2)).days_left is None


@pytest.mark.parametrize(
    ("status", "by"),
    [
        ("submitted", date(2026, 11, 16)),
        ("accepted", date(2026, 12, 7)),
        ("reviewed", date(2026, 12, 7)),
        ("decided", date(2026, 11, 23)),
    ],
)
def test_by_when_the_officer_must_act(status: str, by: date) -> None:
    found = cases.task_due(at(status), TERMS, NOW)
    assert found is not None
    assert found.date == by


@pytest.mark.parametrize("status", ["returned", "delivered", "withdrawn"])
def test_nobody_must_act(status: str) -> None:
    assert cases.task_due(at(status), TERMS, NOW) is None


class Life(RuleBasedStateMachine):
    """Any sequence of acts, allowed or not, keeps the promises of the law."""

    def __init__(self) -> None:
        super().__init__()
        self.case = submitted()
        self.steps = 1
        self.notices = 0
        self.now = NOW

    def do(self, act: Any) -> None:
        self.now += timedelta(hours=7)
        before = self.case
        try:
            self.case, step = act(self.case)
        except (WrongStep, NoticeAlreadyGiven, SeparationOfDuties, ReasonRequired):
            assert self.case == before
            return
        self.steps += 1
        self.notices += step.event == "returned"

    @rule(who=st.sampled_from([CLERK, OFFICER]))
    def accept(self, who: Actor) -> None:
        self.do(lambda c: cases.accept(c, who, self.now))

    @rule()
    def give_notice(self) -> None:
        self.do(lambda c: cases.give_notice(c, CLERK, self.now, GAPS, None, KNOWN))

    @rule()
    def resubmit(self) -> None:
        self.do(lambda c: cases.resubmit(c, LIN, self.now))

    @rule(
        who=st.sampled_from([CLERK, OFFICER]),
        opinion=st.sampled_from(["approve", "refuse"]),
    )
    def review(self, who: Actor, opinion: Any) -> None:
        self.do(lambda c: cases.review(c, who, self.now, opinion, None))

    @rule(who=st.sampled_from([CLERK, OFFICER]), reason=st.sampled_from([None, "不符合"]))
    def decide(self, who: Actor, reason: str | None) -> None:
        self.do(lambda c: cases.decide(c, who, self.now, "refused", reason))

    @rule()
    def deliver(self) -> None:
        self.do(lambda c: cases.deliver(c, CLERK, self.now))

    @precondition(lambda self: self.steps > 3)
    @rule()
    def withdraw(self) -> None:
        self.do(lambda c: cases.withdraw(c, LIN, self.now, None))

    @invariant()
    def versions_have_no_gap(self) -> None:
        assert self.case.version == self.steps

    @invariant()
    def one_notice_at_most(self) -> None:
        assert self.notices <= 1

    @invariant()
    def duties_are_separate(self) -> None:
        assert self.case.decided_by is None or self.case.decided_by != self.case.accepted_by

    @invariant()
    def the_count_begins_no_later_than_acceptance(self) -> None:
        if self.case.accepted_at and self.case.counted_from:
            assert self.case.counted_from <= limits.local_day(self.case.accepted_at)


TestLife = Life.TestCase


@given(
    st.sampled_from(STATUSES),
    st.sets(st.sampled_from(["intake", "review", "decide", "deliver"])),
)
def test_what_is_offered_is_allowed(status: str, roles: set[str]) -> None:
    case = at(status)
    for action in cases.actions(case, "someone", frozenset(roles), NOW):
        do, allowed = ACTS[action]
        assert status in allowed
        do(replace(case, accepted_by="other"))
