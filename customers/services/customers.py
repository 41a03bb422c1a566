"""Guests: registered, changed, tagged, introduced; consents given and withdrawn; numbers shown with a reason."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from common.birthdays import Birthday
from common.errors import NotHere, Refused
from common.keys import blind_index
from common.phones import last_four
from customers.models import Consent, Customer, Introduction, OptOut, Patronage, Phone, Reveal, Tag
from customers.origin import OVERSEAS, is_abroad
from customers.ratings import MOST_KM, RATINGS
from customers.services.bookings import checked_needs
from customers.services.upkeep import refresh_gaps, refresh_search_keys
from staff.models import Brand, Person, Store


@dataclass(frozen=True)
class Profile:
    """A guest as told. None (or an absent text) means: not said, leave as it is.

    `phone` is normalised; `owner` a person of the store; `introduced_by` a guest's id. `credit`, `influence` 1 to 5;
    `cleared` names the judgements (credit, influence, distance_km) that no longer stand. `needs`: all of them
    (`models.Need`), none is none.
    """

    name: str | None = None
    salutation: str | None = None
    sex: str | None = None
    phone: str | None = None
    birthday: Birthday | None = None
    address: str | None = None
    industry: str | None = None
    employer: str | None = None
    position: str | None = None
    married: bool | None = None
    allergies: str | None = None
    taboos: str | None = None
    likes: str | None = None
    note: str | None = None
    credit: int | None = None
    influence: int | None = None
    distance_km: Decimal | None = None
    needs: tuple[str, ...] | None = None
    preferred_channel: str | None = None
    cleared: frozenset[str] = frozenset()
    usual_table: str | None = None
    tags: tuple[str, ...] | None = None
    owner: Person | None = None
    introduced_by: int | None = None
    consent_sms: bool | None = None
    external_id: str | None = None
    created_on: date | None = None
    contacts: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True)
class Registered:
    """`status`: created (new to the brand), linked (known to the brand, new here), known (was here already)."""

    customer: Customer
    patronage: Patronage
    status: str


_PLAIN = (
    "name", "salutation", "sex", "address", "industry", "employer", "position", "married", "allergies", "taboos", "likes",
    "note", "credit", "influence", "distance_km", "preferred_channel",
)  # fmt: skip
JUDGED = ("credit", "influence", "distance_km")


def register_customer(
    *, store: Store, profile: Profile, actor: Person | None, at: datetime, source: str
) -> Registered:
    """Put a guest on file in this store.

    A number the brand already knows as somebody's own links that guest to this store and leaves the profile as it
    is. Refuses (Refused) a guest without a name, a number of this store that another guest has.
    """
    if not (profile.name or "").strip():
        raise Refused("name_missing", field="name")
    try:
        with transaction.atomic():
            return _register(store, profile, actor, at, source)
    except IntegrityError as error:
        # Two registrations of one number at the same moment: the second finds the first.
        if "own_number_once" not in str(error):
            if "one_number_a_store" in str(error):
                raise Refused("external_id_taken", field="external_id", status=409) from error
            raise
        with transaction.atomic():
            return _register(store, profile, actor, at, source)


def _register(store: Store, profile: Profile, actor: Person | None, at: datetime, source: str) -> Registered:
    own = _own_number(store.brand_id, profile.phone) if profile.phone else None
    if own is not None:
        patronage, fresh = _open_patronage(store, own.customer, profile, at)
        refresh_search_keys([own.customer_id])
        return Registered(own.customer, patronage, "linked" if fresh else "known")
    customer = Customer.objects.create(
        brand_id=store.brand_id, created_at=at, created_by=actor, name=profile.name or ""
    )
    patronage, _ = _open_patronage(store, customer, profile, at)
    _apply(store, customer, patronage, profile, actor, at, source)
    return Registered(customer, patronage, "created")


def _own_number(brand_id: int, phone: str) -> Phone | None:
    return (
        Phone.objects.filter(brand_id=brand_id, number_index=blind_index("phone", phone), kind=Phone.Kind.OWN)
        .select_related("customer")
        .first()
    )


def _open_patronage(
    store: Store, customer: Customer, profile: Profile, at: datetime
) -> tuple[Patronage, bool]:
    return Patronage.objects.get_or_create(
        customer=customer,
        store=store,
        defaults={
            "external_id": profile.external_id or f"G-{customer.pk}",
            "since": profile.created_on or store.business_day(at),
        },
    )


@transaction.atomic
def change_customer(
    *, store: Store, customer_id: int, profile: Profile, actor: Person | None, at: datetime, source: str
) -> Customer:
    """Change what `profile` says of a guest of this store; what it does not say stays."""
    patronage = (
        Patronage.objects.select_for_update(of=("self", "customer"))
        .select_related("customer")
        .filter(store=store, customer_id=customer_id)
        .first()
    )
    if patronage is None:
        raise NotHere()
    if profile.name is not None and not profile.name.strip():
        raise Refused("name_missing", field="name")
    _apply(store, patronage.customer, patronage, profile, actor, at, source)
    return patronage.customer


def _apply(
    store: Store,
    customer: Customer,
    patronage: Patronage,
    profile: Profile,
    actor: Person | None,
    at: datetime,
    source: str,
) -> None:
    _check_judged(profile)
    for name in JUDGED:
        if name in profile.cleared:
            setattr(customer, name, None)
    for name in _PLAIN:
        if (value := getattr(profile, name)) is not None:
            setattr(customer, name, value.strip() if isinstance(value, str) else value)
    if profile.needs is not None:
        customer.needs = checked_needs(profile.needs)
    if profile.birthday is not None:
        set_birthday(customer, profile.birthday)
    customer.save()
    if profile.owner is not None:
        patronage.owner = profile.owner
    if profile.usual_table is not None:
        patronage.usual_table = profile.usual_table.strip()
    if profile.owner is not None or profile.usual_table is not None:
        patronage.save(update_fields=["owner", "usual_table"])
    if profile.phone:
        set_own_number(customer=customer, phone=profile.phone, actor=actor, at=at)
    for phone, whose in profile.contacts:
        add_contact_number(customer=customer, phone=phone, whose=whose, at=at)
    if profile.tags is not None:
        for word in profile.tags:
            add_tag(customer=customer, word=word, actor=actor, at=at)
    if profile.introduced_by is not None:
        set_introducer(
            store=store, customer=customer, introducer_id=profile.introduced_by, actor=actor, at=at
        )
    if profile.consent_sms is not None:
        state_consent(
            customer=customer,
            given=profile.consent_sms,
            said_at=at,
            source=source,
            store=store,
            actor=actor,
            at=at,
        )
    refresh_gaps([customer.pk], at)
    refresh_search_keys([customer.pk])


def _check_judged(profile: Profile) -> None:
    for name in ("credit", "influence"):
        if (value := getattr(profile, name)) is not None and value not in RATINGS:
            raise Refused("rating_out_of_range", field=name)
    if profile.distance_km is not None and not 0 <= profile.distance_km <= MOST_KM:
        raise Refused("distance_out_of_range", field="distance_km")


def set_birthday(customer: Customer, birthday: Birthday) -> None:
    """Fill the birthday columns (the caller saves)."""
    customer.birth_calendar = birthday.calendar
    customer.birth_year = birthday.year
    customer.birth_month, customer.birth_day = birthday.month, birthday.day
    customer.birth_leap = birthday.leap


def set_own_number(*, customer: Customer, phone: str, actor: Person | None, at: datetime) -> Phone:
    """Give a guest an own number, replacing an earlier one; another guest's own number is refused (409).

    A number abroad that the guest did not have before brings the tag `overseas`; saying it again does not.
    """
    index = blind_index("phone", phone)
    taken = Phone.objects.filter(brand_id=customer.brand_id, number_index=index, kind=Phone.Kind.OWN)
    if taken.exclude(customer=customer).exists():
        raise Refused("phone_taken", field="phone", status=409)
    Phone.objects.filter(customer=customer, number_index=index, kind=Phone.Kind.CONTACT).delete()
    had_it = Phone.objects.filter(customer=customer, number_index=index, kind=Phone.Kind.OWN).exists()
    number, _ = Phone.objects.update_or_create(
        customer=customer,
        kind=Phone.Kind.OWN,
        defaults={
            "brand_id": customer.brand_id,
            "number": phone,
            "number_index": index,
            "last_four": last_four(phone),
            "added_at": at,
        },
    )
    if is_abroad(phone) and not had_it:
        add_tag(customer=customer, word=OVERSEAS, actor=actor, at=at)
    return number


def add_contact_number(*, customer: Customer, phone: str, whose: str, at: datetime) -> Phone:
    """A number at which the guest can be reached and which may be somebody else's. May run twice."""
    number, _ = Phone.objects.get_or_create(
        customer=customer,
        number_index=blind_index("phone", phone),
        defaults={
            "brand_id": customer.brand_id,
            "kind": Phone.Kind.CONTACT,
            "whose": whose[:20],
            "number": phone,
            "last_four": last_four(phone),
            "added_at": at,
        },
    )
    return number


def add_tag(*, customer: Customer, word: str, actor: Person | None, at: datetime) -> None:
    """Put a tag on. A tag that is on already stays as it is."""
    if word := word.strip()[:40]:
        Tag.objects.get_or_create(
            customer=customer, word=word, removed_at=None, defaults={"added_at": at, "added_by": actor}
        )


def remove_tag(*, customer: Customer, word: str, actor: Person | None, at: datetime) -> None:
    """Take a tag off; the dated row stays."""
    Tag.objects.filter(customer=customer, word=word, removed_at=None).update(removed_at=at, removed_by=actor)


@transaction.atomic
def set_introducer(
    *, store: Store, customer: Customer, introducer_id: int, actor: Person | None, at: datetime
) -> None:
    """Say who brought a guest; a different earlier statement is taken back. The introducer is a guest here."""
    if introducer_id == customer.pk:
        raise Refused("introduced_by_self", field="introduced_by")
    if not Patronage.objects.filter(store=store, customer_id=introducer_id).exists():
        raise Refused("introducer_unknown", field="introduced_by")
    living = Introduction.objects.filter(customer=customer, voided_at=None)
    if not living.filter(introducer_id=introducer_id).exists():
        living.update(voided_at=at)
        Introduction.objects.create(
            customer=customer, introducer_id=introducer_id, recorded_at=at, recorded_by=actor
        )


def state_consent(
    *,
    customer: Customer,
    given: bool,
    said_at: datetime,
    source: str,
    store: Store | None,
    actor: Person | None,
    at: datetime,
) -> Consent | None:
    """Write down what a guest said about marketing texts; nothing new is not written again."""
    latest = latest_consent(customer.pk)
    if latest is not None and latest.given == given:
        return None
    return Consent.objects.create(
        customer=customer,
        given=given,
        at=said_at,
        source=source,
        store=store,
        recorded_at=at,
        recorded_by=actor,
    )


def latest_consent(customer_id: int) -> Consent | None:
    """The guest's own statement that holds: the latest; at the same moment a withdrawal beats a grant."""
    return (
        Consent.objects.filter(customer_id=customer_id, purpose="sms", phone=None)
        .order_by("-at", "given", "-id")
        .first()
    )


@transaction.atomic
def opt_out_number(*, brand: Brand, phone: str, words: str, source: str, at: datetime) -> OptOut:
    """A number answered R: no marketing text to it again, and its owner's consent is withdrawn. May run twice."""
    index = blind_index("phone", phone)
    row, _ = OptOut.objects.get_or_create(
        brand=brand, number_index=index, defaults={"since": at, "source": source, "words": words[:200]}
    )
    for number in Phone.objects.filter(brand=brand, number_index=index, kind=Phone.Kind.OWN).select_related(
        "customer"
    ):
        state_consent(
            customer=number.customer, given=False, said_at=at, source=source, store=None, actor=None, at=at
        )
    return row


def reveal_phone(
    *, store: Store, customer_id: int, phone_id: int, reason: str, actor: Person, at: datetime
) -> str:
    """The whole number, once, for a reason that is kept. Refuses a missing reason and another store's guest."""
    if len(reason.strip()) < 2:
        raise Refused("reason_missing", field="reason")
    number = Phone.objects.filter(
        pk=phone_id, customer_id=customer_id, customer__patronages__store=store
    ).first()
    if number is None:
        raise NotHere()
    with transaction.atomic():
        Reveal.objects.create(
            phone=number,
            customer_id=customer_id,
            store=store,
            person=actor,
            reason=reason.strip()[:100],
            at=at,
        )
    return str(number.number)


def without_blanks(profile: Profile) -> Profile:
    """The profile with empty texts as "not said": a form's blank field does not erase what is known."""
    blanks: dict[str, Any] = {
        name: None
        for name in _PLAIN
        if isinstance(getattr(profile, name), str) and not getattr(profile, name)
    }
    return replace(profile, **blanks)
