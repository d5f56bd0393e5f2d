"""What an answer means, when to try again, which addresses may be called."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import httpcore
import pytest

from services.kit.deliveries.outbound import AddressRefused, Guard, is_public, networks
from services.kit.deliveries.rules import SCHEDULE, Policy, Verdict, judge, next_try, retry_after
from services.kit.settings import SettingsError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_the_schedule_is_the_published_one_and_its_last_interval_repeats_until_120_hours() -> None:
    assert list(SCHEDULE) == [0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    policy, tries, now = Policy(), 1, NOW
    gaps = []
    while (due := next_try(policy, now=now, first=NOW, attempts=tries, chance=lambda: 0.5)) is not None:
        gaps.append((due - now).total_seconds())
        now, tries = due, tries + 1
    assert gaps[:9] == list(SCHEDULE[1:])
    assert sum(gaps) == 120 * 3600
    assert gaps[9:-1] == [86400] * len(gaps[9:-1])


def test_jitter_stays_within_a_tenth() -> None:
    for chance, seconds in ((0.0, 270.0), (1.0, 330.0)):
        due = next_try(Policy(), now=NOW, first=NOW, attempts=2, chance=lambda c=chance: c)  # type: ignore[misc]
        assert due == NOW + timedelta(seconds=seconds)


def test_retry_after_counts_where_it_asks_for_more() -> None:
    due = next_try(Policy(jitter=0), now=NOW, first=NOW, attempts=1, retry_after=77)
    assert due == NOW + timedelta(seconds=77)
    assert next_try(Policy(jitter=0), now=NOW, first=NOW, attempts=2, retry_after=77) == NOW + timedelta(seconds=300)
    assert retry_after("120", NOW) == 120
    assert retry_after("Mon, 23 Nov 2026 12:01:00 GMT", NOW) == 60
    assert retry_after("99999999", NOW) == 86_400
    assert retry_after("Fri, 31 Dec 9999 23:59:59 -2359", NOW) == 86_400
    assert retry_after("Mon, 01 Jan 0001 00:00:00 +2359", NOW) == 0
    hostile = ("Mon, 01 Jan 99999999999 00:00:00 GMT", "Mon, 01 Jan 2026 00:00:00 +99999999999", "1" * 5000 + " Jan")
    for nonsense in (None, "", "soon", "-5", "²", *hostile):
        assert retry_after(nonsense, NOW) is None


def test_meaning_of_an_answer() -> None:
    assert {judge(s) for s in (200, 201, 204, 299)} == {Verdict.DELIVERED}
    assert {judge(s) for s in (301, 307, 304, 408, 425, 429, 500, 503, 199)} == {Verdict.FAILED}
    assert {judge(s) for s in (400, 401, 404, 413, 422)} == {Verdict.REJECTED}
    assert judge(410) is Verdict.GONE


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "198.18.0.1", "192.0.0.8", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::",
        "2001:0:4136:e378::1", "::7f00:1", "2001:db8::1", "fec0::1",
    ],
)  # fmt: skip
def test_internal_addresses_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700::1111", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(ip_address(address))


async def test_guard_lets_only_allowed_networks_in_and_plain_http_nowhere_else() -> None:
    with pytest.raises(AddressRefused):
        await Guard((), encrypted=True).resolve("127.0.0.1", 80)
    # Other spellings of the same address that a resolver takes.
    for spelling in ("2130706433", "0x7f.1", "localhost", "::ffff:127.0.0.1"):
        with pytest.raises((AddressRefused, httpcore.ConnectError)):
            await Guard((), encrypted=True).resolve(spelling, 80)
    allowed = networks(["127.0.0.0/8"])
    assert await Guard(allowed, encrypted=False).resolve("127.0.0.1", 80) == ["127.0.0.1"]
    assert not Guard(allowed, encrypted=False).permits(ip_address("93.184.215.14"))
    assert Guard(allowed, encrypted=True).permits(ip_address("93.184.215.14"))
    with pytest.raises(SettingsError):
        networks(["127.0.0.1/8"])
