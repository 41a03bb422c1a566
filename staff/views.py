"""Pages before and around the work: signing in, the language, the store, its settings and keys."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import LoginView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from common.clock import now
from staff.access import RANK, issue_token, principal_of, revoke_token, staff_of, stores_of
from staff.forms import LoginForm, StoreForm, TokenForm
from staff.models import ApiToken, Person, Role
from staff.pages import PageRequest, person_of, safe_next, today_of

LANGUAGES = ("zh-hans", "en")
A_YEAR = 365 * 24 * 3600


def first_page(person: Person, store_code: str | None) -> str:
    """Where somebody's work begins: a waiter's on the floor, the others' at the desk."""
    principal = principal_of(person, store_code, now())
    return reverse("tablet" if principal and principal.role == Role.WAITER else "today")


def home(request: HttpRequest) -> HttpResponse:
    """`/`: on to the page where this person's work begins."""
    assert isinstance(request.user, Person)
    return redirect(first_page(request.user, request.session.get("store")))


class Login(LoginView):
    """Sign in; afterwards to the page that was asked for, else to where this person's work begins."""

    template_name = "staff/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # A piece of a page was asked for and the session has ended: the whole page goes to the login.
        if getattr(request, "htmx", None):
            here = urlsplit(request.headers.get("HX-Current-URL", ""))
            return HttpResponseClientRedirect(f"{reverse('login')}?next={here.path}")
        return super().get(request, *args, **kwargs)

    def get_default_redirect_url(self) -> str:
        assert isinstance(self.request.user, Person)
        return first_page(self.request.user, self.request.session.get("store"))


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Sign out."""
    logout(request)
    return redirect("login")


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Switch the language: the person's for good, or this browser's before signing in."""
    wanted = request.POST.get("language", "")
    wanted = wanted if wanted in LANGUAGES else "zh-hans"
    response = redirect(safe_next(request, reverse("home")))
    response.set_cookie("language", wanted, max_age=A_YEAR, samesite="Lax", httponly=True)
    if isinstance(request.user, Person) and request.user.language != wanted:
        Person.objects.filter(pk=request.user.pk).update(language=wanted)
    return response


@require_POST
def choose_store(request: HttpRequest) -> HttpResponse:
    """Work in another of one's stores from here on."""
    assert isinstance(request.user, Person)
    code = request.POST.get("store", "")
    if code not in {store.code for store, _role in stores_of(request.user, now())}:
        raise PermissionDenied(_("您不在这家门店任职。"))
    request.session["store"] = code
    return redirect(first_page(request.user, code))


def store_settings(request: PageRequest) -> HttpResponse:
    """The store's hours and brake, its people, its machines' keys."""
    store = request.principal.store
    form = StoreForm(request.POST or None, instance=store)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("设置已保存。"))
        return redirect("settings")
    if form.is_bound:
        # What was typed and refused must not show as the store's: the frame names the store as it is.
        store.refresh_from_db()
    return _settings_page(request, form, TokenForm(), status=422 if form.errors else 200)


def _settings_page(
    request: PageRequest, form: StoreForm, token_form: TokenForm, *, key: str = "", status: int = 200
) -> HttpResponse:
    store = request.principal.store
    people = staff_of(store, today_of(request))
    context = {
        "form": form,
        "token_form": token_form,
        "new_key": key,
        "roles": [(role, [person for person, held in people if held == role]) for role in reversed(RANK)],
        "tokens": ApiToken.objects.filter(store=store)
        .select_related("created_by")
        .order_by("revoked_at", "-id"),
    }
    return render(request, "staff/settings.html", context, status=status)


@require_POST
def token_issue(request: PageRequest) -> HttpResponse:
    """A new key, shown on this answer and never again."""
    store = request.principal.store
    token_form = TokenForm(request.POST)
    if not token_form.is_valid():
        return _settings_page(request, StoreForm(instance=store), token_form, status=422)
    _token, key = issue_token(
        store=store, name=token_form.cleaned_data["name"], actor=person_of(request), at=now()
    )
    response = _settings_page(request, StoreForm(instance=store), TokenForm(), key=key)
    response.headers["Cache-Control"] = "no-store"
    return response


@require_POST
def token_revoke(request: PageRequest, pk: int) -> HttpResponse:
    """The key opens nothing any more."""
    token = get_object_or_404(ApiToken, pk=pk, store=request.principal.store)
    revoke_token(token=token, at=now())
    messages.success(request, _("“%(name)s”的密钥已停用。") % {"name": token.name})
    return redirect("settings")
