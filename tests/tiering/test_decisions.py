"""The apply step: only changes, safe twice, nights of the past, corrections, the brake, and what was known then."""

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from customers.models import Patronage, Visit
from customers.services.customers import Profile, add_tag, change_customer
from customers.services.upkeep import recount
from customers.services.visits import void_visit
from tests.cast import NOON, put_on_file
from tiering.models import TierDecision
from tiering.query import Question
from tiering.rules import UNRATED
from tiering.selectors.decisions import fact_value, moves, rows_of, standing, tiers_on
from tiering.selectors.schemes import scheme_of
from tiering.services.decisions import Held, decide_night
from tiering.services.preview import preview
from tiering.services.schemes import adopt, adopt_preset, save_scheme

D = date(2026, 6, 19)
SPEND = {
    "id": "spend", "name": "消费", "fallback": "C", "tiers": [
        {"code": "A", "name": "甲", "when": {"fact": "spend_30d", "op": ">=", "value": 5000}},
        {"code": "B", "name": "乙", "when": {"fact": "spend_30d", "op": ">=", "value": 2000}},
        {"code": "C", "name": "丙", "when": {"otherwise": True}},
    ],
}  # fmt: skip


def use(store, body=SPEND, from_date=date(2020, 1, 1), at=NOON):
    version = save_scheme(store=store, body=body, actor=None, at=at)
    return adopt(store=store, version=version, from_date=from_date, actor=None, at=at)


def spend(store, customer, on, yuan, recorded=NOON):
    visit = Visit.objects.create(
        id=uuid.uuid4(), store=store, customer=customer, external_id=uuid.uuid4().hex, business_date=on,
        visited_at=datetime(on.year, on.month, on.day, 11, tzinfo=UTC), amount_fen=yuan * 100, entry="api",
        recorded_at=recorded, counted_at=recorded,
    )  # fmt: skip
    recount(store.pk)
    return visit


def night(store, on=D, at=NOON, **more):
    return decide_night(store, on, at=at, **more)


def label(store, customer):
    return Patronage.objects.get(store=store, customer=customer).tier


def rows():
    return list(
        TierDecision.objects.order_by("id").values_list("business_date", "customer__name", "previous", "tier")
    )


def test_every_guest_is_graded_once_and_then_only_changes(store, regular, lapsed):
    use(store)
    spend(store, regular, D, 5000)
    first = night(store)
    assert (first.guests, first.changed, first.entered, first.rose, first.fell) == (2, 2, 2, 0, 0)
    assert rows() == [(D, "王建国", "", "A"), (D, "李梅", "", "C")]
    assert (label(store, regular), label(store, lapsed)) == ("A", "C")
    again = night(store, at=NOON + timedelta(hours=1))
    assert again.changed == 0 and len(rows()) == 2
    spend(store, lapsed, date(2026, 6, 20), 2000)
    second = night(store, on=date(2026, 6, 20), at=NOON + timedelta(days=1))
    assert (second.changed, second.rose) == (1, 1)
    assert rows()[2:] == [(date(2026, 6, 20), "李梅", "C", "B")]
    [move] = moves(store, date(2026, 6, 20))
    assert move.rose and move.decision.customer == lapsed


def test_a_decision_keeps_its_facts_its_reasons_and_its_version(store, regular):
    adoption = use(store)
    spend(store, regular, D, 4820)
    night(store)
    decision = TierDecision.objects.get()
    assert decision.facts == {"spend_30d": 482000}
    assert decision.reasons == ["B.1"]
    assert (decision.version_id, decision.decided_at, decision.corrected) == (
        adoption.version_id,
        NOON,
        False,
    )


def test_averages_are_kept_as_exact_pairs(store, regular):
    adopt_preset(store=store, code="recent_month_abc", from_date=date(2020, 1, 1), actor=None, at=NOON)
    spend(store, regular, date(2026, 5, 2), 100)
    night(store)
    assert TierDecision.objects.get().facts["avg_monthly_visits_3m"] == [1, 3]


def test_another_stores_guests_are_left_alone(store, other_store, regular):
    use(store)
    Patronage.objects.create(customer=regular, store=other_store, external_id="X", since=D)
    night(store)
    assert label(other_store, regular) == ""
    assert night(other_store).guests == 0  # no scheme adopted there


def test_an_older_night_run_again_writes_corrections_and_never_a_label(store, regular):
    use(store)
    for on in (D, D + timedelta(days=1), D + timedelta(days=2)):
        night(store, on=on, at=NOON + timedelta(days=2))
    spend(store, regular, D, 6000, recorded=NOON + timedelta(days=3))  # arrives late
    again = night(store, on=D, at=NOON + timedelta(days=3))
    assert again.corrected == 1 and label(store, regular) == "C"
    newest = TierDecision.objects.order_by("-id").first()
    assert (newest.business_date, newest.tier, newest.corrected) == (D, "A", True)
    assert tiers_on(store, D)[0][1] == "A"
    assert night(store, on=D, at=NOON + timedelta(days=4)).corrected == 0  # the second time changes nothing
    # The newest night, run again, agrees with the correction and moves the label; one decision says so.
    latest = night(store, on=D + timedelta(days=2), at=NOON + timedelta(days=4))
    assert label(store, regular) == "A" and latest.changed == 0


def test_a_correction_that_the_newest_night_disagrees_with_is_answered(store, regular):
    """Corrected to A on an older night, still C on the newest: the newest night says C again, for the record."""
    use(store)
    far = D + timedelta(days=60)
    for on in (D, far):
        night(store, on=on, at=NOON + timedelta(days=60))
    spend(store, regular, D, 6000, recorded=NOON + timedelta(days=61))
    night(store, on=D, at=NOON + timedelta(days=61))
    night(store, on=far, at=NOON + timedelta(days=62))
    assert label(store, regular) == "C"
    assert [(r[0], r[3]) for r in rows()] == [(D, "C"), (D, "A"), (far, "C")]
    assert tiers_on(store, far)[0][1] == "C"


def test_a_stored_decision_replays_from_what_was_known_then(store, regular):
    use(store)
    bill = spend(store, regular, D, 5000)
    night(store, at=NOON)
    decision = TierDecision.objects.get()
    void_visit(store=store, visit_id=bill.pk, reason="退单", actor=None, at=NOON + timedelta(hours=2))
    spend(store, regular, D, 2000, recorded=NOON + timedelta(hours=2))
    now_known = next(rows_of(Question(store.pk, D, ("spend_30d",))))
    then_known = next(rows_of(Question(store.pk, D, ("spend_30d",), known_at=decision.known_at)))
    assert fact_value(now_known, "spend_30d") == 200000
    assert fact_value(then_known, "spend_30d") == decision.facts["spend_30d"] == 500000


def test_observing_and_missing_fields_say_so(store, regular, newcomer):
    """Row 32: first visit 10 March, two months, all fields: first rated on 10 May; without a birth date blocked."""
    use(store, SPEND | {"observe_months": 2, "requires": ["name", "birthday"]})
    spend(store, regular, date(2026, 3, 10), 9000)
    spend(store, newcomer, date(2026, 3, 10), 9000)
    night(store, on=date(2026, 5, 9))
    assert label(store, regular) == UNRATED
    assert TierDecision.objects.get(customer=regular).reasons == [
        {"code": "observing", "until": "2026-05-10"}
    ]
    night(store, on=date(2026, 5, 10))
    assert (label(store, regular), label(store, newcomer)) == ("C", UNRATED)
    blocked = standing(store, newcomer.pk, date(2026, 5, 10))
    assert blocked.unrated == [{"code": "missing", "fields": ["birthday"]}]


def test_filling_the_gap_rates_the_guest_and_the_past_stays_explained(store, newcomer):
    from common.birthdays import Birthday

    use(store, SPEND | {"requires": ["birthday"]})
    night(store, at=NOON)
    decision = TierDecision.objects.get()
    later = NOON + timedelta(days=1)
    change_customer(
        store=store, customer_id=newcomer.pk, profile=Profile(birthday=Birthday("solar", 1990, 1, 2)), actor=None,
        at=later, source="desk",
    )  # fmt: skip
    night(store, on=D + timedelta(days=1), at=later + timedelta(hours=1))
    assert label(store, newcomer) == "C"
    question = Question(store.pk, D, ("spend_30d",), requires=("birthday",), known_at=decision.known_at)
    assert next(rows_of(question))["unrated"] == decision.reasons


def test_tags_make_a_potential_guest_only_by_the_tag(store, regular, lapsed):
    adopt_preset(store=store, code="monthly_avg_abc", from_date=date(2020, 1, 1), actor=None, at=NOON)
    spend(store, regular, date(2025, 1, 1), 10)
    night(store, on=D)
    assert label(store, regular) == UNRATED  # complete, observed, and below every line: the fallback
    add_tag(customer=regular, word="nearby_resident", actor=None, at=NOON)
    night(store, on=D + timedelta(days=1))
    assert label(store, regular) == "P"
    found = standing(store, lapsed.pk, D)
    assert found.tier == UNRATED and {r["code"] for r in found.unrated} == {"missing", "observing"}


def test_the_scheme_in_force_is_the_latest_adopted_by_the_day(store, regular):
    use(store)
    spend(store, regular, D, 3000)
    higher = SPEND | {"tiers": [SPEND["tiers"][0] | {"when": {"fact": "spend_30d", "op": ">=", "value": 3000}},
                                *SPEND["tiers"][1:]]}  # fmt: skip
    use(store, higher, from_date=D + timedelta(days=1))
    night(store, on=D)
    assert label(store, regular) == "B"
    night(store, on=D + timedelta(days=1))
    assert label(store, regular) == "A"
    assert [row[2:4] for row in tiers_on(store, D + timedelta(days=1))] == [("spend", 2)]


def test_preview_equals_the_next_run(store):
    guests = [put_on_file(store, f"客{n}", external_id=f"P{n}") for n in range(30)]
    for n, guest in enumerate(guests):
        spend(store, guest, D - timedelta(days=n), n * 300)
    adopt_preset(store=store, code="recent_month_abc", from_date=date(2020, 1, 1), actor=None, at=NOON)
    night(store)
    version = save_scheme(store=store, body=SPEND, actor=None, at=NOON)
    seen = preview(store, scheme_of(version), D)
    before = TierDecision.objects.count()
    assert TierDecision.objects.count() == before
    adopt(store=store, version=version, from_date=D, actor=None, at=NOON)
    night(store)
    after = {}
    for tier in Patronage.objects.filter(store=store).values_list("tier", flat=True):
        after[tier] = after.get(tier, 0) + 1
    assert {k: v for k, v in seen.then.items() if v} == after
    moved = {}
    for previous, tier in TierDecision.objects.filter(version=version).values_list("previous", "tier"):
        moved[previous, tier] = moved.get((previous, tier), 0) + 1
    assert {(a, b): n for a, b, n in seen.moves} == moved


def bills(store, n, on=D, recorded=NOON):
    """`n` guests with one bill of ¥6,000 each on business day `on`: B0, B1 …"""
    guests = [put_on_file(store, f"客{k}", external_id=f"P{k}") for k in range(n)]
    Visit.objects.bulk_create(
        Visit(
            id=uuid.uuid4(), store=store, customer=guest, external_id=f"B{k}", business_date=on, amount_fen=600_000,
            visited_at=datetime(on.year, on.month, on.day, 11, tzinfo=UTC), entry="import", recorded_at=recorded,
            counted_at=recorded,
        )
        for k, guest in enumerate(guests)
    )  # fmt: skip
    recount(store.pk)


def take_back(store, n):
    """The first `n` bills are voided after the night of D."""
    Visit.objects.filter(external_id__in=[f"B{k}" for k in range(n)]).update(
        voided_at=NOON + timedelta(hours=1)
    )
    recount(store.pk)


def test_the_brake_holds_a_night_that_moves_too_many(store):
    """12 of 220 guests (5.5 %) lose their tier though neither the rules nor the calendar moved: it waits."""
    use(store)
    bills(store, 220)
    night(store)
    take_back(store, 12)
    with pytest.raises(Held) as held:
        night(store, on=D + timedelta(days=1), at=NOON + timedelta(days=1))
    counts = held.value.counts
    assert (counts["fell"], counts["graded"], counts["unexplained"], counts["limit_percent"]) == (
        12,
        220,
        12,
        5,
    )
    assert set(Patronage.objects.values_list("tier", flat=True)) == {"A"}
    assert TierDecision.objects.count() == 220
    approved = night(store, on=D + timedelta(days=1), at=NOON + timedelta(days=1), approved=True)
    assert approved.fell == 12


@pytest.mark.parametrize(
    ("guests", "lost"), [(220, 11), (200, 150)], ids=["exactly the limit", "a store of two hundred"]
)
def test_the_brake_lets_a_few_and_a_small_store_pass(store, guests, lost):
    use(store)
    bills(store, guests)
    night(store)
    take_back(store, lost)
    assert night(store, on=D + timedelta(days=1), at=NOON + timedelta(days=1)).fell == lost


def test_the_brake_lets_the_calendar_move_whom_it_moves(store):
    """Thirty days after their only bill all 220 fall: that was known the night before."""
    use(store)
    last = D + timedelta(days=29)
    bills(store, 220)
    night(store, on=last, at=NOON + timedelta(days=29))
    assert night(store, on=last + timedelta(days=1), at=NOON + timedelta(days=30)).fell == 220


def test_why_shows_every_number_beside_its_threshold(store, regular):
    use(store)
    spend(store, regular, D, 4820)
    night(store)
    found = standing(store, regular.pk, D)
    assert (found.tier, found.label, found.scheme.code, found.version) == ("B", "B", "spend", 1)
    line = found.lines["A"]
    assert (line.holds, line.value, line.node.value) == (False, 482000, 500000)
