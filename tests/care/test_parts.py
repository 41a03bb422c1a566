"""What a text is billed as and costs: counted by our rule, by the planning statement and by the provider alike."""

import pytest

from care.channels import provider_from_settings
from care.models import Message, TextRules
from care.parts import characters, cost_fen, parts_of, whole_text
from care.services import outbox
from care.services.rules import rules_of
from care.texts import TEXTS, Text
from care.timing import Timing
from common.birthdays import Birthday
from customers.models import Customer
from tests.care.stage import account, adopt, china, due_text, guests, plan_texts_priced


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("", 1, id="nothing-is-one"),
        pytest.param("祝" * 70, 1, id="63-seventy-are-one"),
        pytest.param("祝" * 71, 2, id="63-one-more-makes-two-of-67"),
        pytest.param("祝" * 134, 2, id="63-two-full-parts"),
        pytest.param("祝" * 135, 3, id="63-the-third-begins"),
        pytest.param("祝" * 201, 3, id="63-three-full-parts"),
        pytest.param("祝" * 202, 4, id="63-the-fourth-begins"),
        pytest.param("a" * 71, 2, id="63-a-letter-counts-like-a-character"),
        pytest.param("\U00020bb7" * 35, 1, id="63-a-rare-character-counts-twice"),
        pytest.param("\U00020bb7" * 36, 2, id="63-thirty-six-rare-ones-are-72"),
    ],
)
def test_case_63_parts(text: str, parts: int):
    assert parts_of(text) == parts


def test_case_63_signature_and_the_way_to_stop_count():
    """6 characters of signature, 32 of words with 王总, 6 of 拒收请回复R."""
    text = whole_text("熟客小馆", "birthday", {"name": "王总"})
    assert text == ("【熟客小馆】亲爱的王总，祝您生日快乐！感谢您一直以来的支持，愿您天天好心情。拒收请回复R")
    assert characters(text) == 44


@pytest.mark.parametrize(
    ("parts", "thousand_fen", "cost"),
    [
        pytest.param(0, 4500, 0, id="nothing"),
        pytest.param(1, 4500, 5, id="four-and-a-half-fen-is-five"),
        pytest.param(2, 4500, 9, id="nine-fen"),
        pytest.param(3, 4500, 14, id="thirteen-and-a-half-is-fourteen"),
        pytest.param(1000, 4500, 4500, id="a-thousand"),
        pytest.param(12_345, 3800, 46_911, id="rounded-once-not-for-each"),
        pytest.param(7, 0, 0, id="for-free"),
    ],
)
def test_case_64_cost(parts: int, thousand_fen: int, cost: int):
    assert cost_fen(parts, thousand_fen) == cost


SIGN = "滨江路熟客小馆旗舰店欢迎您和家人朋友们再次光临本店用餐"  # so long that the form of address decides


@pytest.fixture
def provider_settings(settings):
    settings.SMS = account("http://127.0.0.1:1", SMS_SIGN_NAME=SIGN)


@pytest.mark.django_db
@pytest.mark.parametrize(("night", "what"), [("2026-09-24", "festival"), ("2026-06-20", "birthday")])
def test_case_63_planned_sent_and_billed_alike(store, provider_settings, simulator, night, what):
    """Forms of address of one to ten characters: the planning statement, the claim and the provider count the same."""
    adopt(store, "recent_month_abc")
    people = guests(store, 10, born=Birthday("solar", 1980, 6, 21))
    for length, person in enumerate(people, start=1):
        Customer.objects.filter(pk=person.pk).update(salutation="一二三四五六七八九十"[:length])
    counts = plan_texts_priced(store, night)
    planned = dict(Message.objects.values_list("pk", "parts"))
    assert len(planned) == counts["planned"] == 10
    noon = china("2026-09-25 12:00") if what == "festival" else china("2026-06-21 12:00")
    simulator.desk.clock = lambda: noon
    env = account(simulator.url, SMS_SIGN_NAME=SIGN)
    provider = provider_from_settings(env)
    while claim := outbox.claim_next(now=noon, by="test", provider="aliyun", sign=SIGN):
        outbox.settle(claim, outbox.send(claim, provider, env), now=noon, timing=Timing())
    billed = {entry.out_id: (entry.parts, len(entry.text)) for entry in simulator.desk.ledger.select()}
    assert {str(pk): parts for pk, parts in planned.items()} == {pk: said[0] for pk, said in billed.items()}
    assert planned == dict(Message.objects.values_list("pk", "parts"))
    assert {parts for parts, _ in billed.values()} == {1, 2}, "the table must stand on both sides of seventy"
    total = sum(parts for parts, _ in billed.values())
    assert (counts["parts"], counts["cost_fen"]) == (total, cost_fen(total, 4500))


@pytest.mark.django_db
def test_case_63_what_leaves_is_counted_again(store, regular):
    """The signature has become longer since the text was planned."""
    text = due_text(regular, store)
    outbox.claim_next(now=china("2026-06-20 12:00"), by="test", provider="aliyun", sign=SIGN * 2)
    text.refresh_from_db()
    assert text.parts == 2


@pytest.mark.django_db
def test_case_63_a_variable_counts_as_often_as_it_stands_there(store, provider_settings, monkeypatch):
    words = "${name}，${name}，${name}，祝您生日快乐！愿您天天好心情。"
    monkeypatch.setitem(TEXTS, "birthday", Text("birthday", words, ("name",), "SMS_1"))
    adopt(store, "recent_month_abc")
    people = guests(store, 10, born=Birthday("solar", 1980, 6, 21))
    for length, person in enumerate(people, start=1):
        Customer.objects.filter(pk=person.pk).update(salutation="一二三四五六七八九十"[:length])
    plan_texts_priced(store, "2026-06-20")
    planned = Message.objects.values_list("variables", "parts")
    assert [parts for _, parts in planned] == [
        parts_of(whole_text(SIGN, "birthday", said)) for said, _ in planned
    ]
    assert {parts for _, parts in planned} == {1, 2}


@pytest.mark.django_db
def test_case_64_the_price_is_the_brands(store, provider_settings):
    adopt(store, "recent_month_abc")
    guests(store, 1000)
    TextRules.objects.create(brand=store.brand, thousand_parts_fen=3800)
    counts = plan_texts_priced(store, "2026-09-24")
    assert (counts["planned"], counts["parts"], counts["cost_fen"]) == (1000, 1000, 3800)


@pytest.mark.django_db
def test_a_brand_that_said_nothing_keeps_to_the_defaults(brand):
    rules = rules_of(brand.pk)
    assert (rules.a_day, rules.a_month, rules.thousand_parts_fen, rules.month_parts) == (1, 4, 4500, None)
    assert TextRules.objects.count() == 0


@pytest.mark.django_db
def test_nobody_gets_one_nothing_is_billed(store, provider_settings):
    adopt(store, "recent_month_abc")
    guests(store, 3, consents=False)
    assert plan_texts_priced(store, "2026-09-24") == {
        "planned": 0, "parts": 0, "cost_fen": 0, "no_consent": 3, "calls": 0,
    }  # fmt: skip
