"""Whom the house expects: its tables, what is booked, who waits at the door."""

from datetime import date, timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from common.fields import EncryptedTextField
from customers.models.customer import Customer
from customers.seating import evening_of
from staff.models import Person, Store


class Need(models.TextChoices):
    """What a guest needs of the room. An allergy is no flag: it is written out in the profile and on the booking."""

    CHILD_SEAT = "child_seat", _("儿童椅")
    WHEELCHAIR = "wheelchair", _("轮椅")
    ELDERLY = "elderly", _("有老人")


class BookingRules(models.Model):
    """How a store keeps its tables; a store without a row keeps to the defaults.

    `priority_tiers`: codes, separated by blanks, of the tiers that are called first from the waiting list. `held_days`:
    a table that nobody confirmed is free again so many days before its day. `sitting_minutes`: for how long a table is
    taken.
    """

    store = models.OneToOneField(
        Store, on_delete=models.CASCADE, primary_key=True, related_name="booking_rules"
    )
    priority_tiers = models.CharField(max_length=200, blank=True, default="VIP A PREMIUM GOLD SILVER")
    held_days = models.PositiveSmallIntegerField(default=4)
    sitting_minutes = models.PositiveSmallIntegerField(default=120)

    def __str__(self) -> str:
        return f"{self.held_days} / {self.sitting_minutes}"


class DiningTable(models.Model):
    """A table of a store. Taken away, not deleted: what was booked at it stays."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="tables", db_index=False)
    number = models.CharField(_("台号"), max_length=20)
    room = models.CharField(_("包间或区域"), max_length=40, blank=True)
    seats = models.PositiveSmallIntegerField(_("座位"))
    accessible = models.BooleanField(_("轮椅方便"), default=False)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "number"], condition=Q(removed_at=None), name="one_table_a_number"
            ),
            models.CheckConstraint(condition=Q(seats__gte=1), name="table_has_seats"),
        ]

    def __str__(self) -> str:
        return self.number


class Booking(models.Model):
    """A table for a guest at a time. PROVISIONAL is kept until `lapses_on` and needs a word of the guest.

    `on` and `arrives` are what the clock on the wall says; `starts_at` to `ends_at` is the time for which the table is
    taken. The day it is listed under is `evening_at`: half past midnight is of the evening before. `dishes`: `[{"name":
    "清蒸石斑", "number": 1}]`, to be prepared. `allergies`: of somebody who comes along; the guest's own stand in the
    profile. `settled_*`: who last changed the state.
    """

    class State(models.TextChoices):
        PROVISIONAL = "provisional", _("待确认")
        CONFIRMED = "confirmed", _("已确认")
        SEATED = "seated", _("已入座")
        CANCELLED = "cancelled", _("已取消")
        LAPSED = "lapsed", _("到期释放")

    class Source(models.TextChoices):
        DESK = "desk", _("前台")
        PHONE = "phone", _("电话")
        VISIT = "visit", _("拜望")
        WECHAT = "wechat", _("微信")

    HOLDS = ("provisional", "confirmed", "seated")
    COMING = ("provisional", "confirmed")

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="bookings", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="bookings")
    on = models.DateField(_("哪一天"))
    arrives = models.TimeField(_("几点"))
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    party = models.PositiveSmallIntegerField(_("几位"))
    table = models.ForeignKey(DiningTable, on_delete=models.PROTECT, null=True, related_name="bookings")
    state = models.CharField(max_length=12, choices=State)
    lapses_on = models.DateField(null=True)
    needs = models.JSONField(default=list)
    allergies = EncryptedTextField(_("同来客人的过敏"), null=True)
    dishes = models.JSONField(default=list)
    note = models.CharField(_("备注"), max_length=400, blank=True)
    source = models.CharField(max_length=8, choices=Source, default=Source.DESK)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "customer", "starts_at"],
                condition=Q(state__in=("provisional", "confirmed", "seated")),
                name="one_booking_a_time",
            ),
            models.CheckConstraint(condition=Q(party__gte=1), name="booking_has_guests"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="booking_takes_time"),
            models.CheckConstraint(
                condition=~Q(state="provisional") | Q(lapses_on__isnull=False), name="provisional_lapses"
            ),
            # A table as a range of one number: so the index needs no extension of the database.
            ExclusionConstraint(
                name="table_taken_once",
                expressions=[
                    (
                        Func(F("table_id"), F("table_id"), Value("[]"), function="int8range"),
                        RangeOperators.OVERLAPS,
                    ),
                    (Func(F("starts_at"), F("ends_at"), function="tstzrange"), RangeOperators.OVERLAPS),
                ],
                condition=Q(state__in=("provisional", "confirmed", "seated"), table__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["store", "on"], name="booking_of_day")]

    def __str__(self) -> str:
        return f"{self.on} {self.arrives:%H:%M} {self.party}"

    @property
    def is_coming(self) -> bool:
        """Whether the guest is still expected."""
        return self.state in self.COMING

    def evening_at(self, store: Store) -> date:
        """The business day of its store that it belongs to."""
        return evening_of(self.on, self.arrives, store.day_ends_at)

    @classmethod
    def of_evening(cls, store: Store, day: date) -> Q:
        """The bookings of one business day: of its date from the morning on, and of the small hours after it."""
        ends = store.day_ends_at
        return Q(on=day, arrives__gte=ends) | Q(on=day + timedelta(days=1), arrives__lt=ends)

    @classmethod
    def from_evening(cls, store: Store, day: date) -> Q:
        """The bookings of a business day and of those after it."""
        return Q(on__gt=day) | Q(on=day, arrives__gte=store.day_ends_at)


class BookingChange(models.Model):
    """What somebody changed of a booking that stands: `{"party": [4, 6], "arrives": ["18:00", "19:30"]}`, before and after.

    Of an allergy it is told that it changed, not what it was.
    """

    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="changes")
    at = models.DateTimeField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    what = models.JSONField()

    def __str__(self) -> str:
        return f"{self.booking_id}: {'、'.join(self.what)}"


class Waiting(models.Model):
    """A party that waits at the door on a business day; `customer` where the guest is on file.

    Closed when it was seated or gone.
    """

    class Outcome(models.TextChoices):
        SEATED = "seated", _("已入座")
        LEFT = "left", _("走了")

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, null=True, related_name="waits")
    called = models.CharField(_("怎么称呼"), max_length=40)
    party = models.PositiveSmallIntegerField(_("几位"))
    on = models.DateField()
    joined_at = models.DateTimeField()
    joined_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    called_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=6, choices=Outcome, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "on", "customer"],
                condition=Q(closed_at=None, customer__isnull=False),
                name="guest_waits_once",
            ),
            models.UniqueConstraint(
                fields=["store", "on", "called"],
                condition=Q(closed_at=None, customer=None),
                name="name_waits_once",
            ),
            models.CheckConstraint(condition=Q(party__gte=1), name="waiting_has_guests"),
        ]

    def __str__(self) -> str:
        return f"{self.called} {self.party}"
