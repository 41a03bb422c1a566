"""The visit: one party at one table with one bill."""

import uuid

import pghistory
from django.db import models
from django.utils.translation import gettext_lazy as _

from common.fields import EncryptedTextField
from customers.models.customer import Customer
from staff.models import Person, Store

COUNTED = models.Q(voided_at__isnull=True, counted_at__isnull=False)


class Occasion(models.TextChoices):
    """Why they came (消费形式)."""

    BUSINESS = "business", _("商务")
    HOSTING = "hosting", _("宴请")
    FRIENDS = "friends", _("朋友聚餐")
    FAMILY = "family", _("家人聚会")
    BIRTHDAY = "birthday", _("生日")
    ANNIVERSARY = "anniversary", _("纪念日")
    FESTIVAL = "festival", _("节日")
    OTHER = "other", _("其他")


class Channel(models.TextChoices):
    """How they ordered."""

    DINE_IN = "dine_in", _("堂食")
    TAKEAWAY = "takeaway", _("外带")
    DELIVERY = "delivery", _("外卖")
    ONLINE = "online", _("线上")


class Entry(models.TextChoices):
    """Which door a visit came in by."""

    TABLET = "tablet", _("平板")
    API = "api", _("接口")
    IMPORT = "import", _("导入")


@pghistory.track(
    pghistory.UpdateEvent(row=pghistory.Old),
    pghistory.DeleteEvent(),
    exclude=["body_sha256"],
)
class Visit(models.Model):
    """One visit. Never overwritten: a correction voids this row and points to the one that replaces it.

    `business_date` is computed once when written. `recorded_at` is when the row arrived; `counted_at` when it
    began to count (empty while a late visit waits for a manager's nod); `voided_at` when it ceased to.
    History keeps the old row of every change; who wrote the first is in `recorded_by`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="visits", db_index=False)
    customer = models.ForeignKey(
        Customer, on_delete=models.SET_NULL, null=True, related_name="visits", db_index=False
    )
    external_id = models.CharField(_("消费单号"), max_length=64)
    business_date = models.DateField()
    visited_at = models.DateTimeField(_("消费时间"))
    amount_fen = models.IntegerField(_("金额"))
    party_size = models.SmallIntegerField(_("人数"), null=True, blank=True)
    table_no = models.CharField(_("台号"), max_length=20, blank=True, db_default="")
    occasion = models.CharField(_("消费形式"), max_length=12, choices=Occasion, blank=True, db_default="")
    channel = models.CharField(_("渠道"), max_length=10, choices=Channel, blank=True, db_default="")
    dishes = models.JSONField(_("菜品"), default=list, db_default=models.Value([], models.JSONField()))
    coupon = models.BooleanField(_("用券"), default=False, db_default=False)
    note = EncryptedTextField(_("备注"), null=True, blank=True)
    entry = models.CharField(max_length=8, choices=Entry)
    body_sha256 = models.BinaryField(max_length=32, null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    counted_at = models.DateTimeField(null=True)
    counted_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    voided_at = models.DateTimeField(null=True)
    voided_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    void_reason = models.CharField(max_length=100, blank=True, db_default="")
    replaced_by = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="replaces", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "external_id"],
                condition=models.Q(voided_at__isnull=True),
                name="one_living_bill",
            ),
            models.CheckConstraint(condition=models.Q(amount_fen__gte=0), name="amount_not_negative"),
        ]
        indexes = [
            # The night reads one store's window from this index alone.
            models.Index(
                fields=["store", "business_date"],
                include=["customer", "amount_fen", "visited_at"],
                condition=COUNTED,
                name="visit_window",
            ),
            models.Index(fields=["customer", "-visited_at"], name="visit_of_customer"),
            models.Index(
                fields=["store"],
                condition=models.Q(counted_at__isnull=True, voided_at__isnull=True),
                name="visit_held",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} {self.business_date}"


class VisitGuest(models.Model):
    """A guest who sat at the table of somebody else's visit, and as what; from one moment to another.

    The visit's own customer has no row here. When a visit is corrected the living rows are copied to the one that
    replaces it, so that either visit tells its table as it was known then.
    """

    class Role(models.TextChoices):
        GUEST = "guest", _("受邀客人")
        ORDERER = "orderer", _("点菜人")
        PAYER = "payer", _("买单人")

    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="companions", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="seats")
    role = models.CharField(_("身份"), max_length=8, choices=Role)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    removed_at = models.DateTimeField(null=True)
    removed_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["visit", "customer", "role"],
                condition=models.Q(removed_at=None),
                name="one_seat_a_role",
            ),
        ]
        indexes = [models.Index(fields=["visit"], name="seat_of_visit")]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.role}"
