"""The JSON door of this room: why a guest has a tier, and what is missing for the next."""

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.clock import now
from common.money import half_up
from staff.api import asker
from tiering import facts
from tiering.facts import CATALOGUE
from tiering.rules import Compare, Group, Judged, Line, Otherwise, Tagged
from tiering.selectors.decisions import Standing, standing
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
    exact = facts.unit_of(fact) in ("fen", "percent") or CATALOGUE.get(fact, CATALOGUE["spend_30d"]).per != 1
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


class StandingView(APIView):
    """Tier, scheme, version, every criterion with fact, threshold, pass or fail, and what is missing to rise."""

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
            },
        )
    )
    def get(self, request: Request, customer_id: int) -> Response:
        store = asker(request).store
        found = standing(store, customer_id, store.business_day(now()))
        return Response(describe_standing(found) if found else {"tier": "", "scheme": None, "criteria": []})
