"""The JSON doors of this room: guests, the whole-number lookup, visits."""

import uuid
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import StrictSerializer
from common.birthdays import format_birthday, parse_birthday
from common.clock import now
from common.errors import Refused
from common.phones import normalise_phone
from customers.models import Need, Patronage, Phone
from customers.models.consent import Source
from customers.models.customer import Preferred
from customers.models.visit import Entry, VisitGuest
from customers.selectors.listing import Filters, find_guests, guest, look_up
from customers.services.customers import JUDGED, Profile, change_customer, register_customer
from customers.services.visits import Recorded, record_visit, void_visit
from customers.visit_body import read_visit
from staff.access import MACHINE, Principal, active_member
from staff.api import asker


class CustomerBody(StrictSerializer):
    """A guest as told. On PATCH what is left out stays as it is."""

    external_id = serializers.CharField(max_length=64, required=False)
    name = serializers.CharField(max_length=80)
    salutation = serializers.CharField(max_length=40, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=40, required=False)
    sex = serializers.ChoiceField(["m", "f", ""], required=False)
    birthday = serializers.CharField(max_length=40, required=False, help_text="YYYY-MM-DD, MM-DD, 闰04-03")
    birthday_calendar = serializers.ChoiceField(["solar", "lunar"], required=False)
    address = serializers.CharField(max_length=200, required=False, allow_blank=True)
    industry = serializers.CharField(max_length=60, required=False, allow_blank=True)
    employer = serializers.CharField(max_length=80, required=False, allow_blank=True)
    position = serializers.CharField(max_length=60, required=False, allow_blank=True)
    preferred_channel = serializers.ChoiceField([*Preferred.values, ""], required=False)
    married = serializers.BooleanField(required=False)
    credit = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=5, help_text="1 to 5; null: no longer judged"
    )
    influence = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=5)
    distance_km = serializers.DecimalField(
        max_digits=5, decimal_places=1, min_value=Decimal(0), required=False, allow_null=True,
        help_text="home or work to the restaurant, to a tenth",
    )  # fmt: skip
    needs = serializers.ListField(
        child=serializers.ChoiceField(Need.values), required=False, max_length=10,
        help_text="what the room has to be ready for: all of it, an empty list for nothing",
    )  # fmt: skip
    tags = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=50)
    owner = serializers.CharField(
        max_length=150, required=False, help_text="username or name of a member of staff"
    )
    consent_sms = serializers.BooleanField(required=False)
    introduced_by = serializers.CharField(
        max_length=64, required=False, help_text="the introducer's external_id"
    )


class CustomerAnswer(serializers.Serializer):
    """A guest of this store; the number masked."""

    id = serializers.IntegerField()
    external_id = serializers.CharField()
    name = serializers.CharField()
    salutation = serializers.CharField()
    phone = serializers.CharField(help_text="masked")
    sex = serializers.CharField()
    birthday = serializers.CharField(help_text="without the year")
    tier = serializers.CharField()
    tier_since = serializers.DateField(allow_null=True)
    owner = serializers.CharField()
    visits_total = serializers.IntegerField()
    last_visit_on = serializers.DateField(allow_null=True)
    credit = serializers.IntegerField(allow_null=True)
    influence = serializers.IntegerField(allow_null=True)
    distance_km = serializers.DecimalField(max_digits=5, decimal_places=1, allow_null=True)
    needs = serializers.ListField(child=serializers.ChoiceField(Need.values))
    preferred_channel = serializers.ChoiceField([*Preferred.values, ""])


class VisitAnswer(serializers.Serializer):
    """What became of a visit."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(["created", "same"])
    held = serializers.BooleanField(help_text="older than seven days: counts after a manager's nod")
    customer = serializers.IntegerField(allow_null=True)
    business_date = serializers.DateField()
    external_id = serializers.CharField()


def describe(patronage: Patronage, masked: str) -> dict[str, Any]:
    """A guest as the API answers it."""
    customer = patronage.customer
    birthday = customer.birthday
    return {
        "id": customer.pk,
        "external_id": patronage.external_id,
        "name": customer.name,
        "salutation": customer.salutation,
        "phone": masked,
        "sex": customer.sex,
        "birthday": format_birthday(birthday) if birthday else "",
        "tier": patronage.tier,
        "tier_since": patronage.tier_since,
        "owner": str(patronage.owner) if patronage.owner else "",
        "visits_total": patronage.visits_total,
        "last_visit_on": patronage.last_visit_on,
        "credit": customer.credit,
        "influence": customer.influence,
        "distance_km": None if customer.distance_km is None else str(customer.distance_km),
        "needs": customer.needs,
        "preferred_channel": customer.preferred_channel,
    }


def _masked(rows: list[Patronage]) -> dict[int, str]:
    numbers = Phone.objects.filter(
        customer_id__in=[row.customer_id for row in rows], kind=Phone.Kind.OWN
    ).values_list("customer_id", "last_four")
    return {customer_id: f"*******{last}" for customer_id, last in numbers}


def _profile(data: dict[str, Any], principal: Principal) -> Profile:
    """The checked body as a Profile: the number normalised, the birthday read, owner and introducer found."""
    said = dict(data)
    calendar = said.pop("birthday_calendar", None)
    if "phone" in said:
        said["phone"] = _field("phone", normalise_phone, said["phone"])
    if "birthday" in said:
        said["birthday"] = _field(
            "birthday", lambda text: parse_birthday(text, calendar, today=now().date()), said["birthday"]
        )
    if "owner" in said:
        said["owner"] = active_member(principal.store, said["owner"], now())
    if "introduced_by" in said:
        found = Patronage.objects.filter(store=principal.store, external_id=said["introduced_by"]).first()
        if found is None:
            raise Refused("introducer_unknown", field="introduced_by")
        said["introduced_by"] = found.customer_id
    # A judgement that is said to be null stands no longer.
    said["cleared"] = frozenset(name for name in JUDGED if name in said and said[name] is None)
    for name in ("tags", "needs"):
        if name in said:
            said[name] = tuple(said[name])
    return Profile(**said)


def _field(name: str, read: Any, text: str) -> Any:
    try:
        return read(text)
    except Refused as error:
        raise Refused(error.code, field=name, **error.params) from error


class CustomersView(APIView):
    """The store's guests; registering one."""

    @extend_schema(
        operation_id="customers_list",
        parameters=[OpenApiParameter(name, str) for name in ("q", "tier", "cursor")],
        responses=inline_serializer(
            "CustomerPage",
            {"results": CustomerAnswer(many=True), "next_cursor": serializers.CharField(allow_blank=True)},
        ),
    )
    def get(self, request: Request) -> Response:
        ask = {name: request.query_params.get(name, "")[:200] for name in ("q", "tier", "cursor")}
        if "\x00" in "".join(ask.values()):
            raise Refused("field_has_nul", field="q")
        page = find_guests(asker(request).store, ask["q"], Filters(tier=ask["tier"]), ask["cursor"])
        masked = _masked(page.rows)
        return Response(
            {
                "results": [describe(row, masked.get(row.customer_id, "")) for row in page.rows],
                "next_cursor": page.next_cursor,
            }
        )

    @extend_schema(request=CustomerBody, responses={201: CustomerAnswer, 200: CustomerAnswer})
    def post(self, request: Request) -> Response:
        body = CustomerBody(data=request.data)
        body.is_valid(raise_exception=True)
        principal = asker(request)
        source = Source.API if principal.role == MACHINE else Source.DESK
        done = register_customer(
            store=principal.store,
            profile=_profile(body.validated_data, principal),
            actor=principal.person,
            at=now(),
            source=source,
        )
        row = guest(principal.store, done.customer.pk)
        answer = describe(row, _masked([row]).get(row.customer_id, "")) | {"status": done.status}
        return Response(answer, status=201 if done.status == "created" else 200)


class CustomerView(APIView):
    """One guest of the store."""

    @extend_schema(responses=CustomerAnswer)
    def get(self, request: Request, customer_id: int) -> Response:
        row = guest(asker(request).store, customer_id)
        return Response(describe(row, _masked([row]).get(customer_id, "")))

    @extend_schema(request=CustomerBody, responses=CustomerAnswer)
    def patch(self, request: Request, customer_id: int) -> Response:
        principal = asker(request)
        guest(principal.store, customer_id)
        body = CustomerBody(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        if "external_id" in body.validated_data:
            raise Refused("field_fixed", field="external_id")
        change_customer(
            store=principal.store,
            customer_id=customer_id,
            profile=_profile(body.validated_data, principal),
            actor=principal.person,
            at=now(),
            source=Source.API if principal.role == MACHINE else Source.DESK,
        )
        return self.get(request, customer_id)


class LookupBody(StrictSerializer):
    phone = serializers.CharField(max_length=40)


class LookupView(APIView):
    """The guests of the brand behind a whole number: it travels in the body, never in an address."""

    @extend_schema(
        request=LookupBody,
        responses=inline_serializer(
            "Lookup",
            {
                "results": inline_serializer(
                    "Card",
                    {
                        "id": serializers.IntegerField(),
                        "name": serializers.CharField(),
                        "here": serializers.BooleanField(),
                        "tier": serializers.CharField(),
                        "kind": serializers.CharField(),
                    },
                    many=True,
                )
            },
        ),
    )
    def post(self, request: Request) -> Response:
        body = LookupBody(data=request.data)
        body.is_valid(raise_exception=True)
        phone = _field("phone", normalise_phone, body.validated_data["phone"])
        cards = look_up(asker(request).store, phone)
        return Response(
            {
                "results": [
                    {"id": c.customer_id, "name": c.name, "here": c.here, "tier": c.tier, "kind": c.kind}
                    for c in cards
                ]
            }
        )


VISIT_BODY = inline_serializer(
    "VisitBody",
    {
        "customer_external_id": serializers.CharField(required=False),
        "customer_phone": serializers.CharField(required=False),
        "customer": serializers.IntegerField(required=False, help_text="our id of the guest"),
        "external_id": serializers.CharField(required=False),
        "visited_at": serializers.CharField(help_text="ISO 8601; without an offset store-local"),
        "amount": serializers.CharField(help_text="yuan, as a string"),
        "party_size": serializers.IntegerField(required=False),
        "table": serializers.CharField(required=False),
        "occasion": serializers.CharField(required=False),
        "channel": serializers.CharField(required=False),
        "dishes": serializers.CharField(required=False, help_text="name×qty;…"),
        "note": serializers.CharField(required=False),
        "coupon": serializers.BooleanField(required=False, help_text="a coupon was used on this bill"),
        "companions": inline_serializer(
            "Companion",
            {
                "customer_external_id": serializers.CharField(),
                "role": serializers.ChoiceField(VisitGuest.Role.values),
            },
            many=True,
            required=False,
            help_text="who else sat at the table, and as what",
        ),
    },
)


def answer_of(recorded: Recorded) -> dict[str, Any]:
    """What the API says of a recorded visit. The same body again gets the same answer, but for the status."""
    return {
        "id": str(recorded.visit_id),
        "status": recorded.status,
        "held": recorded.held,
        "customer": recorded.customer_id,
        "business_date": recorded.business_date.isoformat(),
        "external_id": recorded.external_id,
    }


class VisitView(APIView):
    """Log a visit under a client-made UUID: 201 the first time, 200 the same again, 409 with other content."""

    @extend_schema(request=VISIT_BODY, responses={201: VisitAnswer, 200: VisitAnswer})
    def put(self, request: Request, visit_id: uuid.UUID) -> Response:
        principal = asker(request)
        recorded = record_visit(
            store=principal.store,
            visit_id=visit_id,
            visit=read_visit(request.data, principal.store),
            entry=Entry.API,
            actor=principal.person,
            at=now(),
        )
        return Response(answer_of(recorded), status=201 if recorded.status == "created" else 200)


class VoidBody(StrictSerializer):
    reason = serializers.CharField(max_length=100)


class VisitVoidView(APIView):
    """Take a visit back with a reason."""

    @extend_schema(
        request=VoidBody,
        responses=inline_serializer(
            "Voided", {"id": serializers.UUIDField(), "voided_at": serializers.DateTimeField()}
        ),
    )
    def post(self, request: Request, visit_id: uuid.UUID) -> Response:
        body = VoidBody(data=request.data)
        body.is_valid(raise_exception=True)
        visit = void_visit(
            store=asker(request).store,
            visit_id=visit_id,
            reason=body.validated_data["reason"],
            actor=asker(request).person,
            at=now(),
        )
        return Response({"id": str(visit.pk), "voided_at": visit.voided_at})
