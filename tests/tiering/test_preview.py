"""What if these were the rules: the very answer of the next night, and the guests at the edge by name."""

from datetime import date, timedelta

import pytest

from customers.models import Patronage
from customers.services.visits import void_visit
from tests.cast import put_on_file
from tests.tiering.examining import come, days, ladder, night, nights, noon, rule, use
from tiering.models import Adoption, Night, SchemeVersion, TierDecision
from tiering.rules import read_scheme
from tiering.selectors.schemes import preset
from tiering.services.judgements import override_tier
from tiering.services.preview import preview

D = date(2026, 6, 19)
SPEND = ladder(rule("spend_30d", 3000), rule("spend_30d", 1000))
STEEP = ladder(rule("spend_30d", 4000), rule("spend_30d", 2000)) | {"id": "steep"}
KEEPS = STEEP | {"min_stay_days": 10, "grace_days": 5, "id": "keeps"}
OBSERVES = STEEP | {"observe_months": 2, "requires": ["phone"], "id": "observes"}
LABELS = {"id": "labels", "name": "标签", "kind": "labels", "axis": "habit", "tiers": [
    {"code": "OFTEN", "name": "常来", "when": rule("visits_30d", 3)},
    {"code": "BIG", "name": "大单", "when": rule("max_bill_90d", 900)},
]}  # fmt: skip
CARD = ladder(rule("spend_365d", 5000)) | {"id": "card", "axis": "card"}


@pytest.fixture
def house(store, head):
    """Fifty guests with a year behind them, three weeks of nights, a tier by hand, a bill voided afterwards."""
    found = [
        put_on_file(
            store,
            f"客{n:02}",
            noon(date(2025, 5, 1)),
            external_id=f"P{n:02}",
            phone=f"138000{n:05}" if n % 3 else None,
        )
        for n in range(50)
    ]
    for n, guest in enumerate(found):
        for visit in range(1 + n % 5):
            come(store, guest, D - timedelta(days=(n * 3 + visit * 11) % 70), yuan=n * 40 + visit * 350)
    wrong = come(store, found[7], D - timedelta(days=5), 9000)
    for body in (SPEND, CARD, LABELS):
        use(store, body)
    nights(store, D - timedelta(days=20), D - timedelta(days=1))
    override_tier(
        store=store, customer_id=found[3].pk, tier="A", reason="老朋友，常带客人来", valid_until=D + timedelta(days=30),
        actor=head, on=D, at=noon(D),
    )  # fmt: skip
    # What is corrected after a night changes what the next one compares with, though not the label.
    void_visit(store=store, visit_id=wrong, reason="重复", actor=None, at=noon(D))
    night(store, D - timedelta(days=3), at=noon(D))
    assert TierDecision.objects.filter(corrected=True, axis="tier").exists()
    return found


def stands(store, axis: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for tier, labels in Patronage.objects.filter(store=store).values_list("tier", "labels"):
        code = tier if axis == "tier" else labels.get(axis, "")
        found[code] = found.get(code, 0) + 1
    return found


@pytest.mark.parametrize(
    "body",
    [SPEND, STEEP, KEEPS, OBSERVES, LABELS, CARD, preset("recent_month_abc"),
     preset("hotpot_hml"), preset("monthly_avg_abc"), preset("lifecycle_types")],
    ids=lambda body: body["id"],
)  # fmt: skip
def test_the_preview_is_the_next_night(store, house, body):
    scheme = read_scheme(body)
    before = stands(store, scheme.axis)
    seen = preview(store, scheme, D, examples=20)
    use(store, body, D)
    first = TierDecision.objects.order_by("-id").first().pk
    night(store, D)
    assert {tier: n for tier, n in seen.then.items() if n} == stands(store, scheme.axis)
    moved: dict[tuple[str, str], int] = {}
    rows = TierDecision.objects.filter(pk__gt=first, axis=scheme.axis)
    for a, b in rows.values_list("previous", "tier"):
        moved[a, b] = moved.get((a, b), 0) + 1
    assert {(a, b): n for a, b, n in seen.moves} == moved
    # The examples are among those who moved, and moved as they said.
    decided = {row.customer_id: (row.previous, row.tier) for row in rows}
    assert len(seen.edge) == min(20, len(decided))
    assert all(decided[each.customer.pk] == (each.before, each.after) for each in seen.edge)
    assert sum(before.values()) == seen.guests == 50


def test_a_preview_writes_nothing(store, house):
    counted = [model.objects.count() for model in (TierDecision, Night, SchemeVersion, Adoption)]
    labels = list(Patronage.objects.order_by("pk").values_list("tier", "tier_since", "labels"))
    preview(store, read_scheme(STEEP), D, examples=20)
    assert counted == [model.objects.count() for model in (TierDecision, Night, SchemeVersion, Adoption)]
    assert labels == list(Patronage.objects.order_by("pk").values_list("tier", "tier_since", "labels"))


def test_those_nearest_to_a_threshold_come_first_with_their_number(store):
    """Threshold 1,000 → 2,000: who has 1,990 is nearest, then 1,500, then 1,010; who has 2,500 does not move."""
    for name, yuan in (("远", 1010), ("不动", 2500), ("中", 1500), ("没来", 0), ("近", 1990)):
        guest = put_on_file(store, name, noon(D - timedelta(days=9)))
        if yuan:
            come(store, guest, D - timedelta(days=5), yuan)
    use(store, ladder(rule("spend_30d", 1000)))
    night(store, D - timedelta(days=1))
    seen = preview(store, read_scheme(ladder(rule("spend_30d", 2000))), D, examples=2)
    assert [(e.customer.name, e.before, e.after, e.fact, e.value, e.threshold) for e in seen.edge] == [
        ("近", "A", "B", "近30天消费", "¥1,990", "≥ ¥2,000"),
        ("中", "A", "B", "近30天消费", "¥1,500", "≥ ¥2,000"),
    ]
    assert (seen.moved, seen.entered, seen.moves) == (3, 0, [("A", "B", 3)])


def test_who_gets_a_first_tier_did_not_move(store):
    put_on_file(store, "新客", noon(D))
    seen = preview(store, read_scheme(SPEND), D, examples=5)
    assert (seen.moved, seen.entered) == (0, 1)
    [only] = seen.edge
    assert (only.before, only.after, only.fact, only.value) == ("", "C", "近30天消费", "¥0")


def test_where_no_number_decides_the_guest_is_named_without_one(store):
    guest = put_on_file(store, "没电话", noon(D - timedelta(days=200)))
    come(store, guest, D - timedelta(days=1), 5000)
    use(store, SPEND)
    night(store, D - timedelta(days=1))
    [only] = preview(store, read_scheme(OBSERVES), D, examples=5).edge
    assert (only.before, only.after, only.tip, only.value, only.threshold) == ("A", "UNRATED", None, "", "")
    assert only.unrated == "缺少资料：联系电话；观察期到 2026-08-18"


def test_days_are_counted_up_to_the_preview(store):
    guest = put_on_file(store, "客", noon(D))
    for on in days(D - timedelta(days=3), D):
        come(store, guest, on, 1000)
    assert preview(store, read_scheme(SPEND), D - timedelta(days=1)).then == {"A": 1, "B": 0, "C": 0}
    assert preview(store, read_scheme(SPEND), D - timedelta(days=3)).then == {"A": 0, "B": 1, "C": 0}
