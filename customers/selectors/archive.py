"""Everything the archive says of one guest, in a fixed number of queries."""

from dataclasses import dataclass

from django.db.models import Prefetch

from customers.models import Consent, Introduction, Patronage, Phone, ProfileGap, Tag, Visit
from customers.selectors.listing import guests_of
from staff.models import Store

MANDATORY = 8
VISITS_SHOWN = 5


@dataclass(frozen=True)
class Archive:
    """A guest of a store. `gaps`: mandatory fields still missing; `consent`: the statement that holds."""

    patronage: Patronage
    phones: list[Phone]
    tags: list[Tag]
    visits: list[Visit]
    consents: list[Consent]
    gaps: list[str]
    introducer: Introduction | None
    introduced: list[Patronage]
    elsewhere: int

    @property
    def consent(self) -> Consent | None:
        """What the guest last said of texts to the own number."""
        return next((consent for consent in self.consents if consent.phone_id is None), None)

    @property
    def own(self) -> Phone | None:
        return next((phone for phone in self.phones if phone.kind == Phone.Kind.OWN), None)

    @property
    def contacts(self) -> list[Phone]:
        return [phone for phone in self.phones if phone.kind == Phone.Kind.CONTACT]

    @property
    def filled(self) -> int:
        """How many of the eight mandatory fields are known."""
        return MANDATORY - len(self.gaps)

    @property
    def complete_percent(self) -> float:
        """7 of 8 is 87.5."""
        return self.filled * 100 / MANDATORY


def archive(store: Store, customer_id: int) -> Archive | None:
    """The archive of a guest of this store; None for anybody else."""
    patronage = (
        guests_of(store)
        .select_related("customer__created_by")
        .prefetch_related(
            Prefetch("customer__phones", queryset=Phone.objects.order_by("-kind", "id")),
            Prefetch("customer__tags", queryset=Tag.objects.filter(removed_at=None).order_by("added_at")),
            Prefetch(
                "customer__consents",
                queryset=Consent.objects.filter(purpose="sms")
                .select_related("recorded_by", "store")
                .order_by("-at", "given", "-id"),
            ),
            Prefetch("customer__gaps", queryset=ProfileGap.objects.filter(filled_at=None)),
            Prefetch(
                "customer__introduced_by",
                queryset=Introduction.objects.filter(voided_at=None).select_related("introducer"),
            ),
        )
        .filter(customer_id=customer_id)
        .first()
    )
    if patronage is None:
        return None
    customer = patronage.customer
    latest = (
        Visit.objects.filter(store=store, customer_id=customer_id)
        .select_related("recorded_by", "voided_by")
        .order_by("-visited_at", "-external_id")[:VISITS_SHOWN]
    )
    introduced = (
        guests_of(store)
        .filter(customer__introduced_by__introducer_id=customer_id, customer__introduced_by__voided_at=None)
        .order_by("-since", "id")[:20]
    )
    return Archive(
        patronage=patronage,
        phones=list(customer.phones.all()),
        tags=list(customer.tags.all()),
        visits=list(latest),
        consents=list(customer.consents.all()),
        gaps=[gap.field for gap in customer.gaps.all()],
        introducer=next(iter(customer.introduced_by.all()), None),
        introduced=list(introduced),
        elsewhere=Patronage.objects.filter(customer_id=customer_id).exclude(store=store).count(),
    )
