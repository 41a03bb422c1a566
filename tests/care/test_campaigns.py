"""A campaign told once to a group, some of them held out by lot: who gets it, who does not and why, what it earned."""

import threading
import uuid
from datetime import date, datetime, timedelta
from hashlib import sha256

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse

from care import parts
from care.campaigns import Arm, Earned, has_grown, is_held_out, lot, needs_another, unfit
from care.channels import provider_from_settings
from care.channels.base import Answer
from care.channels.base import Outcome as Proof
from care.models import Campaign, CampaignGuest, CareRules, Message, Outcome, PlanLine, Task, TextRules
from care.models.calendar import OwnFestival
from care.selectors.campaigns import campaign_list, earned_by, groups_of, progress_of
from care.services import campaigns as verbs
from care.services.campaign_outcomes import settle_campaigns
from care.services.campaign_planning import sieve
from care.services.campaigns import approve_campaign, cancel_campaign, plan_campaigns, save_campaign
from care.services.outbox import claim_next, expire_missed, send, settle
from care.services.outcomes import settle_outcomes
from care.services.plans import plan_for
from care.texts import written_out
from care.timing import Timing
from common.errors import NotHere, Refused
from crm import nightly
from customers.models import Consent, OptOut, Patronage, Phone
from customers.services.customers import add_tag
from customers.services.dishes import launch_dish
from customers.services.visits import VisitInput, record_visit, void_visit
from feedback.services import open_complaint
from staff.models import Store
from tests.care.stage import (
    account,
    adopt,
    china,
    content,
    due_text,
    grade,
    guests,
    morning,
    night,
    plan_texts,
)
from tests.cast import hire
from tiering.services.segments import retire_segment, save_segment

TODAY = china("2026-06-10 10:00")
DAY = date(2026, 6, 12)
EVE = date(2026, 6, 11)  # the night of this business date plans the campaign of DAY
BORN = china("2026-06-12 04:30")
ROWS = (Message, Task, CampaignGuest, Campaign)


@pytest.fixture(autouse=True)
def can_send(settings) -> None:
    settings.SMS = account("http://127.0.0.1:9/")


def draft(store: Store, actor=None, **more) -> Campaign:
    said = {
        "kind": "promotion", "name": "端午", "segment": None, "tiers": ["A"], "what": "端午套餐", "detail": "六月二十日前八八折",
        "channel": "sms", "call_fallback": False, "send_on": DAY, "window_days": 2, "held_out": 0,
    }  # fmt: skip
    return save_campaign(store=store, said=said | more, actor=actor, at=TODAY)


def approved(store: Store, actor=None, at: datetime = TODAY, **more) -> Campaign:
    campaign = draft(store, **more)
    told = sieve(campaign, store, on=store.business_day(at)).told
    return approve_campaign(store=store, campaign_id=campaign.pk, number=told, actor=actor, at=at)


def planned(store: Store, **more) -> Campaign:
    campaign = approved(store, **more)
    plan_campaigns(store=store, on=EVE, at=BORN)
    campaign.refresh_from_db()
    return campaign


def why(campaign: Campaign) -> dict[str, int]:
    """How many guests, by arm, or by the reason where they are blocked."""
    return {group.reason or group.arm: group.guests for group in groups_of(campaign)}


def visits(customer, store: Store, at: str, yuan: int = 100) -> uuid.UUID:
    when = china(at)
    return record_visit(
        store=store, visit_id=uuid.uuid4(), visit=VisitInput(when, yuan * 100, customer_id=customer.pk), entry="api",
        actor=None, at=when,
    ).visit_id  # fmt: skip


# ---- the lot, the words, the figures: without a database ---------------------------------------------------


def test_the_lot_is_the_first_eight_digits_of_the_hash():
    for campaign, guest in ((1, 1), (7, 1001), (123456, 999999999)):
        digits = sha256(f"{campaign}:{guest}".encode()).hexdigest()[:8]
        assert lot(campaign, guest) == int(digits, 16) % 100
        assert is_held_out(campaign, guest, lot(campaign, guest) + 1)
        assert not is_held_out(campaign, guest, lot(campaign, guest))


def test_about_as_many_are_held_out_as_were_asked_for_and_others_by_another_campaign():
    """10,000 guests at 10 %: within four standard errors of 1,000; two campaigns share about a tenth of them."""
    first = {n for n in range(10_000) if is_held_out(1, n, 10)}
    second = {n for n in range(10_000) if is_held_out(2, n, 10)}
    assert 880 <= len(first) <= 1120 and 880 <= len(second) <= 1120
    assert 60 <= len(first & second) <= 145
    assert not any(is_held_out(1, n, 0) for n in range(1000))
    assert first < {n for n in range(10_000) if is_held_out(1, n, 20)}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("本周请您先来免费试吃", ""),
        ("6月20日前凭短信8.8折", ""),
        ("点开http://x.cn/a", "link"),
        ("看www.longjing", "link"),
        ("看longjing.com", "link"),
        ("订座13812348899", "number"),
        ("订座0571-8765 4321", "number"),
        ("满200减20，满500减60", ""),
        ("【龙井】八折", "marks"),
        ("${name}八折", "marks"),
        ("八折\n快来", "marks"),
        ("八折\u200b", "marks"),
    ],
)
def test_what_may_stand_in_an_approved_text(words, expected):
    assert unfit(words) == expected


def test_when_somebody_else_has_to_look():
    assert not needs_another(500) and needs_another(501)
    assert not has_grown(100, 110) and has_grown(100, 111)
    assert not has_grown(10, 15) and has_grown(10, 16)
    assert not has_grown(100, 20)


def test_what_a_campaign_earned():
    """56 of 70 against 48 of 80: Newcombe 1998, table II, method 10: 0.0524 to 0.3339."""
    earned = Earned(Arm(70, 56, 700_000, 7e9), Arm(80, 48, 400_000, 2e9 + 2e9))
    assert (earned.gain.low, earned.gain.high) == (
        pytest.approx(0.0524, abs=6e-5),
        pytest.approx(0.3339, abs=6e-5),
    )
    assert earned.tables.value == pytest.approx(14.0) and earned.tables.low == pytest.approx(
        70 * 0.0524, abs=5e-3
    )
    # 10,000 fen a guest against 5,000: 5,000 more for each of 70.
    assert earned.spend.value == pytest.approx(350_000)
    assert earned.told.spend_each_fen == 10_000
    assert Earned(Arm(5, 2, 0), Arm()).gain is None and Earned(Arm(5, 2, 0), Arm()).spend is None


# ---- who gets it -------------------------------------------------------------------------------------------


def test_case_81_a_campaign_to_300_goes_to_the_280_who_agreed_and_the_20_are_listed(store, head):
    agreed = guests(store, 280, "A")
    unasked = guests(store, 20, "A", consents=False, first=1001)
    guests(store, 5, "B", first=2001)
    campaign = draft(store)
    seen = sieve(campaign, store, on=date(2026, 6, 10))
    assert (seen.guests, seen.told, seen.held_out) == (300, 280, 0)
    assert [(group.reason, group.guests) for group in seen.blocked] == [("no_consent", 20)]
    assert set(seen.blocked[0].ids) == {guest.pk for guest in unasked}
    approve_campaign(store=store, campaign_id=campaign.pk, number=280, actor=head, at=TODAY)
    assert plan_campaigns(store=store, on=EVE, at=BORN) == {"campaigns": 1, "campaign_told": 280}
    texts = Message.objects.filter(category="campaign", occasion=f"campaign:{campaign.pk}")
    assert {text.customer_id for text in texts if text.state == "pending"} == {guest.pk for guest in agreed}
    skipped = texts.filter(state="skipped", reason="no_consent")
    assert {text.customer_id for text in skipped} == {guest.pk for guest in unasked}
    assert texts.count() == 300
    text = texts.filter(state="pending").first()
    assert text.template == "campaign_promotion"
    assert text.variables == {"name": "会员", "what": "端午套餐", "detail": "六月二十日前八八折"}
    assert (text.not_before, text.expires_at) == (china("2026-06-12 09:00"), china("2026-06-14 19:30"))
    assert text.planned_on == DAY


def test_case_82_everybody_who_may_not_be_told_is_listed_with_the_reason(store, other_store):
    fine, none, never, stopped, angry, mourning, twin = guests(store, 7, "A")
    Phone.objects.filter(customer=none).delete()
    Consent.objects.create(
        customer=never, given=False, at=TODAY - timedelta(days=1), source="desk", recorded_at=TODAY
    )
    OptOut.objects.create(
        brand=store.brand, number_index=Phone.objects.get(customer=stopped).number_index, since=TODAY, source="reply", words="R"
    )  # fmt: skip
    open_complaint(
        store=store, customer_id=angry.pk, text="等了四十分钟", actor=None, on=TODAY.date(), at=TODAY
    )
    add_tag(customer=mourning, word="守孝", actor=None, at=TODAY)
    shared = Phone.objects.get(customer=fine)
    # The twin is reached through a contact, who agreed: on the first guest's own number.
    Phone.objects.filter(customer=twin).update(
        kind="contact", number_index=shared.number_index, number=shared.number
    )
    Consent.objects.create(
        customer=twin, phone=Phone.objects.get(customer=twin), given=True, at=TODAY, source="desk", recorded_at=TODAY
    )  # fmt: skip
    campaign = planned(store)
    assert why(campaign) == {
        "told": 1, "no_phone": 1, "no_consent": 1, "opted_out": 1, "complaint_open": 1, "in_mourning": 1, "shared_phone": 1,
    }  # fmt: skip
    assert CampaignGuest.objects.get(customer=fine).arm == "told"
    reasons = dict(Message.objects.values_list("customer_id", "reason"))
    assert (reasons[none.pk], reasons[twin.pk], reasons[fine.pk]) == ("no_phone", "shared_phone", "")


def test_case_83_a_number_that_is_full_until_the_window_ends_is_not_even_planned(store):
    """Four texts in thirty days: on the last day of the window, 14 June, those from 16 May on still count."""
    full, free = guests(store, 2, "A")
    for guest, first in ((full, 16), (free, 15)):
        for n in range(4):
            at = china(f"2026-05-{first + n} 10:00")
            due_text(guest, store, occasion=f"festival:x{n}:2026", state="delivered", claimed_at=at, opens=at)
    campaign = planned(store)
    assert why(campaign) == {"told": 1, "cap_month": 1}
    assert CampaignGuest.objects.get(customer=full).reason == "cap_month"


def test_case_84_who_is_held_out_is_drawn_after_the_gate_the_same_in_sql_and_in_python(store):
    guests(store, 120, "A")
    guests(store, 30, "A", consents=False, first=1001)
    campaign = planned(store, held_out=30)
    listed = CampaignGuest.objects.filter(campaign=campaign)
    assert listed.filter(arm="blocked").count() == 30
    drawn = {row.customer_id: row.arm for row in listed.exclude(arm="blocked")}
    assert len(drawn) == 120
    assert drawn == {pk: "held_out" if is_held_out(campaign.pk, pk, 30) else "told" for pk in drawn}
    assert 15 <= list(drawn.values()).count("held_out") <= 60
    kept_back = Message.objects.filter(reason="held_out")
    assert {text.customer_id for text in kept_back} == {pk for pk, arm in drawn.items() if arm == "held_out"}
    assert set(kept_back.values_list("state", "number", "phone_key")) == {("skipped", None, None)}


def test_the_page_before_shows_whom_the_plan_then_draws(store, head):
    guests(store, 60, "A")
    campaign = draft(store, held_out=20)
    seen = sieve(campaign, store, on=date(2026, 6, 10))
    before = {pk for group in seen.groups if group.arm == "held_out" for pk in group.ids}
    approve_campaign(store=store, campaign_id=campaign.pk, number=seen.told, actor=head, at=TODAY)
    plan_campaigns(store=store, on=EVE, at=BORN)
    listed = CampaignGuest.objects.filter(campaign=campaign)
    assert set(listed.filter(arm="held_out").values_list("customer_id", flat=True)) == before
    assert listed.filter(arm="told").count() == seen.told


def test_a_segment_and_the_tiers_of_a_segment(store, other_store):
    often, seldom = guests(store, 3, "A"), guests(store, 2, "B", first=11)
    for guest in (*often[:2], seldom[0]):
        visits(guest, store, "2026-06-01 19:00")
    segment = save_segment(
        store=store, name="来过", rule={"fact": "visits_90d", "op": ">=", "value": 1}, actor=None, at=TODAY
    )
    told = {guest.pk for guest in (*often[:2], seldom[0])}
    campaign = draft(store, segment=segment, tiers=[])
    assert {pk for group in sieve(campaign, store, on=date(2026, 6, 10)).groups for pk in group.ids} == told
    of_a = draft(store, segment=segment, tiers=["A"])
    assert sieve(of_a, store, on=date(2026, 6, 10)).told == 2
    # Retired, it may still be told to: the campaign was written with it.
    retire_segment(store=store, segment_id=segment.pk, at=TODAY)
    assert sieve(campaign, store, on=date(2026, 6, 10)).told == 3
    theirs = save_segment(store=other_store, name="别店", rule={"otherwise": True}, actor=None, at=TODAY)
    with pytest.raises(NotHere):
        draft(store, segment=theirs)


def test_guests_of_another_store_are_not_told(store, other_store, rival):
    guests(store, 2, "A")
    guests(other_store, 3, "A", first=101)
    guests(rival, 3, "A", first=201)
    campaign = planned(store)
    assert why(campaign) == {"told": 2}
    assert set(Message.objects.values_list("store_id", flat=True)) == {store.pk}


# ---- when it goes ------------------------------------------------------------------------------------------


def test_case_85_approved_for_today_it_goes_at_once_else_in_the_night_before(store, head):
    guests(store, 2, "A")
    later = approved(store, head)
    assert (later.state, later.texts, later.approved_by) == ("approved", 2, head)
    assert not Message.objects.exists()
    assert plan_campaigns(store=store, on=date(2026, 6, 10), at=morning(date(2026, 6, 11))) == {}
    now = approved(store, head, send_on=date(2026, 6, 10), name="今天")
    assert now.state == "planned" and why(now) == {"told": 2}
    assert (now.began_at, now.results_on) == (TODAY, date(2026, 6, 24))
    assert plan_campaigns(store=store, on=EVE, at=BORN) == {"campaigns": 1, "campaign_told": 2}
    later.refresh_from_db()
    assert (later.state, later.planned_at, later.began_at) == ("planned", BORN, china("2026-06-12 09:00"))
    assert later.results_on == date(2026, 6, 26)


def test_a_missed_night_is_caught_up_and_what_is_too_late_is_born_expired(store):
    guests(store, 2, "A")
    late = approved(store)
    plan_campaigns(store=store, on=date(2026, 6, 13), at=china("2026-06-14 20:00"))
    late.refresh_from_db()
    assert late.state == "planned" and why(late) == {"window_passed": 2}
    assert set(Message.objects.values_list("state", "reason")) == {("expired", "window_passed")}


def test_case_86_planning_and_approving_twice_changes_nothing(store, head):
    guests(store, 20, "A")
    guests(store, 3, "A", consents=False, first=101)
    campaign = planned(store, actor=head, held_out=20)
    before = content(*ROWS)
    assert plan_campaigns(store=store, on=EVE, at=morning(DAY)) == {}
    again = approve_campaign(store=store, campaign_id=campaign.pk, number=1, actor=head, at=morning(DAY))
    assert again.state == "planned"
    assert content(*ROWS) == before
    # Even where the mark of the plan was lost: the keys hold, and whoever is on the list stays what he was.
    Campaign.objects.filter(pk=campaign.pk).update(state="approved")
    plan_campaigns(store=store, on=EVE, at=BORN)
    assert content(Message, CampaignGuest) == {name: before[name] for name in ("Message", "CampaignGuest")}


def test_the_night_plans_it_and_settles_it(store, head):
    adopt(store, "recent_month_abc")
    guests(store, 3)
    campaign = draft(store, head, tiers=["C"])
    Patronage.objects.filter(store=store).update(tier="C")
    approve_campaign(store=store, campaign_id=campaign.pk, number=3, actor=head, at=TODAY)
    steps = {step["step"]: step for step in nightly.run(store.pk, EVE, at=BORN, by_hand=True)}
    assert (steps["queue_occasions"]["campaigns"], steps["queue_occasions"]["campaign_told"]) == (1, 3)
    before = content(*ROWS)
    nightly.run(store.pk, EVE, at=BORN + timedelta(minutes=5), by_hand=True)
    assert content(*ROWS) == before
    over = date(2026, 6, 26)
    steps = {
        step["step"]: step
        for step in nightly.run(store.pk, over, at=morning(date(2026, 6, 27)), by_hand=True)
    }
    assert steps["settle_outcomes"]["campaigns"] == 1


def test_killed_in_the_middle_nothing_half_is_left(store, head, monkeypatch):
    guests(store, 5, "A")
    campaign = draft(store, send_on=date(2026, 6, 10))
    before = content(*ROWS)

    def dies(*_args, **_more):
        raise RuntimeError("killed")

    monkeypatch.setattr(verbs, "days_for", dies)
    with pytest.raises(RuntimeError):
        approve_campaign(store=store, campaign_id=campaign.pk, number=5, actor=head, at=TODAY)
    assert content(*ROWS) == before
    monkeypatch.undo()
    assert (
        approve_campaign(store=store, campaign_id=campaign.pk, number=5, actor=head, at=TODAY).state
        == "planned"
    )


@pytest.mark.django_db(transaction=True)
def test_case_86_many_who_approve_at_once_make_one_plan(store, head):
    guests(store, 30, "A")
    campaign = draft(store, send_on=date(2026, 6, 10), held_out=20)
    told = sieve(campaign, store, on=date(2026, 6, 10)).told
    states: list[str] = []

    def approve() -> None:
        try:
            done = approve_campaign(store=store, campaign_id=campaign.pk, number=told, actor=head, at=TODAY)
            states.append(done.state)
        finally:
            connection.close()

    threads = [threading.Thread(target=approve) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states == ["planned"] * 8
    assert Message.objects.filter(state="pending").count() == told
    assert Message.objects.count() == CampaignGuest.objects.count() == 30


# ---- approving ---------------------------------------------------------------------------------------------


def test_case_87_what_cannot_be_approved_and_nothing_has_moved(store, head):
    guests(store, 6, "A")
    fine = draft(store, head)
    gone = draft(store, send_on=date(2026, 6, 7))
    solemn = draft(store, send_on=date(2026, 12, 11))
    empty = draft(store, tiers=["Z"])
    cancelled = draft(store)
    cancel_campaign(store=store, campaign_id=cancelled.pk, actor=head, at=TODAY)
    before = content(*ROWS)
    for campaign, number, code in (
        (fine, 5, "campaign_number"), (fine, 7, "campaign_number"), (gone, 6, "campaign_past"),
        (solemn, 6, "campaign_solemn"), (empty, 1, "campaign_nobody"), (cancelled, 6, "campaign_not_draft"),
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            approve_campaign(store=store, campaign_id=campaign.pk, number=number, actor=head, at=TODAY)
        assert refused.value.code == code
    assert content(*ROWS) == before


def test_case_87_a_solemn_day_of_the_house_counts_too(store, head):
    guests(store, 6, "A")
    OwnFestival.objects.create(
        brand=store.brand, store=store, name="公司祭扫日", kind="solar", month=DAY.month, day=(DAY + timedelta(days=1)).day,
        solemn=True, made_at=TODAY,
    )  # fmt: skip
    with pytest.raises(Refused) as refused:
        approve_campaign(store=store, campaign_id=draft(store).pk, number=6, actor=head, at=TODAY)
    assert refused.value.code == "campaign_solemn"


def test_case_88_more_than_five_hundred_need_a_second_person(store, head, hq):
    guests(store, 501, "A")
    campaign = draft(store, head)
    with pytest.raises(Refused) as refused:
        approve_campaign(store=store, campaign_id=campaign.pk, number=501, actor=head, at=TODAY)
    assert refused.value.code == "campaign_two"
    assert (
        approve_campaign(store=store, campaign_id=campaign.pk, number=501, actor=hq, at=TODAY).state
        == "approved"
    )


def test_case_89_a_group_that_grew_by_more_than_a_tenth_is_not_sent(store, head):
    guests(store, 60, "A")
    campaign = approved(store, head)
    guests(store, 7, "A", first=1001)
    assert plan_campaigns(store=store, on=EVE, at=BORN) == {"campaign_grown": 1}
    campaign.refresh_from_db()
    assert (campaign.state, campaign.grown, campaign.approved_by, campaign.texts) == (
        "draft",
        True,
        None,
        None,
    )
    assert not Message.objects.exists() and not CampaignGuest.objects.exists()
    approve_campaign(store=store, campaign_id=campaign.pk, number=67, actor=head, at=BORN)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.grown) == ("planned", False) and why(campaign) == {"told": 67}


def test_a_group_that_shrank_or_grew_a_little_is_sent_as_it_is(store, head):
    many = guests(store, 60, "A")
    approved(store, head)
    guests(store, 6, "A", first=1001)
    grade(many[0], store, "B")
    assert plan_campaigns(store=store, on=EVE, at=BORN) == {"campaigns": 1, "campaign_told": 65}


def test_what_is_approved_cannot_be_changed(store, head):
    guests(store, 2, "A")
    campaign = approved(store, head)
    with pytest.raises(Refused) as refused:
        save_campaign(
            store=store, said={"segment": None, "tiers": ["B"]}, actor=head, at=TODAY, campaign_id=campaign.pk
        )
    assert (refused.value.code, refused.value.status) == ("campaign_not_draft", 409)
    with pytest.raises(Refused) as refused:
        draft(store, tiers=[])
    assert refused.value.code == "campaign_no_group"


# ---- sending -----------------------------------------------------------------------------------------------


def relay(simulator, settings, at: datetime) -> list[str]:
    """Send what is due, one after another, and say what became of each."""
    env = account(simulator.url)
    settings.SMS = env
    provider = provider_from_settings(env)
    outcomes = []
    while (claim := claim_next(now=at, by="t", provider="aliyun", sign=env["SMS_SIGN_NAME"])) is not None:
        if hasattr(claim, "attempt"):
            answer = send(claim, provider, env)
            settle(claim, answer, now=at, timing=Timing())
            outcomes.append(answer.outcome.value)
        else:
            outcomes.append(f"{claim.verdict.do} {claim.verdict.reason}")
    return outcomes


@pytest.mark.parametrize("kind", ["promotion", "new_dish", "event"])
def test_the_provider_takes_the_text_of_every_kind_and_bills_what_was_planned(
    store, simulator, settings, kind
):
    guests(store, 1, "A")
    campaign = planned(store, kind=kind)
    with time_machine.travel(china("2026-06-12 09:30"), tick=False):
        assert relay(simulator, settings, china("2026-06-12 09:30")) == ["accepted"]
    text = Message.objects.get()
    assert text.state == "accepted" and text.template == f"campaign_{kind}"
    [sent] = simulator.desk.ledger.select()
    assert sent.parts == text.parts
    assert sent.text == parts.whole_text(settings.SMS["SMS_SIGN_NAME"], text.template, text.variables)
    going = progress_of(campaign, store)
    assert (going.texts, going.parts) == ({"accepted": 1}, text.parts)


def test_case_90_a_campaign_gives_way_to_a_birthday_and_goes_the_next_day(store):
    [guest] = guests(store, 1, "A")
    campaign = planned(store)
    had = china("2026-06-12 09:00")
    due_text(guest, store, state="delivered", claimed_at=had, opens=had)
    disposed = claim_next(now=china("2026-06-12 09:30"), by="t", provider="aliyun")
    assert (disposed.verdict.do, disposed.verdict.reason) == ("wait", "cap_day")
    text = Message.objects.get(category="campaign")
    assert (text.state, text.reason, text.next_at) == ("pending", "cap_day", china("2026-06-13 09:00"))
    claim = claim_next(now=china("2026-06-13 09:00"), by="t", provider="aliyun")
    assert claim.template == "campaign_promotion"
    assert progress_of(campaign, store).texts == {"sending": 1}


def test_case_90_of_texts_due_at_once_a_campaign_is_taken_last(store):
    [guest] = guests(store, 1, "A")
    planned(store)
    for occasion in ("festival:dragon_boat:2026", "birthday:solar:06-12:2026"):
        due_text(
            guest, store, occasion=occasion, template=occasion.split(":")[0], opens=china("2026-06-12 09:00"),
            closes=china("2026-06-12 19:30"), variables={"name": "会员", "festival": "端午"},
        )  # fmt: skip
    TextRules.objects.create(brand=store.brand, a_day=3)
    now = china("2026-06-12 09:30")
    taken = [claim_next(now=now, by="t", provider="aliyun").template for _turn in range(3)]
    assert taken == ["birthday", "festival", "campaign_promotion"]


@pytest.mark.parametrize(("fallback", "calls"), [(False, 0), (True, 2)])
def test_case_91_what_missed_its_window_is_called_only_where_the_campaign_says_so(store, fallback, calls):
    guests(store, 2, "A")
    campaign = planned(store, call_fallback=fallback)
    after = china("2026-06-14 19:30")
    assert expire_missed(now=after) == 2
    assert set(Message.objects.values_list("state", "reason")) == {("expired", "window_missed")}
    found = Task.objects.filter(code="campaign", occasion=campaign.occasion)
    assert found.count() == calls
    for task in found:
        assert (task.channel, task.state, task.close_on) == ("phone", "open", date(2026, 6, 17))
        assert "端午套餐" in task.zh and task.zh.isprintable()
    assert expire_missed(now=after) == 0 and found.count() == calls


def test_case_92_without_a_provider_people_write_the_same_words(store, settings):
    settings.SMS = {}
    named, plain = guests(store, 2, "A")
    guests(store, 1, "A", consents=False, first=101)
    type(named).objects.filter(pk=named.pk).update(salutation="王总")
    owner = hire("li", "李", "waiter", store)
    Patronage.objects.filter(customer=named).update(owner=owner)
    campaign = planned(store)
    assert not Message.objects.exists()
    assert why(campaign) == {"told": 2, "no_consent": 1}
    task = Task.objects.get(customer=named)
    assert (task.channel, task.code, task.assignee, task.due_on, task.close_on) == (
        "wechat", "campaign", owner, DAY, date(2026, 6, 14),
    )  # fmt: skip
    assert task.words == "亲爱的王总，本店端午套餐：六月二十日前八八折。期待您的光临。"
    assert task.words == written_out(
        "campaign_promotion", {"name": "王总", "what": "端午套餐", "detail": "六月二十日前八八折"}
    )
    assert Task.objects.get(customer=plain).assignee is None
    assert progress_of(campaign, store).tasks == {"open": 2}


def test_case_93_by_hand_it_goes_to_everybody_who_did_not_say_no(store):
    unasked, refused_it, capped = guests(store, 3, "A", consents=False)
    Consent.objects.create(customer=refused_it, given=False, at=TODAY, source="desk", recorded_at=TODAY)
    CareRules.objects.create(store=store, contacts_a_week=1)
    Task.objects.create(
        store=store, customer=capped, code="x", occasion="x", channel="phone", zh="电", en="call", role="manager", due_on=date(2026, 6, 8),
        close_on=DAY, opened_on=DAY, opened_at=TODAY,
    )  # fmt: skip
    campaign = planned(store, channel="phone", held_out=0)
    assert why(campaign) == {"told": 1, "no_consent": 1, "cap_week": 1}
    task = Task.objects.get(code="campaign")
    assert (task.customer_id, task.channel) == (unasked.pk, "phone")
    assert not Message.objects.exists()


# ---- calling it off ----------------------------------------------------------------------------------------


def test_case_94_called_off_before_its_day_nothing_was_ever_written(store, head):
    guests(store, 3, "A")
    campaign = approved(store, head)
    assert cancel_campaign(store=store, campaign_id=campaign.pk, actor=head, at=TODAY) == 0
    assert plan_campaigns(store=store, on=EVE, at=BORN) == {}
    assert not Message.objects.exists() and not CampaignGuest.objects.exists()
    campaign.refresh_from_db()
    assert (campaign.state, campaign.cancelled_by, campaign.cancelled_at) == ("cancelled", head, TODAY)


def test_case_95_called_off_on_its_way_what_waits_is_stopped_and_what_was_sent_stays(store, head, settings):
    guests(store, 4, "A")
    campaign = planned(store)
    other = planned(store, name="另一次", tiers=["A"])
    sent = claim_next(now=china("2026-06-12 09:30"), by="t", provider="aliyun")
    mine = Message.objects.filter(occasion=campaign.occasion)
    sent_of_mine = mine.filter(pk=sent.message_id).count()
    stopped = cancel_campaign(store=store, campaign_id=campaign.pk, actor=head, at=china("2026-06-12 10:00"))
    assert stopped == 4 - sent_of_mine
    assert (
        mine.filter(state="skipped", reason="cancelled", final_at=china("2026-06-12 10:00")).count()
        == stopped
    )
    assert mine.filter(state="sending").count() == sent_of_mine
    assert not Message.objects.filter(occasion=other.occasion, reason="cancelled").exists()
    before = content(*ROWS)
    assert (
        cancel_campaign(store=store, campaign_id=campaign.pk, actor=None, at=china("2026-06-12 11:00")) == 0
    )
    assert content(*ROWS) == before
    # Its calls, too.
    settings.SMS = {}
    by_hand = planned(store, name="微信")
    assert cancel_campaign(store=store, campaign_id=by_hand.pk, actor=head, at=china("2026-06-12 10:00")) == 4
    assert set(Task.objects.values_list("state", "reason")) == {("closed", "cancelled")}


def test_case_95_what_comes_back_from_the_provider_after_that_does_not_go_out_again(store, head):
    guests(store, 1, "A")
    campaign = planned(store, call_fallback=True)
    at = china("2026-06-12 09:30")
    claim = claim_next(now=at, by="t", provider="aliyun")
    assert cancel_campaign(store=store, campaign_id=campaign.pk, actor=head, at=at) == 0
    settle(claim, Answer(Proof.RETRY), now=at, timing=Timing())
    assert Message.objects.get().state == "pending"
    disposed = claim_next(now=at + timedelta(minutes=5), by="t", provider="aliyun")
    assert (disposed.verdict.state, disposed.verdict.reason) == ("skipped", "cancelled")
    assert not Task.objects.exists()


def test_another_stores_campaign_is_not_there(store, other_store, rival, head):
    for place in (other_store, rival):
        guests(place, 2, "A", first=place.pk * 100)
        theirs = draft(place)
        before = content(*ROWS)
        with pytest.raises(NotHere):
            approve_campaign(store=store, campaign_id=theirs.pk, number=2, actor=head, at=TODAY)
        with pytest.raises(NotHere):
            cancel_campaign(store=store, campaign_id=theirs.pk, actor=head, at=TODAY)
        with pytest.raises(NotHere):
            save_campaign(
                store=store,
                said={"segment": None, "tiers": ["A"]},
                actor=head,
                at=TODAY,
                campaign_id=theirs.pk,
            )
        assert content(*ROWS) == before


# ---- what it earned ----------------------------------------------------------------------------------------


def settled(store: Store, on: str, today: str = "") -> dict[str, int]:
    day = date.fromisoformat(on)
    return settle_campaigns(
        store=store, on=day, today=date.fromisoformat(today) if today else day + timedelta(days=1)
    )


def test_case_96_both_sides_are_counted_from_the_same_moment_over_the_same_days(store):
    people = guests(store, 40, "A")
    blocked = guests(store, 1, "A", consents=False, first=1001)[0]
    campaign = planned(store, held_out=50)
    arms = {row.customer_id: row.arm for row in CampaignGuest.objects.filter(campaign=campaign)}
    told = [guest for guest in people if arms[guest.pk] == "told"]
    held = [guest for guest in people if arms[guest.pk] == "held_out"]
    assert len(told) >= 6 and len(held) >= 4
    visits(told[0], store, "2026-06-12 08:59", 999)  # before it began
    visits(told[1], store, "2026-06-12 09:01", 100)
    visits(told[2], store, "2026-06-26 23:00", 200)  # the fourteenth day
    visits(told[2], store, "2026-06-26 23:30", 900)  # a second visit is none
    visits(told[3], store, "2026-06-27 12:00", 999)  # too late
    visits(held[0], store, "2026-06-20 12:00", 50)
    visits(blocked, store, "2026-06-20 12:00", 999)
    assert settled(store, "2026-06-25") == {}
    assert settled(store, "2026-06-26") == {"campaigns": 1}
    earned = earned_by([campaign.pk])[campaign.pk]
    assert (earned.told.guests, earned.told.came, earned.told.spend_fen) == (len(told), 2, 30_000)
    assert earned.told.squares == 10_000**2 + 20_000**2
    assert (earned.held_out.guests, earned.held_out.came, earned.held_out.spend_fen) == (len(held), 1, 5_000)
    assert CampaignGuest.objects.get(customer=blocked).came_on is None
    [row] = campaign_list(store)
    assert row.campaign.state == "over" and row.earned == earned
    before = content(*ROWS)
    assert settled(store, "2026-06-26") == {}
    assert content(*ROWS) == before


def test_a_visit_that_is_voided_or_comes_late_changes_the_answer_for_thirty_days(store):
    one, two = guests(store, 2, "A")
    campaign = planned(store)
    visit = visits(one, store, "2026-06-20 12:00")
    settled(store, "2026-06-26")
    assert earned_by([campaign.pk])[campaign.pk].told.came == 1
    void_visit(store=store, visit_id=visit, reason="录错", actor=None, at=china("2026-06-28 10:00"))
    visits(two, store, "2026-06-21 12:00", 70)
    settled(store, "2026-07-01", "2026-07-02")
    told = earned_by([campaign.pk])[campaign.pk].told
    assert (told.came, told.spend_fen) == (1, 7_000)
    visits(one, store, "2026-06-22 12:00", 70)
    settled(store, "2026-07-30", "2026-07-31")
    assert earned_by([campaign.pk])[campaign.pk].told.came == 1


def test_a_known_effect_is_found(store):
    """Of 200 guests 40 % come when told and 20 % when not: the difference lies in the interval, and the interval above 0
    where the sides are large enough.
    """
    people = guests(store, 400, "A")
    campaign = planned(store, held_out=50)
    arms = {row.customer_id: row.arm for row in CampaignGuest.objects.filter(campaign=campaign)}
    seen = {"told": 0, "held_out": 0}
    for guest in people:
        arm = arms[guest.pk]
        if seen[arm] % 10 < (4 if arm == "told" else 2):
            CampaignGuest.objects.filter(customer=guest).update(came_on=DAY, spend_fen=10_000)
        seen[arm] += 1
    gain = earned_by([campaign.pk])[campaign.pk].gain
    assert gain.low > 0 and gain.low <= 0.20 <= gain.high


def test_a_campaign_is_no_gesture_of_the_plan(store):
    """Its texts have their own outcomes, but the table of the plan's lines leaves them to the campaign's page."""
    guests(store, 1, "A")
    campaign = planned(store)
    at = china("2026-06-12 10:00")
    Message.objects.filter(category="campaign").update(state="delivered", claimed_at=at)
    settle_outcomes(store=store, on=date(2026, 6, 26), at=morning(date(2026, 6, 27)), today=date(2026, 6, 27))
    assert Outcome.objects.get().code == f"campaign:{campaign.pk}"


# ---- a lapse and a new dish --------------------------------------------------------------------------------


def test_case_97_a_rule_for_who_stays_away_fires_once_a_lapse(store):
    """ "Lapsed 45 days and B: ¥20 coupon", as a line of the plan: running the night twice gives one, the next lapse another."""
    adopt(store, "recent_month_abc")
    [guest] = guests(store, 1, "B", last_visit_on=date(2026, 4, 1))
    [other] = guests(store, 1, "C", last_visit_on=date(2026, 4, 1), first=11)
    plan = plan_for(store, "recent_month_abc", TODAY)
    PlanLine.objects.filter(plan=plan).update(enabled=False)
    PlanLine.objects.create(
        plan=plan, code="b_45_coupon", tier="B", trigger="absence", channel="wechat", zh="微信送 20 元券", en="WeChat a ¥20 coupon",
        role="manager", after_days=45, window_days=7,
    )  # fmt: skip
    for _turn in range(2):
        night(store, "2026-05-15")
    assert not Task.objects.exists()
    for _turn in range(2):
        night(store, "2026-05-16")
    night(store, "2026-05-17")
    assert [(task.customer_id, task.channel, task.state) for task in Task.objects.all()] == [
        (guest.pk, "wechat", "open")
    ]
    Patronage.objects.filter(customer=guest).update(last_visit_on=date(2026, 5, 18))
    for day in ("2026-05-18", "2026-07-01", "2026-07-02", "2026-07-02", "2026-07-03"):
        night(store, day)
    assert [(task.occasion, task.state) for task in Task.objects.order_by("pk")] == [
        ("absence:2026-04-01", "closed"), ("absence:2026-05-18", "open"),
    ]  # fmt: skip
    assert not Task.objects.filter(customer=other).exists()


def test_case_97_the_same_rule_as_a_text_is_sent_once_a_lapse(store, settings):
    adopt(store, "recent_month_abc")
    [guest] = guests(store, 1, "B", last_visit_on=date(2026, 4, 1))
    guests(store, 1, "C", last_visit_on=date(2026, 4, 1), first=11)
    [refusing] = guests(store, 1, "B", consents=False, last_visit_on=date(2026, 4, 1), first=21)
    plan = plan_for(store, "recent_month_abc", TODAY)
    PlanLine.objects.filter(plan=plan).update(enabled=False)
    PlanLine.objects.create(
        plan=plan, code="b_45_text", tier="B", trigger="absence", channel="sms", zh="短信请回来", en="Text", role="manager",
        after_days=45, window_days=2,
    )  # fmt: skip
    assert plan_texts(store, "2026-05-15") == {"planned": 0, "calls": 0}
    assert plan_texts(store, "2026-05-16") == {"planned": 1, "no_consent": 1, "calls": 0}
    for again in ("2026-05-16", "2026-05-17", "2026-05-20"):
        assert plan_texts(store, again) == {"planned": 0, "calls": 0}
    text = Message.objects.get(customer=guest)
    assert (text.state, text.category, text.template, text.occasion) == (
        "pending",
        "absence",
        "absence",
        "absence:2026-04-01",
    )
    assert (text.not_before, text.expires_at) == (china("2026-05-17 09:00"), china("2026-05-19 19:30"))
    assert Message.objects.get(customer=refusing).reason == "no_consent"
    night(store, "2026-05-16")
    assert not Task.objects.exists()
    # She comes, and stays away again: another lapse. Without a provider a person writes.
    settings.SMS = {}
    Patronage.objects.filter(customer=guest).update(last_visit_on=date(2026, 5, 18))
    assert plan_texts(store, "2026-07-01") == {"planned": 0, "calls": 0}
    assert plan_texts(store, "2026-07-02") == {"planned": 0, "no_provider": 1, "calls": 1}
    assert Task.objects.get().code == "absence_by_hand"


# ---- the pages ---------------------------------------------------------------------------------------------


def seat(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def form_of(**more) -> dict[str, object]:
    said = {
        "name": "端午", "kind": "promotion", "what": "端午套餐", "detail": "八八折", "segment": "", "tiers": ["A"], "channel": "sms",
        "send_on": "2026-06-12", "window_days": "2", "held_out": "10",
    }  # fmt: skip
    return said | more


@pytest.fixture
def ladder(store: Store) -> Store:
    adopt(store, "recent_month_abc")
    return store


@time_machine.travel(TODAY, tick=False)
def test_case_98_a_manager_drafts_and_only_the_head_approves(ladder, store, manager, head):
    guests(store, 12, "A")
    client = seat(manager)
    answer = client.post(reverse("campaign-new"), form_of(held_out="0"))
    campaign = Campaign.objects.get()
    assert answer.status_code == 302 and answer["location"] == reverse("campaign", args=[campaign.pk])
    assert (campaign.made_by, campaign.state, campaign.tiers) == (manager, "draft", ["A"])
    page = client.get(answer["location"]).content.decode()
    assert "等店长或总部批准" in page and reverse("campaign-approve", args=[campaign.pk]) not in page
    approve = reverse("campaign-approve", args=[campaign.pk])
    assert client.post(approve, {"number": "12"}).status_code == 403
    assert client.post(reverse("campaign-cancel", args=[campaign.pk])).status_code == 403
    campaign.refresh_from_db()
    assert campaign.state == "draft"
    answer = seat(head).post(approve, {"number": "12"})
    assert answer.status_code == 302
    campaign.refresh_from_db()
    assert (campaign.state, campaign.approved_by) == ("approved", head)


@time_machine.travel(TODAY, tick=False)
def test_the_page_says_how_many_for_how_much_and_what_the_guest_will_read(ladder, store, head):
    TextRules.objects.create(brand=store.brand, thousand_parts_fen=4500, month_parts=10)
    guests(store, 20, "A")
    refusing = guests(store, 3, "A", consents=False, first=101)
    campaign = draft(store, head, detail="六月二十日前到店八八折，" + "好" * 23)
    seen = sieve(campaign, store, on=date(2026, 6, 10))
    text = parts.whole_text(
        "龙井火锅", "campaign_promotion", {"name": "会员", "what": campaign.what, "detail": campaign.detail}
    )
    assert seen.longest == parts.parts_of(text) and seen.parts == 20 * seen.longest
    page = seat(head).get(reverse("campaign", args=[campaign.pk])).content.decode()
    assert "本月预算只剩 10 条" in page and parts.STOP in page and campaign.detail in page
    assert "没有同意接收短信 <b>3</b>" in page
    for guest in refusing:
        assert guest.called in page
    assert Message.objects.count() == 0


@time_machine.travel(TODAY, tick=False)
@pytest.mark.parametrize("number", ["", "0", "-1", "11", "9.5", "十二", "1e1", "99999999999999999999"])
def test_a_wrong_number_is_said_beside_the_field_and_nothing_goes(ladder, store, head, number):
    guests(store, 12, "A")
    campaign = draft(store)
    before = content(*ROWS)
    answer = seat(head).post(reverse("campaign-approve", args=[campaign.pk]), {"number": number})
    assert answer.status_code == 422
    assert "form-error" in answer.content.decode()
    assert content(*ROWS) == before


@time_machine.travel(TODAY, tick=False)
@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""}, {"what": ""}, {"what": "看 www.x.cn"}, {"what": "长" * 21}, {"detail": "电13812348899"}, {"detail": "【八折】"},
        {"tiers": []}, {"tiers": ["Z"]}, {"segment": "999"}, {"segment": "x"}, {"send_on": "2026-06-09"}, {"send_on": "x"},
        {"send_on": "2028-01-01"}, {"window_days": "8"}, {"window_days": "-1"}, {"held_out": "51"}, {"held_out": "x"}, {"channel": "fax"},
        {"kind": "none"}, {"what": "\x00"},
    ],
)  # fmt: skip
def test_a_draft_that_cannot_be_meant_is_not_written(ladder, store, manager, wrong):
    client = seat(manager)
    answer = client.post(reverse("campaign-new"), form_of(**wrong))
    assert answer.status_code == 422 and not Campaign.objects.exists()
    kept = draft(store)
    before = content(*ROWS)
    assert client.post(reverse("campaign-edit", args=[kept.pk]), form_of(**wrong)).status_code == 422
    assert content(*ROWS) == before


@time_machine.travel(TODAY, tick=False)
def test_another_stores_segment_is_no_choice_and_its_campaign_no_page(ladder, store, other_store, head):
    theirs = save_segment(store=other_store, name="别店", rule={"otherwise": True}, actor=None, at=TODAY)
    client = seat(head)
    assert client.post(reverse("campaign-new"), form_of(segment=theirs.pk, tiers=[])).status_code == 422
    assert not Campaign.objects.exists()
    campaign = draft(other_store)
    for name in ("campaign", "campaign-edit"):
        assert client.get(reverse(name, args=[campaign.pk])).status_code == 404
    for name in ("campaign-edit", "campaign-approve", "campaign-cancel"):
        assert client.post(reverse(name, args=[campaign.pk]), form_of(number="1")).status_code == 404
    assert "端午" not in client.get(reverse("campaigns")).content.decode()


@time_machine.travel(TODAY, tick=False)
def test_case_99_a_launched_dish_offers_to_tell_a_tier_first(ladder, store, manager):
    dish = launch_dish(store=store, name="松茸汤", launched_on=TODAY.date(), actor=None, at=TODAY)
    client = seat(manager)
    link = f"{reverse('campaign-new')}?dish={dish.pk}"
    assert link in client.get(reverse("dishes")).content.decode()
    first = client.get(link)
    assert first.context["form"].initial["tiers"] == ["A"]
    assert (
        first.context["form"].initial["what"] == "松茸汤"
        and first.context["form"].initial["kind"] == "new_dish"
    )
    assert "免费试吃" in first.context["form"].initial["detail"]
    second = client.get(f"{link}&tier=B")
    assert (
        second.context["form"].initial["tiers"] == ["B"]
        and "朋友" in second.context["form"].initial["detail"]
    )
    assert client.get(f"{reverse('campaign-new')}?dish=99999").status_code == 404
    assert client.get(f"{reverse('campaign-new')}?dish=²").status_code == 200


@time_machine.travel(TODAY, tick=False)
def test_every_state_of_a_campaign_has_its_page(ladder, store, head):
    guests(store, 20, "A")
    client = seat(head)

    def page(campaign: Campaign) -> str:
        answer = client.get(reverse("campaign", args=[campaign.pk]))
        assert answer.status_code == 200
        return answer.content.decode()

    assert "批准发出" in page(draft(store))
    waiting = approved(store, head)
    assert "已批准告知 20 位" in page(waiting)
    going = approved(store, head, send_on=date(2026, 6, 10), held_out=30)
    assert "待发送" in page(going) and "当晚结算" in page(going)
    settled(store, "2026-06-24")
    assert "多带来" in page(going)
    assert "端午" in client.get(reverse("care-results")).content.decode()
    alone = approved(store, head, send_on=date(2026, 6, 10))
    settled(store, "2026-06-24")
    assert "没有留出对照" in page(alone)
    stopped = approved(store, head, send_on=date(2026, 6, 10))
    client.post(reverse("campaign-cancel", args=[stopped.pk]))
    assert "中途取消的活动不结算" in page(stopped) and "活动已取消" in page(stopped)
    client.post(reverse("campaign-cancel", args=[waiting.pk]))
    page(waiting)
    page(draft(store, tiers=["Z"]))
    listed = client.get(reverse("campaigns")).content.decode()
    assert "进行中" not in listed and "已结束" in listed and "已取消" in listed
    client.post("/language/", {"language": "en"})
    assert "Campaigns" in client.get(reverse("campaigns")).content.decode()
    assert "Told" in page(going)


def test_without_a_scheme_a_segment_is_enough(store, manager):
    client = seat(manager)
    assert client.get(reverse("campaign-new")).status_code == 200
