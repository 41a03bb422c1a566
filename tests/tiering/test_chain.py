"""What a scheme would do in every store: the sum of the stores' own previews, whatever happened in between."""

import json
import threading
from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Patronage
from customers.services.companions import seat_guest
from customers.services.customers import (
    Profile,
    add_contact_number,
    add_tag,
    change_customer,
    remove_tag,
    set_introducer,
)
from customers.services.dishes import launch_dish
from customers.services.events import record_participation
from customers.services.upkeep import refresh_gaps
from customers.services.visits import void_visit
from feedback.services import judge_suggestion, open_complaint, record_suggestion
from staff.models import Brand, Role, Store
from tests.cast import hire, put_on_file
from tests.tiering.examining import bring, come, ladder, night, nights, noon, rule, use
from tiering import facts
from tiering.models import ChainFacts
from tiering.query import Question, fact_rows
from tiering.rules import PROFILE, read_scheme
from tiering.selectors.marks import MARKS, marks_of, tables_in
from tiering.selectors.schemes import preset, preset_codes
from tiering.services import chain
from tiering.services.chain import ChainPreview, Progress, chain_preview
from tiering.services.judgements import judge, override_tier
from tiering.services.preview import preview

D = date(2026, 6, 19)
AT = noon(D)
LATER = AT + timedelta(seconds=61)
SPEND = ladder(rule("spend_30d", 3000), rule("spend_30d", 1000))
STEEP = read_scheme(ladder(rule("spend_30d", 4000), rule("spend_30d", 2000)) | {"id": "steep"})
OWN = ladder(rule("visits_365d", 4), rule("max_bill_90d", 900)) | {"id": "own"}
KEEPS = ladder(rule("spend_30d", 6000), rule("spend_30d", 5000)) | {
    "min_stay_days": 9,
    "grace_days": 4,
    "id": "keeps",
}
SHARES = ladder(rule("share_spend_90d", 80), rule("share_avg_bill_90d", 50)) | {"id": "shares"}
CARD = ladder(rule("spend_365d", 5000)) | {"id": "card", "axis": "card"}


@pytest.fixture
def stores(store, other_store, head) -> list[Store]:
    """Two stores with schemes of their own, a third that nobody grades; guests of unlike habits, some in two of them."""
    third = Store.objects.create(brand=store.brand, code="S3", name="城东店", timezone="Asia/Urumqi")
    for n in range(36):
        place = (store, other_store, third)[n % 3]
        guest = put_on_file(
            place, f"客{n:02}", noon(date(2025, 5, 1)), external_id=f"P{n:02}", phone=f"138000{n:05}",
            tags=("nearby_resident", "商务宴请")[: n % 3], industry="建材" if n % 4 else "",
        )  # fmt: skip
        for visit in range(n % 6):
            come(place, guest, D - timedelta(days=(n * 7 + visit * 17) % 90), yuan=n * 60 + visit * 210)
        if n % 9 == 0:
            Patronage.objects.create(
                customer=guest, store=third if place != third else store, external_id=f"Q{n}", since=D
            )
    for place, body in ((store, SPEND), (other_store, OWN), (store, CARD)):
        use(place, body)
    for place in (store, other_store):
        nights(place, D - timedelta(days=12), D - timedelta(days=1))
    return [store, other_store, third]


def ask(stores, scheme=STEEP, at=AT, **more) -> ChainPreview | Progress:
    return chain_preview(stores=stores, scheme=scheme, on=D, at=at, **more)


def figures(answer) -> tuple[dict[str, int], dict[str, int], list[tuple[str, str, int]]]:
    return answer.now, answer.then, answer.moves


def assert_exact(stores, scheme=STEEP, at=AT, **more) -> ChainPreview:
    """Store by store what the store's own preview says; together their sum."""
    found = ask(stores, scheme, at, **more)
    assert isinstance(found, ChainPreview)
    own = {place.pk: preview(place, scheme, D) for place in stores}
    assert {pk: figures(answer) for pk, answer in found.stores.items()} == {
        pk: figures(answer) for pk, answer in own.items()
    }
    for of in (0, 1):
        total: dict[str, int] = {}
        for answer in own.values():
            for code, guests in figures(answer)[of].items():
                total[code] = total.get(code, 0) + guests
        assert figures(found.total)[of] == total
    moved: dict[tuple[str, str], int] = {}
    for answer in own.values():
        for before, after, guests in answer.moves:
            moved[before, after] = moved.get((before, after), 0) + guests
    assert found.total.moves == sorted((*pair, guests) for pair, guests in moved.items())
    return found


def test_three_stores_counted_by_hand(store, other_store, regular, lapsed):
    use(store, SPEND)
    come(store, regular, D, 4000)
    come(store, lapsed, D, 1500)
    night(store, D - timedelta(days=1))  # nobody had come by then
    night(store, D)
    stranger = put_on_file(other_store, "外店客", AT)
    come(other_store, stranger, D, 2500)
    found = ask([store, other_store])
    assert figures(found.stores[store.pk]) == ({"A": 1, "B": 1}, {"A": 1, "B": 0, "C": 1}, [("B", "C", 1)])
    assert figures(found.stores[other_store.pk]) == ({"": 1}, {"A": 0, "B": 1, "C": 0}, [("", "B", 1)])
    assert figures(found.total) == (
        {"": 1, "A": 1, "B": 1}, {"A": 1, "B": 1, "C": 1}, [("", "B", 1), ("B", "C", 1)],
    )  # fmt: skip
    assert (found.total.guests, found.total.moved, found.total.entered) == (3, 1, 1)


def test_it_is_the_sum_of_the_stores_own_previews_under_every_scheme_that_ships(stores, head):
    override_tier(
        store=stores[0], customer_id=Patronage.objects.filter(store=stores[0]).first().customer_id, tier="A",
        reason="老朋友，常带客人来", valid_until=D + timedelta(days=9), actor=head, on=D, at=AT,
    )  # fmt: skip
    for code in preset_codes():
        assert_exact(stores, read_scheme(preset(code)))
    for body in (KEEPS, SHARES, CARD, OWN):
        assert_exact(stores, read_scheme(body))


def test_what_a_correction_of_the_past_left_is_what_stands_now(stores):
    place = stores[0]
    guest = Patronage.objects.filter(store=place, tier="C").first().customer
    visit = come(place, guest, D - timedelta(days=3), 9000)
    night(place, D - timedelta(days=3), at=AT)
    before = assert_exact(stores)
    void_visit(store=place, visit_id=visit, reason="重复", actor=None, at=AT)
    night(place, D - timedelta(days=3), at=LATER)
    after = assert_exact(stores, at=LATER + timedelta(seconds=1))
    assert after.stores[place.pk].now != before.stores[place.pk].now


def test_a_tier_given_by_hand_counts_at_once(stores, head):
    assert_exact(stores)
    guest = Patronage.objects.filter(store=stores[0], tier="C").first().customer_id
    override_tier(
        store=stores[0], customer_id=guest, tier="A", reason="老朋友，常带客人来", valid_until=D, actor=head, on=D, at=AT,
    )  # fmt: skip
    found = assert_exact(stores)
    assert ("C", "A", 1) in found.stores[stores[0].pk].moves


def test_every_store_goes_by_its_own_clock(stores):
    """Two in the afternoon in Shanghai is noon in Urumqi: a lunch there alone."""
    lunch = read_scheme(ladder(rule("lunch_pct_365d", 50)) | {"id": "lunch"})
    for place in (stores[0], stores[2]):
        come(place, put_on_file(place, "午客", AT), D, 100, hour=14)
    found = assert_exact(stores, lunch)
    lunchers = {pk: answer.then["A"] for pk, answer in found.stores.items()}
    come(stores[2], put_on_file(stores[2], "午客", AT), D, 100, hour=14)
    assert (
        assert_exact(stores, lunch, fresh=True).stores[stores[2].pk].then["A"] == lunchers[stores[2].pk] + 1
    )


def test_facts_are_counted_once_and_other_thresholds_ask_for_nothing(stores, monkeypatch):
    assert_exact(stores)
    monkeypatch.setattr(chain, "_write", None)  # counting again would fail
    assert_exact(stores)
    steeper = read_scheme(ladder(rule("spend_30d", 900), rule("spend_30d", 100)) | {"id": "other"})
    assert_exact(stores, steeper)
    # What the schemes in force look at is at hand as well.
    assert_exact(stores, read_scheme(OWN | {"id": "copy"}))
    assert_exact(stores, at=LATER)  # looked at again after a minute: nothing has changed
    assert ChainFacts.objects.count() == 1


def test_for_a_minute_the_same_guests_are_compared_then_only_the_changed_store_is_counted(
    stores, monkeypatch
):
    first = assert_exact(stores)
    guest = put_on_file(stores[1], "新客", AT)
    come(stores[1], guest, D, 8000)
    assert figures(ask(stores).total) == figures(first.total)
    assert ask(stores, at=AT + timedelta(seconds=59)).as_of == AT
    written = []
    write = chain._write
    monkeypatch.setattr(
        chain,
        "_write",
        lambda kept, question, *a, **k: written.append(question.store_id) or write(kept, question, *a, **k),
    )
    found = assert_exact(stores, at=LATER)
    assert written == [stores[1].pk] and found.as_of == LATER
    assert found.total.guests == first.total.guests + 1


def test_who_wants_it_fresh_does_not_wait_a_minute(stores):
    assert_exact(stores)
    come(stores[1], put_on_file(stores[1], "新客", AT), D, 8000)
    assert_exact(stores, fresh=True)


# ---- never half an answer ------------------------------------------------------------------------------------


def test_who_has_little_time_gets_on_with_it_store_by_store(stores):
    assert ask(stores, seconds=0) == Progress(1, 3)
    assert ask(stores, seconds=0) == Progress(2, 3)
    assert isinstance(ask(stores, seconds=0), ChainPreview)
    assert_exact(stores)


def test_a_builder_that_dies_leaves_whole_stores_and_no_answer(stores, monkeypatch):
    rows, asked = chain._rows, []

    def dies(question):
        asked.append(question.store_id)
        if asked.count(stores[1].pk) == 1:
            asked.append(None)
            raise KeyboardInterrupt
        return rows(question)

    monkeypatch.setattr(chain, "_rows", dies)
    with pytest.raises(KeyboardInterrupt):
        ask(stores)
    kept = ChainFacts.objects.get()
    assert list(kept.marks) == [str(stores[0].pk)]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT store_id FROM {kept.table}")
        assert cursor.fetchall() == [(stores[0].pk,)]
    assert chain._answer(kept, stores, STEEP, D, 0) is None
    assert_exact(stores)


def test_after_a_crash_of_the_server_everything_is_counted_again(stores):
    """Tables without log come up empty, their sequences at the beginning; the table of facts is still there."""
    assert_exact(stores)
    number = ChainFacts.objects.get().pk
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"TRUNCATE tiering_chainfacts, {ChainFacts.objects.get().table}")
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('tiering_chainfacts', 'id'), %s, false)", [number]
        )
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname LIKE 'tiering_chain%%' AND relkind = 'r' AND relpersistence <> 'u'"
        )
        assert cursor.fetchall() == []
    assert_exact(stores)
    assert ChainFacts.objects.get().pk == number


def test_facts_dropped_under_somebodys_hands_are_counted_again(stores, monkeypatch):
    assert_exact(stores)
    answer, dropped = chain._answer, []

    def late(kept, *rest):
        if not dropped:
            dropped.append(kept.pk)
            ChainFacts.objects.filter(pk=kept.pk).delete()
        return answer(kept, *rest)

    monkeypatch.setattr(chain, "_answer", late)
    assert_exact(stores)
    assert ChainFacts.objects.get().pk != dropped[0]


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_share_the_work_and_get_the_same(stores, monkeypatch):
    started, filled = threading.Barrier(2), []
    note = chain._note
    monkeypatch.setattr(
        chain, "_note", lambda kept, marks, checked: filled.extend(marks) or note(kept, marks, checked)
    )
    answers: list[object] = []

    def somebody() -> None:
        try:
            started.wait(20)
            answers.append(ask(stores))
        except Exception as error:
            answers.append(error)
        finally:
            connection.close()

    people = [threading.Thread(target=somebody) for _ in range(2)]
    for person in people:
        person.start()
    for person in people:
        person.join(60)
    one, two = answers
    assert isinstance(one, ChainPreview) and isinstance(two, ChainPreview), answers
    assert figures(one.total) == figures(two.total)
    assert sorted(filled) == sorted(place.pk for place in stores)  # each store once, by one of them
    assert ChainFacts.objects.count() == 1
    assert_exact(stores)
    with connection.cursor() as cursor:
        kept = ChainFacts.objects.get()
        cursor.execute(f"SELECT sum(guests) FROM {kept.table}")
        assert cursor.fetchone()[0] == Patronage.objects.count()
        cursor.execute(f"DROP TABLE {kept.table}")


@pytest.mark.django_db(transaction=True)
def test_a_store_that_another_is_counting_is_waited_for_or_asked_again(stores):
    """Somebody counts the second store and has not committed: who has little time is told so, who has time waits."""
    ask(stores[:1])
    taken, go = threading.Event(), threading.Event()

    def other() -> None:
        try:
            with chain.transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [chain._FILLING, stores[1].pk])
                taken.set()
                go.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    assert taken.wait(20)
    assert ask(stores, seconds=5) == Progress(2, 3)
    timer = threading.Timer(0.3, go.set)
    timer.start()
    assert_exact(stores)
    thread.join(20)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {ChainFacts.objects.get().table}")


# ---- which facts are kept, and how long ------------------------------------------------------------------------


def tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname ~ '^tiering_chain_[0-9]+$' ORDER BY oid")
        return [name for (name,) in cursor.fetchall()]


def test_another_question_has_a_table_of_its_own_and_what_nobody_asks_is_dropped(stores):
    bodies = [
        ladder({"tag": "nearby_resident"}) | {"id": "t", "observe_months": months} for months in (0, 1, 2, 3)
    ]
    for n, body in enumerate(bodies):
        ask(stores, read_scheme(body), at=AT + timedelta(minutes=n))
    assert len(tables()) == ChainFacts.objects.count() == 4  # all of them asked a moment ago
    ask(stores, read_scheme(SHARES), at=AT + timedelta(minutes=7))
    left = ChainFacts.objects.order_by("id")
    assert [row.question["observe_months"] for row in left] == [2, 3, 0]
    assert tables() == [row.table for row in left]
    ask(stores, read_scheme(CARD), at=AT + timedelta(days=2))
    assert len(tables()) == ChainFacts.objects.count() == 1


def test_no_guest_is_named_in_what_is_kept(stores):
    assert_exact(stores)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {ChainFacts.objects.get().table}")
        names = [column.name for column in cursor.description]
        rows = cursor.fetchall()
    assert names == ["store_id", "guests", "max_bill_90d", "spend_30d", "visits_365d", "before"]
    # Guests alike in all of it are one row with their number.
    assert len({(*row[:1], *row[2:]) for row in rows}) == len(rows) < Patronage.objects.count()


def test_only_the_stores_asked_for_are_counted(stores, rival):
    assert_exact(stores[:2])
    kept = ChainFacts.objects.get()
    assert sorted(kept.marks) == sorted(str(place.pk) for place in stores[:2])
    assert_exact(stores)
    assert_exact([stores[2]])
    assert ChainFacts.objects.count() == 1


# ---- the marks -----------------------------------------------------------------------------------------------

KEYS = tuple(facts.CATALOGUE)
EVERYTHING = {
    "tags": ("nearby_resident",), "codes": ("strong_influence",), "fields": tuple(PROFILE), "requires": ("birthday",),
    "observe_months": 1, "axis": "tier", "prior": True,
}  # fmt: skip


def test_every_table_that_facts_read_has_a_mark(store):
    rows, _ = fact_rows(Question(store.pk, D, KEYS, **EVERYTHING))
    assert set(tables_in(rows)) <= set(MARKS)
    assert {"customers_visit", "customers_tag", "tiering_override", "feedback_complaint"} <= set(
        tables_in(rows)
    )


CHANGES = {
    "a visit": lambda s, g, who: come(s, g, D, 80),
    "a visit of nothing": lambda s, g, who: come(s, g, D, 0),
    "a new guest": lambda s, g, who: put_on_file(s, "新客", AT),
    "a visit voided": lambda s, g, who: void_visit(store=s, visit_id=s.visits.first().pk, reason="重复", actor=who, at=AT),
    "a visit seen as another kind": lambda s, g, who: s.visits.filter(pk=s.visits.first().pk).update(occasion="family"),
    "a tag": lambda s, g, who: add_tag(customer=g, word="nearby_resident", actor=who, at=AT),
    "a judgement": lambda s, g, who: judge(store=s, customer_id=g.pk, code="strong_influence", reason="商会会长", actor=who, on=D, at=AT),
    "a tier by hand": lambda s, g, who: override_tier(store=s, customer_id=g.pk, tier="A", reason="老朋友，常带客人来", valid_until=D, actor=who, on=D, at=AT),
    "a guest brought": lambda s, g, who: bring(s, g, D, 1),
    "a word about the past": lambda s, g, who: set_introducer(store=s, customer=g, introducer_id=s.patronages.last().customer_id, actor=who, at=AT),
    "an event": lambda s, g, who: record_participation(store=s, customer_id=g.pk, event="品鉴会", attended_on=D, actor=who, at=AT),
    "a seat": lambda s, g, who: seat_guest(store=s, visit_id=s.visits.exclude(customer=g).first().pk, customer_id=g.pk, role="guest", actor=who, at=AT),
    "a complaint": lambda s, g, who: open_complaint(store=s, customer_id=g.pk, text="等了四十分钟", actor=who, on=D, at=AT),
    "a suggestion judged": lambda s, g, who: judge_suggestion(store=s, suggestion_id=s.suggestion, valid=True, actor=who, at=AT),
    "a new dish": lambda s, g, who: launch_dish(store=s, name="汤", launched_on=D, actor=who, at=AT),
    "a profile": lambda s, g, who: change_customer(store=s, customer_id=g.pk, profile=Profile(name=g.name, position="总经理"), actor=who, at=AT, source="desk"),
    "a telephone": lambda s, g, who: add_contact_number(customer=g, phone="13900008888", whose="秘书", at=AT),
    "a field filled": lambda s, g, who: g.gaps.filter(field="birthday").update(filled_at=AT),
    "a night": lambda s, g, who: night(s, D, at=AT),
    "an older night again": lambda s, g, who: night(s, D - timedelta(days=2), at=AT),
    "another zone": lambda s, g, who: Store.objects.filter(pk=s.pk).update(timezone="Asia/Tokyo"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_every_change_of_what_facts_look_at_changes_the_mark(what, stores, head):
    place = stores[0]
    guest = place.patronages.filter(visits_total__gt=0).first().customer
    place.suggestion = record_suggestion(
        store=place, customer_id=guest.pk, text="换杯子", actor=head, on=D, at=AT
    ).pk
    refresh_gaps([guest.pk], AT)
    assert guest.gaps.filter(field="birthday", filled_at=None).exists()
    remove_tag(customer=guest, word="nearby_resident", actor=head, at=AT)
    if "older night" in what:
        come(place, guest, D - timedelta(days=2), 9000)
    question = Question(place.pk, D, KEYS, **EVERYTHING)

    def marks():
        return marks_of(Store.objects.filter(pk__in=[one.pk for one in stores]).order_by("code"), question)

    before = marks()
    assert marks() == before
    CHANGES[what](place, guest, head)
    assert marks()[place.pk] != before[place.pk]


def test_what_no_rule_looks_at_changes_no_mark(stores, head):
    question = Question(stores[0].pk, D, ("spend_30d",), axis="tier")
    before = marks_of(stores, question)
    guest = stores[0].patronages.first().customer
    add_tag(customer=guest, word="老乡", actor=head, at=AT)
    change_customer(
        store=stores[0],
        customer_id=guest.pk,
        profile=Profile(name=guest.name, note="靠窗"),
        actor=head,
        at=AT,
        source="desk",
    )
    come(stores[1], stores[1].patronages.first().customer, D, 80)
    after = marks_of(stores, question)
    assert {pk for pk in before if before[pk] != after[pk]} == {stores[1].pk}
    assert marks_of(stores, replace(question, keys=("visits_30d",))) != after  # other facts, other marks


# ---- the command ---------------------------------------------------------------------------------------------


def told(capsys, tmp_path, *words: str, body=None):
    path = tmp_path / "scheme.json"
    path.write_text(json.dumps(body or preset("recent_month_abc")), encoding="utf-8")
    call_command("preview", *words, "--file", str(path), "--on", D.isoformat())
    return capsys.readouterr().out


def test_the_command_tells_every_store_and_the_sum(stores, capsys, tmp_path):
    found = json.loads(told(capsys, tmp_path, "--brand", "longjing", "--json"))
    assert (found["brand"], found["scheme"], found["on"]) == ("longjing", "recent_month_abc", D.isoformat())
    assert [each["store"] for each in found["stores"]] == ["S1", "S2", "S3"]
    for each in found["stores"]:
        own = json.loads(told(capsys, tmp_path, "--store", each["store"], "--json"))
        assert {name: own[name] for name in ("now", "then", "moves")} == {
            name: each[name] for name in ("now", "then", "moves")
        }
    assert sum(found["then"].values()) == Patronage.objects.count()
    text = told(capsys, tmp_path, "--brand", "longjing")
    assert "\nS2\n" in text and f"A\t{found['now'].get('A', 0)} → {found['then']['A']}\n" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--brand", "nowhere"), "There is no brand 'nowhere' with stores"),
        (("--brand", "longjing", "--store", "S1"), "not allowed with argument"),
        ((), "one of the arguments --store --brand is required"),
    ],
)
def test_the_command_refuses_in_one_line(store, capsys, tmp_path, words, sentence):
    with pytest.raises(CommandError, match=sentence):
        told(capsys, tmp_path, *words)


def test_a_brand_without_stores_is_refused(db, capsys, tmp_path):
    Brand.objects.create(code="empty", name="空")
    with pytest.raises(CommandError, match="brands: none yet"):
        told(capsys, tmp_path, "--brand", "empty")


# ---- the page ------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(client, hq):
    client.force_login(hq)
    return client


ADDRESS = "/schemes/recent_month_abc/chain/"


def page(client, **more) -> str:
    answer = client.get(ADDRESS, **more)
    assert answer.status_code == 200
    # Without the frame, which names all stores.
    return answer.content.decode().partition("<main")[2] or answer.content.decode()


def test_hq_sees_all_stores_side_by_side(stores, desk, monkeypatch):
    monkeypatch.setattr("tiering.views.chain.AT_FIRST", None)
    seen = page(desk)
    for words in ("滨江店", "城西店", "城东店", "全部门店", "会变动", "还没有评过级", "现在是《受检》"):
        assert words in seen
    assert (
        'href="/schemes/recent_month_abc/chain/"' in desk.get("/schemes/recent_month_abc/").content.decode()
    )


def test_while_facts_are_counted_the_page_says_how_far_and_asks_again(stores, desk, monkeypatch):
    monkeypatch.setattr("tiering.views.chain.AT_FIRST", 0)
    monkeypatch.setattr("tiering.views.chain.AGAIN", 0)
    first = page(desk)
    assert "正在统计各店的指标，1 / 3 家店" in first and f'hx-get="{ADDRESS}"' in first
    assert '<progress max="3" value="1"' in first and "全部门店" not in first
    second = page(desk, headers={"HX-Request": "true"})
    assert "2 / 3 家店" in second and "<h1" not in second
    third = page(desk, headers={"HX-Request": "true"})
    assert "全部门店" in third and "hx-get" not in third


def test_a_head_sees_the_stores_of_which_he_is_the_head(stores, client, head):
    hire("chen2", "x", Role.WAITER, stores[2]).memberships.update(person=head)
    client.force_login(head)
    assert "城东店" not in page(client) and "全部门店" not in page(client)
    assert "全品牌试算" not in client.get("/schemes/recent_month_abc/").content.decode()
    hire("chen3", "x", Role.HEAD, stores[1]).memberships.update(person=head)
    seen = page(client)
    assert "滨江店" in seen and "城西店" in seen and "城东店" not in seen and "全部门店" in seen
    assert ADDRESS in client.get("/schemes/recent_month_abc/").content.decode()


def test_the_page_asks_as_often_for_many_stores_as_for_two(stores, desk):
    def asked() -> int:
        page(desk)  # counts what is missing
        with CaptureQueriesContext(connection) as seen:
            page(desk)
        return len(seen)

    few = asked()
    for n in range(4, 9):
        place = Store.objects.create(brand=stores[0].brand, code=f"S{n}", name=f"{n}店")
        come(place, put_on_file(place, f"客{n}", AT), D, 100)
        use(place, OWN | {"id": f"own{n}"})
        night(place, D - timedelta(days=1))
    assert asked() == few


def test_another_brands_stores_are_not_on_it(stores, rival, desk):
    assert "别家店" not in page(desk)


def test_a_scheme_that_is_not_here_is_not_found(stores, desk):
    assert desk.get("/schemes/no_such_scheme/chain/").status_code == 404
    assert desk.get(ADDRESS + "?v=7").status_code == 404


def test_a_store_of_the_same_scheme_is_compared_tier_by_tier(stores, desk, head, monkeypatch):
    monkeypatch.setattr("tiering.views.chain.AT_FIRST", None)
    body = preset("recent_month_abc")
    for place in stores:
        use(place, body, D - timedelta(days=1))
        night(place, D - timedelta(days=1))
    come(stores[0], stores[0].patronages.first().customer, D, 90_000)
    seen = page(desk)
    assert seen.count("同一个方案") == 3 and "+1" in seen and "−1" in seen
