"""Who comes: the guest of the brand, the guest's relation to each store, numbers, tags, introductions."""

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from common.birthdays import Birthday
from common.fields import EncryptedTextField
from staff.models import Brand, Person, Store


class Sex(models.TextChoices):
    MALE = "m", _("男")
    FEMALE = "f", _("女")


class Preferred(models.TextChoices):
    """How a guest likes to hear from us."""

    PHONE = "phone", _("电话")
    SMS = "sms", _("短信")
    WECHAT = "wechat", _("微信")
    EMAIL = "email", _("邮件")
    CARD = "card", _("贺卡")
    VISIT = "visit", _("上门")


class Calendar(models.TextChoices):
    SOLAR = "solar", _("公历")
    LUNAR = "lunar", _("农历")


@pghistory.track(exclude=["search_keys", "name_key"])
class Customer(models.Model):
    """A guest of the brand: the profile, known once, wherever the guest dines.

    `credit` (how well bills are paid) and `influence` go from 1 to 5; `distance_km` is how far home or work lies
    from the restaurant; empty is "not judged". `needs`: what the room has to be ready for (`booking.Need`).

    `search_keys` holds one token per store and way of finding the guest ("7:wxm", "7:8899"), so that a
    search is one index look-up inside one store; `customers.services.search` is its one writer.
    """

    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="customers")
    name = models.CharField(_("姓名"), max_length=80)
    salutation = models.CharField(_("称呼"), max_length=40, blank=True)
    sex = models.CharField(_("性别"), max_length=1, choices=Sex, blank=True)
    birth_calendar = models.CharField(_("历法"), max_length=5, choices=Calendar, blank=True)
    birth_year = models.SmallIntegerField(null=True, blank=True)
    birth_month = models.SmallIntegerField(null=True, blank=True)
    birth_day = models.SmallIntegerField(null=True, blank=True)
    birth_leap = models.BooleanField(default=False)
    address = models.CharField(_("地址"), max_length=200, blank=True)
    industry = models.CharField(_("行业"), max_length=60, blank=True)
    employer = models.CharField(_("单位"), max_length=80, blank=True)
    position = models.CharField(_("职位"), max_length=60, blank=True)
    married = models.BooleanField(_("婚否"), null=True, blank=True)
    allergies = EncryptedTextField(_("过敏"), null=True, blank=True)
    taboos = EncryptedTextField(_("忌口"), null=True, blank=True)
    likes = models.CharField(_("喜好"), max_length=200, blank=True)
    credit = models.PositiveSmallIntegerField(_("消费信誉"), null=True, blank=True)
    influence = models.PositiveSmallIntegerField(_("影响力"), null=True, blank=True)
    distance_km = models.DecimalField(_("离店公里数"), max_digits=5, decimal_places=1, null=True, blank=True)
    needs = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    preferred_channel = models.CharField(
        _("首选联系方式"), max_length=8, choices=Preferred, blank=True, default="", db_default=""
    )
    note = EncryptedTextField(_("备注"), null=True, blank=True)
    name_key = models.CharField(max_length=120, blank=True)
    search_keys = ArrayField(models.TextField(), default=list, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [
            GinIndex(fields=["search_keys"], name="customer_search"),
            models.Index(
                fields=["brand", "birth_calendar", "birth_month", "birth_day"],
                name="customer_birthday",
                condition=models.Q(birth_month__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(birth_month__isnull=True, birth_day__isnull=True, birth_calendar="")
                | models.Q(
                    birth_month__range=(1, 12),
                    birth_day__range=(1, 31),
                    birth_calendar__in=["solar", "lunar"],
                ),
                name="birthday_whole_or_none",
            ),
            models.CheckConstraint(condition=models.Q(credit__range=(1, 5)), name="credit_1_to_5"),
            models.CheckConstraint(condition=models.Q(influence__range=(1, 5)), name="influence_1_to_5"),
            models.CheckConstraint(condition=models.Q(distance_km__gte=0), name="distance_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def birthday(self) -> Birthday | None:
        """The birthday as told by the guest, in its own calendar."""
        if self.birth_month is None or self.birth_day is None:
            return None
        return Birthday(
            self.birth_calendar, self.birth_year, self.birth_month, self.birth_day, self.birth_leap
        )

    @property
    def called(self) -> str:
        """How to address the guest: 王总, else the name."""
        return self.salutation or self.name


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(condition=pgtrigger.AnyChange("external_id", "owner", "since", "usual_table")),
    pghistory.DeleteEvent(),
    fields=["customer", "store", "external_id", "owner", "since", "usual_table"],
)
class Patronage(models.Model):
    """A guest's relation to one store: number there, owner, since when; the tier on the door; running sums.

    `tier`, `tier_since` are a cached label: the truth is the tier decision, the one writer is
    `customers.services.labels.set_tiers`. So are `labels`, the tiers of the axes beside it (card, lifecycle …):
    axis to code, codes joined by `+` where several hold. The sums (`visits_total` … `last_external_id`) repeat
    what the counted visits say; `customers.services.counters` writes them and a step of the night compares them
    with the visits.
    """

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="patronages")
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="patronages")
    external_id = models.CharField(_("客户编号"), max_length=64)
    owner = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    since = models.DateField(_("建档日期"))
    usual_table = models.CharField(_("常用桌台"), max_length=40, blank=True)
    tier = models.CharField(max_length=20, blank=True)
    tier_since = models.DateField(null=True)
    labels = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    visits_total = models.IntegerField(default=0)
    spend_total_fen = models.BigIntegerField(default=0)
    first_visit_on = models.DateField(null=True)
    first_paid_on = models.DateField(null=True)
    last_visit_on = models.DateField(null=True)
    last_visited_at = models.DateTimeField(null=True)
    last_bill_fen = models.BigIntegerField(null=True)
    last_external_id = models.CharField(max_length=64, blank=True)

    class Meta:
        # No index on a column that visits or the night change: their updates then stay on the page (HOT).
        constraints = [
            models.UniqueConstraint(fields=["store", "customer"], name="one_patronage"),
            models.UniqueConstraint(fields=["store", "external_id"], name="one_number_a_store"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} @ {self.store_id}"


@pghistory.track()
class Phone(models.Model):
    """A telephone number: encrypted, found by its keyed index or its last four digits.

    An *own* number belongs to one guest of the brand; a *contact* number (a wife, a secretary) may be shared.
    """

    class Kind(models.TextChoices):
        OWN = "own", _("本人")
        CONTACT = "contact", _("联系人")

    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="phones")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.OWN)
    whose = models.CharField(max_length=20, blank=True)
    number = EncryptedTextField()
    number_index = models.BinaryField(max_length=32)
    last_four = models.CharField(max_length=4)
    added_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["brand", "number_index"], condition=models.Q(kind="own"), name="own_number_once"
            ),
            models.UniqueConstraint(
                fields=["customer"], condition=models.Q(kind="own"), name="one_own_number"
            ),
            models.UniqueConstraint(fields=["customer", "number_index"], name="number_once_a_guest"),
        ]
        indexes = [models.Index(fields=["brand", "number_index"], name="phone_by_index")]

    def __str__(self) -> str:
        return f"…{self.last_four}"

    @property
    def masked(self) -> str:
        """As pages show it: 138****8899 needs the number itself; this needs only the last four."""
        return f"***{self.last_four}"


class Tag(models.Model):
    """A word about a guest, from one moment to another. Never edited: taken off and put on again."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="tags")
    word = models.CharField(max_length=40)
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    removed_at = models.DateTimeField(null=True)
    removed_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "word"], condition=models.Q(removed_at=None), name="tag_once"
            ),
        ]
        indexes = [models.Index(fields=["word"], name="tag_word")]

    def __str__(self) -> str:
        return self.word


class Introduction(models.Model):
    """Who brought whom. One introducer a guest; a correction takes the old row back and adds one."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="introduced_by")
    introducer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="introduced")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    voided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer"], condition=models.Q(voided_at=None), name="one_introducer"
            ),
            models.CheckConstraint(
                condition=~models.Q(customer=models.F("introducer")), name="nobody_introduces_himself"
            ),
        ]
        indexes = [
            models.Index(fields=["introducer"], condition=models.Q(voided_at=None), name="introduced_by_whom")
        ]

    def __str__(self) -> str:
        return f"{self.introducer_id} → {self.customer_id}"


class ProfileGap(models.Model):
    """A mandatory field of a profile that was missing from one moment to another.

    A complete profile has no open row. Kept as dated rows so that a past night can be explained with what
    was known then.
    """

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="gaps")
    field = models.CharField(max_length=20)
    missing_from = models.DateTimeField()
    filled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "field"], condition=models.Q(filled_at=None), name="one_open_gap"
            ),
        ]

    def __str__(self) -> str:
        return self.field
