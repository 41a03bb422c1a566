"""Why a guest stands where, and the schemes: the panel, the forecast, the reasons of a move, adopting."""

import uuid
from datetime import date, timedelta
from fractions import Fraction

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import translation

from customers.models import Patronage
from customers.services.visits import VisitInput, record_visit
from tests.cast import NOON
from tiering import picture
from tiering.forecast import Fall, is_foreseeable
from tiering.models import Adoption, TierDecision
from tiering.rules import Known, explain, read_scheme
from tiering.selectors.decisions import standing
from tiering.selectors.forecast import outlook
from tiering.selectors.schemes import preset
from tiering.services.decisions import decide_night
from tiering.services.schemes import adopt, adopt_preset, save_scheme
from tiering.why import why_moved

TODAY = date(2026, 6, 20)
RECENT = read_scheme(preset("recent_month_abc"))


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def desk(head) -> Client:
    client = Client()
    client.force_login(head)
    return client


@pytest.fixture
def graded(store, head):
    return adopt_preset(
        store=store, code="recent_month_abc", from_date=TODAY - timedelta(days=90), actor=head, at=NOON
    )


def dine(store, guest, days_ago: int, yuan: int) -> None:
    when = NOON - timedelta(days=days_ago)
    record_visit(
        store=store, visit_id=uuid.uuid4(), entry="api", actor=None, at=when,
        visit=VisitInput(visited_at=when, amount_fen=yuan * 100, customer_id=guest.pk),
    )  # fmt: skip


# ---- the picture of a standing -------------------------------------------------------------------------------


def drawn(spend: int, visits: int = 0) -> picture.Drawn:
    known = Known(
        {
            "spend_30d": Fraction(spend * 100),
            "avg_monthly_visits_3m": Fraction(visits),
            "consecutive_weeks": Fraction(0),
        }
    )
    return picture.draw(explain(RECENT.tier("A").when, known, "A"))


@pytest.mark.parametrize(
    ("spend", "holds", "reach", "missing"),
    [
        (0, False, 0, "¥5,000"),
        (2500, False, 37.5, "¥2,500"),
        (4999, False, 75, "¥1"),
        (5000, True, 75, ""),
        (9000, True, 100, ""),
    ],
)
def test_a_bar_reaches_three_quarters_at_the_threshold(spend, holds, reach, missing):
    line = drawn(spend).parts[0]
    assert (line.holds, line.reach, line.missing) == (holds, pytest.approx(reach, abs=0.1), missing)


def test_a_line_that_is_not_measured_yet_has_no_number_and_no_bar():
    node = read_scheme(preset("member_tenure")).tier("EXPIRING").when
    line = picture.draw(explain(node, Known({}), "EXPIRING"))
    assert (line.measured, line.value, line.reach, line.holds) == (False, "", None, False)


def test_the_next_step_is_the_line_that_is_nearest():
    known = Known({
        "spend_30d": Fraction(420_000), "avg_monthly_visits_3m": Fraction(1), "consecutive_weeks": Fraction(2), "last_bill": Fraction(0),
    })  # fmt: skip
    lines = {tier.code: explain(tier.when, known, tier.code) for tier in RECENT.tiers}
    step = picture.next_step(RECENT, lines, "B")
    assert (step.tier.code, step.fact, step.missing) == ("A", "近30天消费", "¥800")
    assert picture.next_step(RECENT, lines, "A") is None


# ---- the forecast --------------------------------------------------------------------------------------------


def fall_of(store, guest) -> Fall | None:
    return outlook(store, guest.pk, standing(store, guest.pk, TODAY)).fall


def test_a_guest_falls_on_the_day_the_last_big_bill_leaves_the_window(store, regular, graded):
    """¥5,000 spent 25 days ago counts for the 30 days that end with D: the 31st day is the first without it."""
    dine(store, regular, 25, 5000)
    dine(store, regular, 2, 100)
    # The bill of day 25 is not the latest one; five weeks in a row and the monthly average hold nothing.
    assert fall_of(store, regular) == Fall(TODAY + timedelta(days=5), "C")


def test_nobody_falls_below_the_last_tier(store, regular, graded):
    dine(store, regular, 2, 100)
    assert fall_of(store, regular) is None


def test_a_scheme_that_ranks_guests_is_not_foretold():
    body = preset("recent_month_abc")
    assert is_foreseeable(RECENT)
    body["tiers"][0]["when"] = {"fact": "share_spend_365d", "op": ">=", "value": 80}
    assert not is_foreseeable(read_scheme(body))


# ---- why somebody moved --------------------------------------------------------------------------------------


def decision(tier: str, previous: str, spend: int, reasons: list) -> TierDecision:
    facts = {
        "spend_30d": spend * 100,
        "avg_monthly_visits_3m": [5, 3],
        "consecutive_weeks": 1,
        "last_bill": 20_000,
    }
    return TierDecision(tier=tier, previous=previous, reasons=reasons, facts=facts)


@pytest.mark.parametrize(
    ("move", "why"),
    [
        (decision("A", "B", 6240, ["A.1"]), "近30天消费 ¥6,240，门槛 ¥5,000"),
        (decision("B", "A", 4820, ["B.1"]), "近30天消费 ¥4,820，保级要 ¥5,000"),
        (decision("C", "B", 900, ["C.1"]), "近三个整月月均次数 1.67 次，保级要 2 次"),
    ],
)
def test_a_move_is_told_by_the_number_that_made_it(move, why):
    assert why_moved(move, RECENT) == why


def test_a_fall_is_told_by_the_line_that_held_before():
    fallen = decision("C", "B", 900, ["C.1"])
    assert why_moved(fallen, RECENT, ["B.1"]) == "近30天消费 ¥900，保级要 ¥2,000"


def test_a_guest_who_is_not_graded_any_more_is_told_what_is_missing():
    missing = [{"code": "missing", "fields": ["birthday", "phone"]}]
    assert why_moved(decision("UNRATED", "A", 0, missing), RECENT) == "缺少资料：出生年月日、联系电话"


def test_a_move_is_told_in_english_too():
    with translation.override("en"):
        told = why_moved(decision("A", "B", 6240, ["A.1"]), RECENT)
    assert told == "spent in 30 days ¥6,240, threshold ¥5,000"


# ---- the pages -----------------------------------------------------------------------------------------------


def test_the_panel_shows_every_line_with_its_number(desk, store, regular, graded):
    dine(store, regular, 20, 2400)
    dine(store, regular, 1, 100)
    decide_night(store, TODAY - timedelta(days=1), at=NOON)
    address = reverse("customer-standing", args=[regular.pk])
    panel = desk.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in panel
    for words in ("近30天消费 ≥ ¥5,000", "¥2,500", "最近一次账单 ≥ ¥2,000", "现在满足"):
        assert words in panel
    # 2,500 of 5,000 is half the way; one bill of 100 is a thirtieth.
    assert "前再消费 ¥2,500</b>" in panel
    # The bill of 31 May is the last time in the thirty days that end with 29 June.
    assert "<b>6月30日 周二起</b> 降为" in panel
    assert "<html" in desk.get(address).content.decode()


def test_a_store_without_a_scheme_says_so(desk, regular):
    page = desk.get(reverse("customer-standing", args=[regular.pk])).content.decode()
    assert "还没有采用等级方案" in page


def test_a_letter_never_stands_without_its_name(desk, store, regular, graded):
    dine(store, regular, 3, 2400)
    decide_night(store, TODAY - timedelta(days=1), at=NOON)
    page = desk.get(reverse("customers")).content.decode()
    assert '<span class="tier tier-1" title="餐厅顾客分类（近一月）"><b>B</b>类顾客</span>' in page


def test_the_ladder_counts_the_guests_of_now(desk, store, regular, lapsed, graded):
    dine(store, regular, 3, 6000)
    dine(store, lapsed, 100, 100)
    decide_night(store, TODAY - timedelta(days=1), at=NOON)
    page = desk.get(reverse("schemes"))
    assert page.context["counted"]["tier"] == {"A": 1, "B": 0, "C": 1, "none": 0}
    assert "近30天消费 ≥ ¥5,000" in page.content.decode()


def test_a_scheme_is_tried_before_it_is_adopted(desk, store, regular, lapsed, graded):
    dine(store, regular, 3, 6000)
    decide_night(store, TODAY - timedelta(days=1), at=NOON)
    page = desk.get(reverse("scheme", args=["monthly_avg_abc"]))
    assert page.context["preview"].then == {"A": 0, "B": 0, "C": 0, "P": 0, "UNRATED": 2}
    assert sorted(page.context["preview"].moves) == [("A", "UNRATED", 1), ("C", "UNRATED", 1)]
    assert "预设方案" in page.content.decode() and Adoption.objects.count() == 1
    assert [p.tier for p in Patronage.objects.order_by("tier")] == ["A", "C"]


def adopted() -> list[tuple[str, int, date]]:
    rows = Adoption.objects.select_related("version__scheme").order_by("id")
    return [(row.version.scheme.code, row.version.number, row.from_date) for row in rows]


def test_the_store_head_adopts_a_preset_from_a_day_on(desk, store):
    tomorrow = TODAY + timedelta(days=1)
    desk.post(reverse("scheme-adopt"), {"code": "recent_month_abc", "from_date": tomorrow.isoformat()})
    assert adopted() == [("recent_month_abc", 1, tomorrow)]
    assert "2026年6月21日起改用" in desk.get(reverse("schemes")).content.decode()


@pytest.mark.parametrize(
    ("day", "sentence"),
    [("2026-06-19", "不能在过去"), ("2028-01-01", "太远"), ("", "必须填写"), ("soon", "请填一个日期")],
)
def test_a_date_that_cannot_be_is_refused(desk, store, day, sentence):
    answer = desk.post(reverse("scheme-adopt"), {"code": "recent_month_abc", "from_date": day})
    assert (answer.status_code, sentence in answer.content.decode()) == (422, True)
    assert not Adoption.objects.exists()


def test_an_earlier_version_can_be_taken_up_again(desk, store, head, graded):
    body = preset("recent_month_abc")
    body["tiers"][0]["when"]["any"][0]["value"] = 6000
    second = save_scheme(store=store, body=body, actor=head, at=NOON)
    adopt(store=store, version=second, from_date=TODAY, actor=head, at=NOON)
    assert "¥6,000" in desk.get(reverse("scheme", args=["recent_month_abc"])).content.decode()
    assert "¥5,000" in desk.get(reverse("scheme", args=["recent_month_abc"]) + "?v=1").content.decode()
    desk.post(reverse("scheme-adopt"), {"code": "recent_month_abc", "number": "1", "from_date": "2026-07-01"})
    assert adopted()[-1] == ("recent_month_abc", 1, date(2026, 7, 1))


def test_another_stores_scheme_is_not_here(desk, other_store, head):
    body = preset("recent_month_abc") | {"id": "their_own"}
    save_scheme(store=other_store, body=body, actor=head, at=NOON)
    assert desk.get(reverse("scheme", args=["their_own"])).status_code == 404
    answer = desk.post(
        reverse("scheme-adopt"), {"code": "their_own", "number": "1", "from_date": "2026-07-01"}
    )
    assert (answer.status_code, Adoption.objects.count()) == (404, 0)
