"""The JSON doors of campaigns, to read: the list, and one with its figures. Approving stays on the page."""

from datetime import date
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from care.campaigns import Arm, Earned
from care.models import Campaign
from care.outcomes import Interval
from care.parts import cost_fen
from care.selectors.campaigns import Progress, campaign_page, campaigns_of, earned_by, groups_of, progress_of
from care.services.campaign_planning import Sieved, last_day, sieve
from care.services.rules import rules_of
from common.api import PageQuestion, read_cursor, write_cursor
from common.clock import now
from common.errors import NotHere
from staff.api import asker


class ArmAnswer(serializers.Serializer):
    """One side of a campaign: how many guests, how many came, what they spent."""

    guests = serializers.IntegerField()
    came = serializers.IntegerField()
    rate = serializers.FloatField(help_text="the share that came, 0 to 1")
    spend_fen = serializers.IntegerField()


class IntervalAnswer(serializers.Serializer):
    """A difference with its 95 per cent interval."""

    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class CampaignAnswer(serializers.Serializer):
    """A campaign with what it earned: who was told against who was held out by lot; nought before it was planned."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(Campaign.Kind.values)
    channel = serializers.ChoiceField(Campaign.Way.values)
    state = serializers.ChoiceField(Campaign.State.choices)
    what = serializers.CharField()
    detail = serializers.CharField()
    segment = serializers.CharField(help_text="its name; empty where the group is tiers alone")
    tiers = serializers.ListField(child=serializers.CharField())
    send_on = serializers.DateField()
    last_on = serializers.DateField()
    results_on = serializers.DateField(allow_null=True)
    told = ArmAnswer()
    held_out = ArmAnswer()


class BlockedAnswer(serializers.Serializer):
    """How many may not be told for one reason."""

    reason = serializers.CharField()
    guests = serializers.IntegerField()


class FiguresAnswer(CampaignAnswer):
    """One campaign: `planned` false: `group` is who would be told now. Texts and tasks by state, parts and their cost."""

    planned = serializers.BooleanField()
    group = inline_serializer(
        "CampaignGroup",
        {
            "told": serializers.IntegerField(),
            "held_out": serializers.IntegerField(),
            "blocked": BlockedAnswer(many=True),
        },
    )
    texts = serializers.DictField(child=serializers.IntegerField())
    tasks = serializers.DictField(child=serializers.IntegerField())
    parts = serializers.IntegerField()
    cost_fen = serializers.IntegerField()
    gain = IntervalAnswer(allow_null=True, help_text="by how much the share of those who came is higher")
    more_fen = IntervalAnswer(allow_null=True, help_text="how many fen more over all who were told")


def _arm(arm: Arm) -> dict[str, Any]:
    return {"guests": arm.guests, "came": arm.came, "rate": arm.rate, "spend_fen": arm.spend_fen}


def _interval(found: Interval | None) -> dict[str, float] | None:
    return {"value": found.value, "low": found.low, "high": found.high} if found else None


def describe(campaign: Campaign, earned: Earned) -> dict[str, Any]:
    """A campaign as the API answers it."""
    same = ("name", "kind", "channel", "state", "what", "detail", "tiers", "send_on", "results_on")
    return {
        "id": campaign.pk,
        **{name: getattr(campaign, name) for name in same},
        "segment": campaign.segment.name if campaign.segment else "",
        "last_on": last_day(campaign),
        "told": _arm(earned.told),
        "held_out": _arm(earned.held_out),
    }


class CampaignsView(APIView):
    """The store's campaigns, the latest day first."""

    @extend_schema(
        operation_id="campaigns_list",
        parameters=[OpenApiParameter("cursor", str), OpenApiParameter("limit", int)],
        responses=inline_serializer(
            "CampaignPage",
            {"results": CampaignAnswer(many=True), "next_cursor": serializers.CharField(allow_blank=True)},
        ),
    )
    def get(self, request: Request) -> Response:
        question = PageQuestion(data=request.query_params.dict())
        question.is_valid(raise_exception=True)
        ask = question.validated_data
        after = read_cursor(ask["cursor"], date.max.toordinal())
        rows, following = campaign_page(asker(request).store, after=after, most=ask["limit"])
        return Response(
            {
                "results": [describe(row.campaign, row.earned) for row in rows],
                "next_cursor": write_cursor(*following) if following else "",
            }
        )


class CampaignView(APIView):
    """One campaign with its figures."""

    @extend_schema(responses=FiguresAnswer)
    def get(self, request: Request, campaign_id: int) -> Response:
        store = asker(request).store
        campaign = campaigns_of(store).filter(pk=campaign_id).first()
        if campaign is None:
            raise NotHere()
        earned = earned_by([campaign.pk])[campaign.pk]
        planned = campaign.planned_at is not None
        if planned:
            seen, progress = Sieved(groups_of(campaign)), progress_of(campaign, store)
        elif campaign.state == Campaign.State.CANCELLED:
            seen, progress = Sieved([]), Progress()
        else:
            seen = sieve(campaign, store, on=store.business_day(now()))
            progress = Progress(parts=seen.parts)
        price = rules_of(store.brand_id).thousand_parts_fen
        return Response(
            describe(campaign, earned)
            | {
                "planned": planned,
                "group": {
                    "told": seen.told,
                    "held_out": seen.held_out,
                    "blocked": [{"reason": each.reason, "guests": each.guests} for each in seen.blocked],
                },
                "texts": progress.texts,
                "tasks": progress.tasks,
                "parts": progress.parts,
                "cost_fen": cost_fen(progress.parts, price),
                "gain": _interval(earned.gain),
                "more_fen": _interval(earned.spend),
            }
        )
