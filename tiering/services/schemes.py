"""Saving and adopting schemes. A version is never changed; adopting is a dated row."""

import json
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _lazy

from common.errors import NotHere, Refused
from common.messages import add_sentences
from staff.models import Person, Store
from tiering.checks import check_scheme
from tiering.models import Adoption, Scheme, SchemeVersion
from tiering.rules import BadScheme, Problem, read_scheme
from tiering.selectors.adoptions import held_before
from tiering.selectors.schemes import preset
from tiering.sentences import problem_sentence

add_sentences(
    {
        "adoption_begun": _lazy("这个方案已经在用了，不能取消；要改回去请用“退回上一个方案”。"),
        "nothing_before": _lazy("在它之前没有用过别的方案，没有可以退回的。"),
    }
)


class SchemeRefused(Refused):
    """A scheme that cannot be read or cannot be meant; `problems` says which line and why."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("scheme_refused", field="scheme", status=422)

    def sentences(self) -> list[str]:
        return [problem_sentence(problem) for problem in self.problems]

    def __str__(self) -> str:
        return " ".join(self.sentences())


def check_body(body: Any) -> None:
    """Raise SchemeRefused with every problem of a scheme file's JSON."""
    try:
        scheme = read_scheme(body)
    except BadScheme as error:
        raise SchemeRefused(error.problems) from error
    if problems := check_scheme(scheme):
        raise SchemeRefused(problems)


@transaction.atomic
def save_scheme(*, store: Store, body: Any, actor: Person | None, at: datetime) -> SchemeVersion:
    """Keep a scheme's rules as a new version, or return the version that says the same already.

    Refuses (SchemeRefused) what cannot be read or meant. May run twice.
    """
    check_body(body)
    # Exact decimals come in as Decimal; the file's own spelling is kept as JSON numbers.
    body = json.loads(json.dumps(body, default=_plain))
    scheme, _ = Scheme.objects.get_or_create(
        store=store, code=body["id"], defaults={"axis": body.get("axis", "tier")}
    )
    scheme = Scheme.objects.select_for_update().get(pk=scheme.pk)
    if scheme.axis != body.get("axis", "tier"):
        raise SchemeRefused([Problem("bad_axis", "axis")])
    latest = scheme.versions.order_by("-number").first()
    if latest is not None and latest.body == body:
        return latest
    return SchemeVersion.objects.create(
        scheme=scheme,
        number=latest.number + 1 if latest else 1,
        body=body,
        created_at=at,
        created_by=actor,
    )


def _plain(value: Any) -> Any:
    number = float(value)
    return int(number) if number.is_integer() else number


@transaction.atomic
def adopt(
    *, store: Store, version: SchemeVersion, from_date: date, actor: Person | None, at: datetime
) -> Adoption:
    """From `from_date` on, `version` grades its axis of the store. Adopting what is in force changes nothing."""
    if version.scheme.store_id != store.pk:
        raise Refused("not_here", status=404)
    Store.objects.select_for_update().get(pk=store.pk)
    axis = version.scheme.axis
    latest = (
        Adoption.objects.filter(store=store, axis=axis, from_date__lte=from_date, withdrawn_at=None)
        .order_by("-from_date", "-id")
        .first()
    )
    if latest is not None and latest.version_id == version.pk:
        return latest
    return Adoption.objects.create(
        store=store, axis=axis, version=version, from_date=from_date, adopted_at=at, adopted_by=actor
    )


def adopt_preset(*, store: Store, code: str, from_date: date, actor: Person | None, at: datetime) -> Adoption:
    """Save and adopt one of the schemes that ship."""
    body = preset(code)
    if body is None:
        raise Refused("unknown_preset", field="preset", status=404, preset=code)
    version = save_scheme(store=store, body=body, actor=actor, at=at)
    return adopt(store=store, version=version, from_date=from_date, actor=actor, at=at)


@transaction.atomic
def withdraw_adoption(
    *, store: Store, adoption_id: int, actor: Person | None, on: date, at: datetime
) -> Adoption:
    """Call off an adoption that has not begun; the row stays as history. May run twice.

    Refused for one that grades already (or did): the way back from there is `roll_back`. Another store's is
    not here.
    """
    Store.objects.select_for_update().get(pk=store.pk)
    adoption = Adoption.objects.select_related("version__scheme").filter(store=store, pk=adoption_id).first()
    if adoption is None:
        raise NotHere()
    if adoption.withdrawn_at is not None:
        return adoption
    if adoption.from_date <= on:
        raise Refused("adoption_begun", status=409)
    adoption.withdrawn_at, adoption.withdrawn_by = at, actor
    adoption.save(update_fields=["withdrawn_at", "withdrawn_by"])
    return adoption


@transaction.atomic
def roll_back(*, store: Store, axis: str, actor: Person | None, on: date, at: datetime) -> Adoption:
    """From `on`, the version that graded the axis before the one in force grades it again: one more adoption.

    Refused where nothing graded before. Nothing of the past is changed.
    """
    Store.objects.select_for_update().get(pk=store.pk)
    before = held_before(store.pk, axis, on)
    if before is None:
        raise Refused("nothing_before", status=409)
    return adopt(store=store, version=before, from_date=on, actor=actor, at=at)
