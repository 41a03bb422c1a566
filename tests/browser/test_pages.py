"""Every page before a real browser: nothing axe finds, nothing the console says, no text too small to read."""

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse

from staff.models import Role
from tests.browser.conftest import FLOOR

TOO_SMALL = """(least) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const small = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility() || element.closest("svg, .visually-hidden")) continue;
    const size = parseFloat(getComputedStyle(element).fontSize);
    if (size < least) small.add(`${element.tagName}.${element.className}: ${size}px “${element.textContent.trim().slice(0, 20)}”`);
  }
  return [...small];
}"""
TOO_NARROW = """(least) => [...document.querySelectorAll("a, button, input:not([type=hidden], [type=radio], [type=checkbox]), select, summary, label.key")]
  .filter((e) => e.checkVisibility() && !e.closest(".skip, .visually-hidden") && !e.matches(".skip"))
  .map((e) => [e.getBoundingClientRect(), e])
  .filter(([box]) => box.width > 0 && (box.height < least || box.width < least))
  .map(([box, e]) => `${e.tagName} “${e.textContent.trim().slice(0, 20)}” ${Math.round(box.width)}×${Math.round(box.height)}`)"""


def faults(page, least_text: int) -> list[str]:
    """What axe finds on the page, and every text smaller than `least_text` pixels."""
    found = [
        f"{each['id']}: {node['html'][:120]}"
        for each in Axe().run(page).response["violations"]
        for node in each["nodes"]
    ]
    return found + page.evaluate(TOO_SMALL, least_text)


def desk_pages(stage) -> dict[str, str]:
    guest = [stage.regular.pk]
    return {
        "today": reverse("today"),
        "customers": reverse("customers"),
        "customers-none": reverse("customers") + "?q=zzzz",
        "customer": reverse("customer", args=guest),
        "customer-new": reverse("customer-new"),
        "customer-edit": reverse("customer-edit", args=guest),
        "standing": reverse("customer-standing", args=guest),
        "care": reverse("customer-care", args=guest),
        "held": reverse("visits-held"),
        "schemes": reverse("schemes"),
        "scheme": reverse("scheme", args=["monthly_avg_abc"]),
        "scheme-scores": reverse("scheme-edit", args=["policy_premium_potential_ordinary_new"]),
        "scheme-edit": reverse("scheme-edit", args=["recent_month_abc"]),
        "scheme-new": reverse("scheme-new"),
        "scheme-compare": reverse("scheme-compare"),
        "months": reverse("tier-chart"),
        "tasks": reverse("tasks"),
        "tasks-all": reverse("tasks") + "?who=all",
        "plan": reverse("plan"),
        "outbox": reverse("outbox"),
        "outbox-skipped": reverse("outbox") + "?state=skipped",
        "campaigns": reverse("campaigns"),
        "campaign-new": reverse("campaign-new"),
        "nights": reverse("nights"),
        "imports": reverse("imports"),
        "job": reverse("import-job", args=[stage.job.pk]),
        "settings": reverse("settings"),
        "missing": "/customers/999999/",
    }


def floor_pages(stage) -> dict[str, str]:
    return {
        "tablet": reverse("tablet"),
        "tablet-guest": reverse("tablet-guest", args=[stage.regular.pk]),
        "tablet-new": reverse("tablet-new"),
    }


def test_the_desk_is_readable_by_everybody(stage, visit, tmp_path: Path):
    somebody = visit(stage.people[Role.HEAD])
    wrong = {}
    for name, address in desk_pages(stage).items():
        page = somebody.open(address)
        if bad := faults(page, 14):
            wrong[name] = bad
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
    assert wrong == {}
    # The page that is not there is meant; the browser says so.
    assert [c for c in somebody.complaints if "999999" not in c] == []
    assert len(list(tmp_path.glob("*.png"))) == len(desk_pages(stage))


def test_the_desk_is_readable_in_english(stage, visit):
    person = stage.people[Role.HEAD]
    person.language = "en"
    person.save()
    somebody = visit(person)
    wrong = {}
    for name in (
        "today",
        "customer",
        "schemes",
        "scheme",
        "scheme-scores",
        "scheme-compare",
        "tasks",
        "outbox",
        "nights",
    ):
        page = somebody.open(desk_pages(stage)[name])
        if bad := faults(page, 14):
            wrong[name] = bad
        assert page.get_attribute("html", "lang") == "en"
    assert (wrong, somebody.complaints) == ({}, [])


def test_the_floor_is_readable_and_wide_enough_for_a_thumb(stage, visit, tmp_path: Path):
    somebody = visit(stage.people[Role.WAITER], screen=FLOOR)
    wrong = {}
    for name, address in floor_pages(stage).items():
        page = somebody.open(address)
        bad = faults(page, 16) + page.evaluate(TOO_NARROW, 48)
        if bad:
            wrong[name] = bad
        page.screenshot(path=tmp_path / f"{name}.png")
    assert (wrong, somebody.complaints) == ({}, [])
    # The whole log is on the first screen: nobody scrolls for the button.
    page = somebody.open(floor_pages(stage)["tablet-guest"])
    box = page.locator("button.done").bounding_box()
    assert box["y"] + box["height"] <= FLOOR["height"]


def test_the_door_is_readable(stage, visit):
    somebody = visit(None)
    page = somebody.open(reverse("login"))
    assert faults(page, 14) == []
    for _ in range(5):
        page.fill("#id_username", "head")
        page.fill("#id_password", "wrong")
        page.click("main button")
        page.wait_for_load_state("networkidle")
    assert "15 分钟" in page.inner_text("main")
    assert faults(page, 14) == []


EMPTY = (
    "today",
    "customers",
    "tasks",
    "plan",
    "schemes",
    "outbox",
    "campaigns",
    "nights",
    "imports",
    "visits-held",
)


def test_an_empty_store_says_what_to_do(visit, store, head):
    somebody = visit(head)
    wrong = {}
    for name in EMPTY:
        page = somebody.open(reverse(name))
        if bad := faults(page, 14):
            wrong[name] = bad
        if not page.locator(".empty, .report, .plan").count():
            wrong[name] = ["says nothing"]
    assert (wrong, somebody.complaints) == ({}, [])
