"""What the care of a scheme costs a year, beside what it costs today."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.views.decorators.http import require_safe

from care.costs import Cost, cost_of
from care.models import Channel
from care.selectors.plans import living_plan
from care.services import plans
from care.services.rules import rules_of
from staff.models import Store
from staff.pages import PageRequest, found, today_of
from tiering.axes import MAIN
from tiering.rules import Scheme
from tiering.selectors.counts import tier_sizes
from tiering.selectors.pages import scheme_behind_labels, written
from tiering.services.preview import preview

MOST_GIFT_YUAN = 100_000


@dataclass(frozen=True)
class Row:
    """One channel: gestures a year now and then; fen where they are known."""

    channel: str
    label: str | Promise
    now: int
    then: int
    now_fen: int | None = None
    then_fen: int | None = None

    @property
    def before(self) -> str:
        return f"{self.now:,}"

    @property
    def after(self) -> str:
        return f"{self.then:,}"

    @property
    def more(self) -> str:
        """`+1,200`, `−30`, `0`."""
        return f"{self.then - self.now:+,}".replace("-", "−").replace("+0", "0")

    @property
    def more_fen(self) -> int | None:
        return None if self.then_fen is None or self.now_fen is None else self.then_fen - self.now_fen


@require_safe
def scheme_cost(request: PageRequest, code: str) -> HttpResponse:
    """Gestures and texts a year under the scheme in force and under this one, from the plan of each.

    `gift` in the address: what a gift costs on average, in whole yuan.
    """
    store, day = request.principal.store, today_of(request)
    text = found(written(store, code, _number(request.GET.get("v", ""))))
    behind = scheme_behind_labels(store.pk, text.scheme.axis)
    tried = preview(store, text.scheme, day)
    then = _cost(store, text.scheme, tier_sizes(text.scheme, tried.then))
    now = _cost(store, behind, tier_sizes(behind, tried.now)) if behind else Cost()
    gift = _number(request.GET.get("gift", ""), most=MOST_GIFT_YUAN)
    price = rules_of(store.brand_id).thousand_parts_fen

    def row(channel: Channel) -> Row:
        was, will = now.gestures[channel.value], then.gestures[channel.value]
        if channel == Channel.SMS:
            return Row(channel, channel.label, was, will, now.texts_fen(price), then.texts_fen(price))
        if channel == Channel.GIFT and gift is not None:
            return Row(channel, channel.label, was, will, was * gift * 100, will * gift * 100)
        return Row(channel, channel.label, was, will)

    context = {
        "text": text,
        "scheme": text.scheme,
        "code": code,
        "behind": behind,
        "rows": [row(channel) for channel in Channel if channel != Channel.IN_STORE],
        "sizes": tier_sizes(text.scheme, tried.then),
        "uncounted": then.uncounted,
        "is_beside": text.scheme.axis != MAIN,
        "gift": gift,
        "price_fen": price,
        "most_gift": MOST_GIFT_YUAN,
    }
    return render(request, "care/scheme_cost.html", context)


def _cost(store: Store, scheme: Scheme, guests: dict[str, int]) -> Cost:
    plan = living_plan(store, scheme.code)
    lines = (
        [plans.line_of(row) for row in plan.lines.all()]
        if plan
        else plans.shipped_lines(scheme.code, scheme.axis)
    )
    sign = settings.SMS.get("SMS_SIGN_NAME") or store.brand.name
    return cost_of(lines, scheme.codes, guests, inherits=bool(plan and plan.inherits), sign=sign)


def _number(text: str, most: int = 10**9) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 and int(text) <= most else None
