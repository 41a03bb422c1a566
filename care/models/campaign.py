"""Telling a group of guests about one thing, once: the tables."""

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from staff.models import Person, Store
from tiering.models import Segment

# In which order due texts are taken: a birthday before a festival on the same number, and a campaign after both.
DUE_ORDER: tuple[models.F | models.ExpressionWrapper, ...] = (
    models.F("next_at"),
    *(
        models.ExpressionWrapper(~models.Q(category=greeting), output_field=models.BooleanField())
        for greeting in ("birthday", "festival")
    ),
)


class Campaign(models.Model):
    """One thing told once to the guests of a segment, or of some tiers, of a store; some are held out by lot.

    `what` and `detail` fill the approved text of the kind. It goes out from `send_on` to `window_days` later.
    `texts`: the number that was approved. `began_at`: the moment from which the guests' coming counts, `results_on`
    the last day of it; both are set when it is planned. `grown`: planned again for more guests than were approved, it
    went back to being a draft.
    """

    class Kind(models.TextChoices):
        PROMOTION = "promotion", _("促销")
        NEW_DISH = "new_dish", _("新菜")
        EVENT = "event", _("活动")

    class Way(models.TextChoices):
        SMS = "sms", _("短信")
        PHONE = "phone", _("电话")
        WECHAT = "wechat", _("微信")

    class State(models.TextChoices):
        DRAFT = "draft", _("草稿")
        APPROVED = "approved", _("已批准")
        PLANNED = "planned", _("进行中")
        OVER = "over", _("已结束")
        CANCELLED = "cancelled", _("已取消")

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="campaigns", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=60)
    segment = models.ForeignKey(Segment, on_delete=models.PROTECT, null=True, related_name="campaigns")
    tiers = models.JSONField(default=list)
    what = models.CharField(max_length=20)
    detail = models.CharField(max_length=35)
    channel = models.CharField(max_length=10, choices=Way, default=Way.SMS)
    call_fallback = models.BooleanField(default=False)
    send_on = models.DateField()
    window_days = models.PositiveSmallIntegerField(default=2, validators=[MaxValueValidator(7)])
    held_out = models.PositiveSmallIntegerField(default=10, validators=[MaxValueValidator(50)])
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    grown = models.BooleanField(default=False, db_default=False)
    texts = models.IntegerField(null=True)
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    approved_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    planned_at = models.DateTimeField(null=True)
    began_at = models.DateTimeField(null=True)
    results_on = models.DateField(null=True)
    cancelled_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(held_out__lte=50, window_days__lte=7), name="campaign_within_bounds"
            ),
        ]
        indexes = [models.Index(fields=["store", "-send_on"], name="campaign_of_store")]

    def __str__(self) -> str:
        return self.name

    @property
    def occasion(self) -> str:
        """What its texts and tasks are for; with the guest it is their unique key."""
        return f"campaign:{self.pk}"


class CampaignGuest(models.Model):
    """What the plan of a campaign made of one guest of its group: told, held out by lot, or blocked for a reason.

    `came_on`, `spend_fen`: the first visit from the campaign's `began_at` until the end of its `results_on`; the same
    for who was told and who was held out.
    """

    class Arm(models.TextChoices):
        TOLD = "told", _("告知")
        HELD_OUT = "held_out", _("留出对照")
        BLOCKED = "blocked", _("不能告知")

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="guests", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="campaigns")
    arm = models.CharField(max_length=10, choices=Arm)
    reason = models.CharField(max_length=40, blank=True)
    came_on = models.DateField(null=True)
    spend_fen = models.IntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "customer"], name="once_a_campaign")]

    def __str__(self) -> str:
        return f"{self.arm} {self.reason}".strip()
