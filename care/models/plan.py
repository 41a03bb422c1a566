"""What a store owes its tiers, line by line, and what it allows its plans."""

import pghistory
from django.db import models
from django.utils.translation import gettext_lazy as _

from loyalty.models import VoucherKind
from staff.models import Person, Role, Store
from tiering.models import Segment


class Channel(models.TextChoices):
    """How a gesture reaches the guest."""

    PHONE = "phone", _("电话")
    VISIT = "visit", _("拜望")
    GIFT = "gift", _("礼品")
    CARD = "card", _("贺卡")
    SMS = "sms", _("短信")
    WECHAT = "wechat", _("微信")
    EVENT = "event", _("宴请")
    IN_STORE = "in_store", _("到店")
    VOUCHER = "voucher", _("发券")


class Trigger(models.TextChoices):
    """What makes a plan line due."""

    BIRTHDAY = "birthday", _("生日")
    FESTIVAL = "festival", _("节日")
    MONTHLY = "monthly", _("每月")
    WEEKLY = "weekly", _("每周")
    HALF_YEAR = "half_year", _("每半年")
    YEARLY = "yearly", _("每年")
    ABSENCE = "absence", _("未到店")
    AFTER_VISIT = "after_visit", _("消费后")
    FALLING = "falling", _("将要降级")
    ANNIVERSARY = "anniversary", _("纪念日")
    NEW_GUEST = "new_guest", _("新客建档")
    EACH_VISIT = "each_visit", _("每次到店")
    CAMPAIGN = "campaign", _("活动")
    NEW_DISH = "new_dish", _("新菜")
    SUGGESTION = "suggestion", _("建议采纳")
    ANY_TIME = "any_time", _("随时")


class Plan(models.Model):
    """The gestures a store owes its tiers under one scheme: one living version at a time.

    `inherits`: a tier is given what the tiers below it are given, too. `works`: a plan of an axis beside the ladder opens
    tasks and plans texts; that of the ladder always does.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="plans")
    scheme_code = models.SlugField(max_length=60)
    number = models.IntegerField(default=1)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    retired_at = models.DateTimeField(null=True)
    inherits = models.BooleanField(default=False, db_default=False)
    works = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "scheme_code", "number"], name="plan_version_once"),
            models.UniqueConstraint(
                fields=["store", "scheme_code"], condition=models.Q(retired_at=None), name="one_living_plan"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scheme_code} v{self.number}"


class PlanLine(models.Model):
    """One gesture: for which tier (`*` for everybody), when, through what, by whom.

    `role` is who does it; `owner_first`: the guest's owner where there is one, else the role. `times` a period
    for cadences; `lead_days` before an occasion; `after_days` of absence or after a visit; `window_days` to do it.
    `small`: a coupon or a small gift, which some kinds of guests do not like. `gives`: the voucher that goes with it;
    through the channel VOUCHER that is the whole gesture, and nobody has to do anything. `choice`: of the treatments of
    one such group a guest gets one a visit. `percent_off`: what the treatment takes off the bill. `segment`: only for the
    guests who are in it.
    """

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="lines")
    code = models.CharField(max_length=40)
    tier = models.CharField(max_length=20)
    trigger = models.CharField(max_length=12, choices=Trigger)
    occasions = models.JSONField(default=list)
    channel = models.CharField(max_length=10, choices=Channel)
    zh = models.CharField(max_length=120)
    en = models.CharField(max_length=160)
    source_zh = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=10, choices=Role)
    owner_first = models.BooleanField(default=False)
    times = models.SmallIntegerField(default=1)
    lead_days = models.SmallIntegerField(default=0)
    after_days = models.SmallIntegerField(default=0)
    window_days = models.SmallIntegerField(default=0)
    personal = models.BooleanField(default=True)
    enabled = models.BooleanField(default=True)
    small = models.BooleanField(default=False, db_default=False)
    gives = models.ForeignKey(
        VoucherKind, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    segment = models.ForeignKey(
        Segment, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    choice = models.CharField(max_length=20, blank=True, default="", db_default="")
    percent_off = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["plan", "code"], name="line_once")]

    def __str__(self) -> str:
        return f"{self.tier} {self.zh}"


@pghistory.track()
class CareRules(models.Model):
    """What a store allows its plans; a store without a row keeps to the defaults.

    `contacts_a_week`: calls, visits and messages by hand for one guest in a calendar week, empty: no end.
    `overdue_days`: a task later than that goes to those who lead. `gifts_to_officials`: off unless the head says so.
    """

    store = models.OneToOneField(Store, on_delete=models.CASCADE, primary_key=True, related_name="care_rules")
    contacts_a_week = models.PositiveSmallIntegerField(null=True, blank=True)
    overdue_days = models.PositiveSmallIntegerField(default=2)
    gifts_to_officials = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.contacts_a_week} / {self.overdue_days}"
