"""The JSON door of this room: why a guest has a tier, what is missing for the next, when she falls."""

from datetime import date
from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.clock import now
from common.money import half_up, yuan
from customers.models import Patronage
from staff.api import asker
from staff.models import Store
from tiering import facts
from tiering.ahead import kept_until, rise_words
from tiering.axes import axis_name, axis_order
from tiering.facts import CATALOGUE
from tiering.forecast import Fall, Rise
from tiering.rules import Compare, Group, Judged, Line, Otherwise, Scheme, Tagged
from tiering.selectors.decisions import Standing, standing
from tiering.selectors.forecast import outlook
from tiering.selectors.judged import override_of
from tiering.selectors.labels import schemes_of_labels
from tiering.sentences import named, node_sentence, tier_name, unrated_sentence


def describe_line(line: Line) -> dict[str, Any]:
    """One line of the explanation: sentence, fact, number, threshold, pass or fail."""
    answer: dict[str, Any] = {"line": line.path, "text": node_sentence(line.node), "pass": line.holds}
    node = line.node
    if isinstance(node, Compare):
        value = line.value
        if value is not None and facts.unit_of(node.fact) == "fen":
            value = value / 100
        answer |= {
            "fact": node.fact,
            "op": node.op,
            "threshold": node.said,
            "value": None if value is None else _number(node.fact, value),
            "measured": line.measured,
        }
        if line.measured and not line.holds and node.op in (">=", ">") and line.value is not None:
            gap = node.value - line.value
            answer["missing"] = _number(node.fact, gap / 100 if facts.unit_of(node.fact) == "fen" else gap)
    elif isinstance(node, Tagged):
        answer["tag"] = node.word
    elif isinstance(node, Judged):
        answer["manual"] = node.code
    elif isinstance(node, Otherwise):
        answer["otherwise"] = True
    elif isinstance(node, Group):
        answer |= {"at_least": node.k, "of": [describe_line(part) for part in line.parts]}
    return answer


def _number(fact: str, value: Any) -> str:
    exact = (
        facts.unit_of(fact) in ("fen", "percent", "points")
        or CATALOGUE.get(fact, CATALOGUE["spend_30d"]).per != 1
    )
    return f"{half_up(value):f}" if exact else str(int(value))


def describe_standing(found: Standing) -> dict[str, Any]:
    """The standing as the API answers it. `tier` is the label that the newest night left on the door."""
    scheme = found.scheme
    rank = scheme.rank(found.tier)
    above = scheme.tiers[rank - 1] if 0 < rank <= len(scheme.tiers) else None
    return {
        "tier": found.label or found.tier,
        "tier_name": tier_name(scheme, found.label or found.tier),
        "tier_now": found.tier,
        "since": found.since,
        "scheme": scheme.code,
        "scheme_name": named(scheme),
        "version": found.version,
        "on": found.on,
        "decided_on": found.decision.business_date if found.decision else None,
        "reasons": found.decision.reasons if found.decision else [],
        "unrated": unrated_sentence(found.unrated),
        "criteria": [
            {
                "tier": tier.code,
                "name": named(tier),
                "holds": found.lines[tier.code].holds,
                "rule": describe_line(found.lines[tier.code]),
                "evidence": [describe_line(line) for line in found.evidence[tier.code]],
            }
            for tier in scheme.tiers
        ],
        "next": above.code if above and not found.unrated else None,
        "missing_for_next": (
            list(_failing(describe_line(found.lines[above.code]))) if above and not found.unrated else []
        ),
    }


def _failing(line: dict[str, Any]) -> list[dict[str, Any]]:
    """The leaves that do not hold yet."""
    if "of" in line:
        return [leaf for part in line["of"] for leaf in _failing(part)]
    return [] if line["pass"] else [line]


def describe_rise(scheme: Scheme, rise: Rise | None, on: date) -> dict[str, Any] | None:
    """The shortest way up: what to do by which day (included), for the night of which the next tier is hers."""
    if rise is None:
        return None
    change = rise.change
    return {
        "tier": rise.tier,
        "tier_name": tier_name(scheme, rise.tier),
        "text": rise_words(rise, on),
        "by": rise.by,
        "on": rise.on,
        "spend": f"{yuan(change.fen):f}",
        "bill": f"{yuan(change.bill):f}",
        "visits": change.comes,
        "weeks": change.weeks,
        "guests": change.guests,
        "suggestions": change.suggestions,
        "events": change.events,
    }


def describe_fall(scheme: Scheme, fall: Fall | None) -> dict[str, Any] | None:
    """The first night that lowers her if she does not come."""
    if fall is None:
        return None
    return {"on": fall.on, "tier": fall.tier, "tier_name": tier_name(scheme, fall.tier)}


def describe_ahead(store: Store, customer_id: int, found: Standing) -> dict[str, Any]:
    """What may change: rise and fall, the tier by hand, the protection that keeps a tier."""
    ahead = outlook(store, customer_id, found)
    given = override_of(store, customer_id, found.on) if found.known.given else None
    return {
        "rise": describe_rise(found.scheme, ahead.rise, found.on),
        "fall": describe_fall(found.scheme, ahead.fall),
        "override": given
        and {
            "tier": given.tier,
            "tier_name": tier_name(found.scheme, given.tier),
            "reason": given.reason,
            "by": given.recorded_by.username,
            "until": given.valid_until,
        },
        "kept": found.kept,
        "kept_until": kept_until(found.scheme, found.known, found.kept) if found.kept else None,
    }


def describe_axes(store: Store, customer_id: int) -> list[dict[str, Any]]:
    """Where the guest stands on the other axes, by their newest nights."""
    labels = Patronage.objects.values_list("labels", flat=True).get(store=store, customer_id=customer_id)
    schemes = schemes_of_labels(store.pk)
    return [
        {
            "axis": axis,
            "axis_name": axis_name(axis),
            "scheme": schemes[axis].code,
            "scheme_name": named(schemes[axis]),
            "tier": tier,
            "name": tier_name(schemes[axis], tier),
        }
        for axis, tier in sorted(labels.items(), key=lambda pair: axis_order(pair[0]))
        if axis in schemes
    ]


class StandingView(APIView):
    """Tier, scheme, version, every criterion with fact, threshold, pass or fail; what is missing to rise, when she
    would fall, and where she stands on the other axes."""

    @extend_schema(
        responses=inline_serializer(
            "Standing",
            {
                "tier": serializers.CharField(),
                "tier_name": serializers.CharField(),
                "tier_now": serializers.CharField(help_text="what the rules say of today"),
                "since": serializers.DateField(allow_null=True),
                "scheme": serializers.CharField(),
                "scheme_name": serializers.CharField(),
                "version": serializers.IntegerField(),
                "on": serializers.DateField(),
                "decided_on": serializers.DateField(allow_null=True),
                "reasons": serializers.ListField(),
                "unrated": serializers.CharField(),
                "criteria": serializers.ListField(),
                "next": serializers.CharField(allow_null=True),
                "missing_for_next": serializers.ListField(),
                "rise": serializers.DictField(allow_null=True, help_text="what to do by which day"),
                "fall": serializers.DictField(allow_null=True, help_text="the night that lowers her"),
                "override": serializers.DictField(allow_null=True, help_text="a tier given by hand"),
                "kept": serializers.CharField(help_text="stay, grace or empty"),
                "kept_until": serializers.DateField(allow_null=True),
                "axes": serializers.ListField(help_text="the other axes: scheme, tier, name"),
            },
        )
    )
    def get(self, request: Request, customer_id: int) -> Response:
        store = asker(request).store
        found = standing(store, customer_id, store.business_day(now()))
        axes = {"axes": describe_axes(store, customer_id)}
        if found is None:
            return Response({"tier": "", "scheme": None, "criteria": []} | axes)
        return Response(describe_standing(found) | describe_ahead(store, customer_id, found) | axes)
