"""The pages of events before a real browser: a tasting to come, a party that was, a dinner that is owed."""

from datetime import timedelta

import pytest
from django.urls import reverse

from care.events.inviting import invite_guest
from care.events.models import Event
from care.events.services import Came, answer, save_event, save_results
from care.models import Task
from customers.models import Customer
from staff.models import Role
from tests.browser.test_pages import faults


@pytest.fixture
def hosted(stage):
    """A tasting in three days with one seat and somebody waiting; a party that was ten days ago."""
    store, at, head = stage.store, stage.at, stage.people[Role.HEAD]
    today = store.business_day(at)
    people = list(Customer.objects.filter(patronages__store=store).order_by("pk")[:3])
    told = {"store": store, "actor": head, "at": at}
    said = {
        "kind": "tasting",
        "name": "松茸汤试菜会",
        "held_on": today + timedelta(days=3),
        "seats": 1,
        "budget_fen": 300_000,
    }
    coming = save_event(said=said, **told)
    past = save_event(
        said=said | {"kind": "party", "name": "老客答谢会", "held_on": today - timedelta(days=10)}, **told
    )
    for event in (coming, past):
        for guest in people:
            invite_guest(event_id=event.pk, customer_id=guest.pk, **told)
    for guest in people[:2]:
        answer(event_id=coming.pk, customer_id=guest.pk, said="accepted", **told)
    came = [
        Came(people[0].pk, True, 5, "汤很鲜，下次带朋友来", "明前茶"),
        Came(people[1].pk, True, 4),
        Came(people[2].pk, False),
    ]
    save_results(event_id=past.pk, guests=came, cost_fen=128_000, **told)
    stage.coming, stage.past = coming, past
    return stage


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_everybody_can_read_them(hosted, visit, language):
    person = hosted.people[Role.HEAD]
    person.language = language
    person.save()
    somebody = visit(person)
    wrong = {}
    for name, address in {
        "events": reverse("events"), "new": reverse("event-new"), "coming": reverse("event", args=[hosted.coming.pk]),
        "past": reverse("event", args=[hosted.past.pk]), "sheet": reverse("event-sheet", args=[hosted.coming.pk]),
        "edit": reverse("event-edit", args=[hosted.coming.pk]), "care": reverse("customer-care", args=[hosted.regular.pk]),
    }.items():  # fmt: skip
        page = somebody.open(address)
        if bad := faults(page, 14):
            wrong[name] = bad
        if page.evaluate("() => document.documentElement.scrollWidth > innerWidth"):
            wrong[name] = [*bad, "wider than the screen"]
    assert (wrong, somebody.complaints) == ({}, [])


@pytest.mark.parametrize("script", [True, False])
def test_a_tasting_is_planned_guests_asked_and_an_answer_noted(hosted, visit, script):
    somebody = visit(hosted.people[Role.HEAD], script=script)
    page = somebody.open(reverse("events"))
    page.click(".tools a:has-text('办一场')")
    page.fill("#id_name", "秋蟹品鉴")
    page.click("button:has-text('存好，去挑客人')")
    event = Event.objects.get(name="秋蟹品鉴")
    assert page.url.endswith(reverse("event", args=[event.pk]))
    page.fill("#id_who", "8899")
    page.click("button:has-text('加进名单')")
    page.click(f"#guest-{hosted.regular.pk} button:has-text('会来')")
    assert "会来" in page.inner_text(f"#guest-{hosted.regular.pk} .state")
    assert event.invitations.get().answer == "accepted"
    assert not Task.objects.filter(occasion=event.occasion).exists()
    assert somebody.complaints == []
