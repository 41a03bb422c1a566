"""New dishes: the list, one more, one withdrawn."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from common.clock import now
from common.errors import Refused
from customers.forms import DishForm
from customers.models.dish import NEW_DISH_DAYS
from customers.selectors.dishes import dishes_of
from customers.services.dishes import launch_dish, withdraw_dish
from staff.pages import PageRequest, person_of, tell, today_of


@require_http_methods(["GET", "POST", "HEAD"])
def dishes(request: PageRequest) -> HttpResponse:
    """What the kitchen brought out, the newest first; who orders it in its first sixty days likes what is new."""
    if request.method != "POST":
        return _page(request, DishForm(initial={"launched_on": today_of(request)}))
    form = DishForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        dish = launch_dish(
            store=request.principal.store, name=form.cleaned_data["name"],
            launched_on=form.cleaned_data["launched_on"], actor=person_of(request), at=now(),
        )  # fmt: skip
    except Refused as refused:
        form.refuse(refused)
        return _page(request, form, status=422)
    messages.success(request, _("“%(name)s”已上新菜单。") % {"name": dish.name})
    return redirect("dishes")


def _page(request: PageRequest, form: DishForm, status: int = 200) -> HttpResponse:
    day = today_of(request)
    rows = [(dish, dish.days_new(day)) for dish in dishes_of(request.principal.store)]
    context = {"rows": rows, "form": form, "new_days": NEW_DISH_DAYS}
    return render(request, "customers/dishes.html", context, status=status)


@require_POST
def dish_withdraw(request: PageRequest, pk: int) -> HttpResponse:
    """Take a dish off the list; the record stays."""
    try:
        dish = withdraw_dish(store=request.principal.store, dish_id=pk, actor=person_of(request), at=now())
    except Refused as refused:
        tell(request, refused)
    else:
        messages.success(request, _("“%(name)s”已撤下。") % {"name": dish.name})
    return redirect("dishes")
