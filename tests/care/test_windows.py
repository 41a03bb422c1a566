"""When a text may leave, what goes into it, how long the relay waits. No Django."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from care.texts import TEXTS, provider_code, safe_name, written_out
from care.timing import Timing, rest_before_retry, timing_from
from care.windows import Caps, Hours, Standing, cap_reached, judge

SHANGHAI = Hours(time(9), time(19, 30), "Asia/Shanghai")
URUMQI = Hours(time(9), time(19, 30), "Asia/Urumqi")
NEW_YORK = Hours(time(9), time(19, 30), "America/New_York")
WILLING = Standing(holds_number=True, opted_out=False, consents=True)


def china(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("hours", "moment", "is_open"),
    [
        pytest.param(SHANGHAI, "2026-06-20 08:59:59", False, id="a-second-before"),
        pytest.param(SHANGHAI, "2026-06-20 09:00:00", True, id="at-opening"),
        pytest.param(SHANGHAI, "2026-06-20 19:29:59", True, id="a-second-before-closing"),
        pytest.param(SHANGHAI, "2026-06-20 19:30:00", False, id="at-closing"),
        pytest.param(URUMQI, "2026-06-20 10:59:59", False, id="two-hours-west-still-closed"),
        pytest.param(URUMQI, "2026-06-20 21:00:00", True, id="two-hours-west-still-open"),
        pytest.param(NEW_YORK, "2026-06-20 20:59:59", False, id="new-york-before-nine"),
        pytest.param(NEW_YORK, "2026-06-20 21:00:00", True, id="new-york-nine"),
    ],
)
def test_hours_are_on_the_stores_own_clock(hours: Hours, moment: str, is_open: bool):
    assert hours.is_open(china(moment)) is is_open
    assert hours.is_open(china(moment).astimezone(UTC)) is is_open


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        ("2026-06-20 03:00", "2026-06-20 09:00"),
        ("2026-06-20 12:00", "2026-06-20 12:00"),
        ("2026-06-20 19:30", "2026-06-21 09:00"),
        ("2026-06-20 23:59", "2026-06-21 09:00"),
        ("2026-12-31 20:00", "2027-01-01 09:00"),
    ],
)
def test_next_opening(moment: str, opening: str):
    assert SHANGHAI.next_opening(china(moment)) == china(opening)


def test_a_days_window_survives_the_change_of_clocks():
    """On 8 March 2026 New York's clocks jump: the window is as long as ever and on the wall's hours."""
    opens, closes = NEW_YORK.on(datetime(2026, 3, 8).date())
    assert opens == datetime(2026, 3, 8, 13, 0, tzinfo=UTC)
    assert closes - opens == timedelta(hours=10, minutes=30)


OPENS, CLOSES = china("2026-06-20 09:00"), china("2026-06-20 19:30")


@pytest.mark.parametrize(
    ("moment", "standing", "verdict"),
    [
        pytest.param("2026-06-20 12:00", WILLING, ("send", "", ""), id="35-send"),
        pytest.param("2026-06-20 09:00", WILLING, ("send", "", ""), id="35-from-the-first-second"),
        pytest.param("2026-06-20 12:00", Standing(True, True, True), ("end", "skipped", "opted_out"),
                     id="32-opted-out"),
        pytest.param("2026-06-20 12:00", Standing(False, False, True), ("end", "skipped", "number_changed"),
                     id="32-number"),
        pytest.param("2026-06-20 12:00", Standing(True, False, False), ("end", "skipped", "no_consent"),
                     id="32-consent"),
        pytest.param("2026-06-20 20:00", Standing(True, True, True), ("end", "skipped", "opted_out"),
                     id="32-a-refusal-comes-before-the-clock"),
        pytest.param("2026-06-20 19:30", WILLING, ("end", "expired", "window_missed"), id="33-at-closing"),
        pytest.param("2026-06-21 10:00", WILLING, ("end", "expired", "window_missed"), id="33-the-next-day"),
        pytest.param("2026-06-20 08:00", WILLING, ("wait", "", ""), id="34-before-opening"),
    ],
)  # fmt: skip
def test_verdict(moment: str, standing: Standing, verdict: tuple[str, str, str]):
    found = judge(china(moment), not_before=OPENS, expires_at=CLOSES, hours=SHANGHAI, standing=standing)
    assert (found.do, found.state, found.reason) == verdict
    assert found.next_at == (OPENS if found.do == "wait" else None)


TODAY = date(2026, 6, 20)
ONE_AND_FOUR = Caps(a_day=1, a_month=4)


@pytest.mark.parametrize(
    ("caps", "days_ago", "expected"),
    [
        pytest.param(ONE_AND_FOUR, [], None, id="nothing-yet"),
        pytest.param(ONE_AND_FOUR, [1, 2, 3], None, id="66-three-in-thirty-days"),
        pytest.param(ONE_AND_FOUR, [0], ("cap_day", 1), id="65-one-today"),
        pytest.param(ONE_AND_FOUR, [29, 3, 2, 1], ("cap_month", 1), id="66-the-oldest-leaves-tomorrow"),
        pytest.param(ONE_AND_FOUR, [30, 3, 2, 1], None, id="66-thirty-days-ago-has-left"),
        pytest.param(ONE_AND_FOUR, [29, 3, 2, 0], ("cap_day", 1), id="67-both-end-tomorrow"),
        pytest.param(ONE_AND_FOUR, [9, 3, 2, 0], ("cap_month", 21), id="67-the-longer-one-is-named"),
        pytest.param(ONE_AND_FOUR, [28, 20, 9, 3, 2], ("cap_month", 10), id="67-five-were-sent-under-another-cap"),
        pytest.param(ONE_AND_FOUR, [9, 9, 9, 9], ("cap_month", 21), id="67-four-on-one-day"),
        pytest.param(Caps(2, 4), [0], None, id="68-two-a-day-one-had"),
        pytest.param(Caps(2, 4), [0, 0], ("cap_day", 1), id="68-two-a-day-two-had"),
        pytest.param(Caps(1, 1), [12], ("cap_month", 18), id="68-one-in-thirty-days"),
        pytest.param(Caps(0, 4), [], ("cap_day", None), id="68-none-a-day"),
        pytest.param(Caps(1, 0), [], ("cap_month", None), id="68-none-at-all"),
    ],
)  # fmt: skip
def test_which_cap_and_until_when(caps: Caps, days_ago: list[int], expected: tuple[str, int | None] | None):
    """`expected`: the cap, and in how many days none stands in the way."""
    had = [TODAY - timedelta(days=days) for days in days_ago]
    found = cap_reached(caps, had, TODAY)
    assert found == (expected and (expected[0], expected[1] and TODAY + timedelta(days=expected[1])))
    assert cap_reached(caps, had[::-1], TODAY) == found


def test_34_hours_that_were_shortened_meanwhile_hold():
    """Planned for 09:00-19:30; the store now opens its messages at 14:00."""
    later = Hours(time(14), time(19, 30), "Asia/Shanghai")
    found = judge(
        china("2026-06-20 10:00"), not_before=OPENS, expires_at=CLOSES, hours=later, standing=WILLING
    )
    assert (found.do, found.next_at) == ("wait", china("2026-06-20 14:00"))


def test_34_when_the_next_opening_is_too_late_the_text_is_over():
    earlier = Hours(time(9), time(12), "Asia/Shanghai")
    found = judge(
        china("2026-06-20 13:00"), not_before=OPENS, expires_at=CLOSES, hours=earlier, standing=WILLING
    )
    assert (found.state, found.reason) == ("expired", "window_missed")


@pytest.mark.parametrize(
    ("salutation", "used"),
    [
        ("王总", "王总"), ("Anna", "Anna"), ("司马相如先生", "司马相如先生"),
        ("阿依古丽·买买提", "阿依古丽·买买提"),
        ("一二三四五六七八九十", "一二三四五六七八九十"), ("一二三四五六七八九十多", "会员"),
        ("", "会员"), ("王 总", "会员"), ("】恭喜中奖【招行", "会员"), ("{{7*7}}", "会员"), ("${x}", "会员"),
        ("http://a.cn", "会员"), ("王总\n", "会员"), ("\u202e王总", "会员"), ("13812348899", "会员"),
        ("王总1", "会员"), ("<b>王</b>", "会员"), ("王\x00", "会员"),
    ],
)  # fmt: skip
def test_31_what_may_stand_in_a_text(salutation: str, used: str):
    assert safe_name(salutation) == used


def test_texts_written_out_for_a_person():
    assert written_out("birthday", {"name": "王总"}).startswith("亲爱的王总，祝您生日快乐！")
    assert "王总，中秋到了" in written_out("festival", {"name": "王总", "festival": "中秋"})
    assert written_out("unknown", {}) == ""


def test_a_texts_code_is_the_accounts_own():
    assert provider_code("birthday", "aliyun", {}) == "SMS_100001"
    assert provider_code("birthday", "tencent", {}) == "100001"
    assert provider_code("festival", "tencent", {"SMS_TEMPLATE_FESTIVAL": "2045678"}) == "2045678"
    with pytest.raises(KeyError):
        provider_code("unknown", "aliyun", {})


def test_the_order_of_variables_is_that_of_the_words():
    for text in TEXTS.values():
        places = [text.words.index(f"${{{name}}}") for name in text.order]
        assert places == sorted(places)
        assert text.words.count("${") == len(text.order)


def test_timing_from_the_environment():
    assert timing_from({}) == Timing()
    assert Timing().settle == timedelta(minutes=30) and Timing().lease == timedelta(seconds=24)
    said = timing_from({"SMS_LEASE_SECONDS": "3", "SMS_SETTLE_SECONDS": "8", "SMS_ASK_AGAIN_SECONDS": "1"})
    assert (said.lease, said.settle, said.ask_again) == tuple(timedelta(seconds=n) for n in (3, 8, 1))


@pytest.mark.parametrize(
    "env",
    [
        {"SMS_SETTLE_SECONDS": "soon"},
        {"SMS_ASK_AGAIN_SECONDS": "0"},
        {"SMS_LEASE_SECONDS": "-1"},
        {"SMS_LEASE_SECONDS": "60", "SMS_SETTLE_SECONDS": "60"},
    ],
)
def test_nonsense_timing_is_refused(env: dict[str, str]):
    with pytest.raises(ValueError, match="SMS_"):
        timing_from(env)


def test_rest_before_retry_doubles_up_to_eightfold():
    minute = timedelta(minutes=1)
    assert [rest_before_retry(None, n) / minute for n in (1, 2, 3, 4, 5, 50)] == [1, 2, 4, 8, 8, 8]
    assert rest_before_retry(timedelta(hours=24), 1) == timedelta(hours=24)
