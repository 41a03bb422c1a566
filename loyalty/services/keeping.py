"""What is kept for a guest, who tries new dishes first, and the treatments a guest was given."""

from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _lazy

from common.errors import NotHere, Refused
from common.messages import add_sentences
from customers.models import Patronage, Tag, Visit
from customers.services.customers import add_tag, remove_tag
from loyalty.models import KeptItem, TreatmentUse
from loyalty.services.gifts import loyalty_rules_of
from staff.models import Person, Store

EARLY = "early_access"
LEFT_AT_MOST = 999

add_sentences(
    {
        "kept_what": _lazy("请写常备的是什么。"),
        "kept_number": _lazy("数量应在 0 到 %(most)s 之间。"),
        "kept_none_left": _lazy("“%(what)s”已经没有了。"),
        "treated_already": _lazy("“%(what)s”这次已用过。"),
        "treated_other": _lazy("这次已经选了“%(what)s”，同一单只能选一样。"),
    }
)


@transaction.atomic
def keep(
    *,
    store: Store,
    customer_id: int,
    what: str,
    left: int,
    alert_at: int,
    actor: Person | None,
    at: datetime,
) -> KeptItem:
    """Say what the store keeps for a guest, how many there are now, at how many to buy more. The same thing again
    is counted anew.

    Refuses an empty what, a number below 0 or above 999; NotHere for a guest without a file here.
    """
    words = " ".join(what.split())[:60]
    if not words:
        raise Refused("kept_what", field="what")
    for field, number in (("left", left), ("alert_at", alert_at)):
        if not 0 <= number <= LEFT_AT_MOST:
            raise Refused("kept_number", field=field, most=LEFT_AT_MOST)
    _guest(store, customer_id)
    kept, _ = KeptItem.objects.update_or_create(
        store=store,
        customer_id=customer_id,
        what=words,
        removed_at=None,
        defaults={"left": left, "alert_at": alert_at, "changed_at": at, "changed_by": actor},
        create_defaults={
            "left": left, "alert_at": alert_at, "changed_at": at, "changed_by": actor, "made_at": at,
        },
    )  # fmt: skip
    return kept


@transaction.atomic
def take_one(*, store: Store, kept_id: int, was: int, actor: Person | None, at: datetime) -> KeptItem:
    """One is brought to the table. `was`: how many the page showed, so that a second press takes no second one.

    Refuses where none is left; NotHere for another store's.
    """
    kept = _kept(store, kept_id)
    if kept.left == 0:
        raise Refused("kept_none_left", status=409, what=kept.what)
    if kept.left == was:
        kept.left, kept.changed_at, kept.changed_by = kept.left - 1, at, actor
        kept.save(update_fields=["left", "changed_at", "changed_by"])
    return kept


@transaction.atomic
def stop_keeping(*, store: Store, kept_id: int, actor: Person | None, at: datetime) -> None:
    """Keep it no more; the row stays. Twice is once."""
    kept = _kept(store, kept_id, removed_too=True)
    if kept.removed_at is None:
        kept.removed_at, kept.changed_at, kept.changed_by = at, at, actor
        kept.save(update_fields=["removed_at", "changed_at", "changed_by"])


def _kept(store: Store, kept_id: int, removed_too: bool = False) -> KeptItem:
    kept = KeptItem.objects.select_for_update().filter(store=store, pk=kept_id).first()
    if kept is None or (kept.removed_at is not None and not removed_too):
        raise NotHere()
    return kept


def _guest(store: Store, customer_id: int) -> Patronage:
    """The guest's file here, held to the end."""
    here = Patronage.objects.select_for_update(no_key=True).select_related("customer")
    patronage = here.filter(store=store, customer_id=customer_id).first()
    if patronage is None:
        raise NotHere()
    return patronage


@transaction.atomic
def set_early_access(
    *, store: Store, customer_id: int, early: bool, actor: Person | None, at: datetime
) -> None:
    """Whether a guest is shown new dishes before everybody; kept as the tag `early_access`. Twice is once."""
    customer = _guest(store, customer_id).customer
    if early:
        add_tag(customer=customer, word=EARLY, actor=actor, at=at)
    elif Tag.objects.filter(customer=customer, word=EARLY, removed_at=None).exists():
        remove_tag(customer=customer, word=EARLY, actor=actor, at=at)


@transaction.atomic
def record_treatment(
    *,
    store: Store,
    customer_id: int,
    code: str,
    slot: str,
    zh: str,
    en: str,
    percent_off: int,
    bill_fen: int | None,
    actor: Person | None,
    at: datetime,
) -> TreatmentUse:
    """Write down that a guest was given a treatment on this visit; `slot` is what is given once a visit.

    Refuses (409) what was given already on this visit, and another of a group of which one was chosen; NotHere for a
    guest without a file here. The caller knows that the guest has it.
    """
    _guest(store, customer_id)
    on, sitting = sitting_of(store, customer_id, at)
    values = {
        "code": code, "zh": zh, "en": en, "percent_off": percent_off, "bill_fen": bill_fen, "at": at, "by": actor,
    }  # fmt: skip
    key = {"store": store, "customer_id": customer_id, "slot": slot, "on": on, "sitting": sitting}
    before = TreatmentUse.objects.filter(voided_at=None, **key).first()
    if before is None:
        try:
            with transaction.atomic():
                return TreatmentUse.objects.create(**key, **values)
        except IntegrityError:
            before = TreatmentUse.objects.get(voided_at=None, **key)
    raise Refused(
        "treated_already" if before.code == code else "treated_other", field=code, status=409, what=before.zh
    )


def sitting_of(store: Store, customer_id: int, at: datetime) -> tuple[date, int]:
    """Of which visit what is given now is: the business date, and how many visits of it were over by then."""
    on = store.business_day(at)
    over = at - timedelta(hours=loyalty_rules_of(store).visit_hours)
    visits = Visit.objects.filter(store=store, customer_id=customer_id, business_date=on, voided_at=None)
    return on, visits.filter(visited_at__lt=over).count()


@transaction.atomic
def take_back_treatment(*, store: Store, use_id: int, actor: Person | None, at: datetime) -> TreatmentUse:
    """Ticked by mistake: the guest may have it yet, the row stays. Twice is once; NotHere for another store's."""
    use = TreatmentUse.objects.select_for_update().filter(store=store, pk=use_id).first()
    if use is None:
        raise NotHere()
    if use.voided_at is None:
        use.voided_at, use.voided_by = at, actor
        use.save(update_fields=["voided_at", "voided_by"])
    return use
