"""The JSON doors of the book of bookings: a day's list, a new one, the guest's yes, called off."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import PageQuestion, StrictSerializer, read_cursor, write_cursor
from common.clock import now
from common.errors import Refused
from customers.models import Booking, Need, Patronage
from customers.preorder import read_dishes
from customers.selectors.bookings import LAST_PLACE, booking_page, bookings_of
from customers.services.bookings import PARTY_AT_MOST, book, cancel_booking, confirm_booking
from staff.api import asker


class BookingQuestion(PageQuestion):
    """Which day (today unless said), in which state: `holds` are those that stand, to come or seated."""

    on = serializers.DateField(required=False)
    state = serializers.ChoiceField([*Booking.State.values, "holds", "any"], default="holds")


class BookingBody(StrictSerializer):
    """A table for a guest of the store, named by `customer` or `customer_external_id`; `held`: without the guest's yes."""

    customer = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    customer_external_id = serializers.CharField(required=False, max_length=64)
    on = serializers.DateField()
    arrives = serializers.TimeField(help_text="on the store's clock")
    party = serializers.IntegerField(min_value=1, max_value=PARTY_AT_MOST)
    held = serializers.BooleanField(default=False)
    table = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    needs = serializers.ListField(
        child=serializers.ChoiceField(Need.values), required=False, max_length=10,
        help_text="unless said those of the guest's profile",
    )  # fmt: skip
    allergies = serializers.CharField(max_length=200, default="", allow_blank=True)
    dishes = serializers.CharField(
        max_length=1000, default="", allow_blank=True, help_text="name×number, commas between"
    )
    note = serializers.CharField(max_length=400, default="", allow_blank=True)
    told_by = serializers.ChoiceField(Booking.Source.values, default=Booking.Source.DESK)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("customer" in attrs) == ("customer_external_id" in attrs):
            raise Refused("customer_not_named", field="customer_external_id")
        return attrs


BOOKING = inline_serializer(
    "Booking",
    {
        "id": serializers.IntegerField(),
        "customer": inline_serializer(
            "BookingCustomer",
            {
                "id": serializers.IntegerField(),
                "external_id": serializers.CharField(),
                "called": serializers.CharField(),
                "tier": serializers.CharField(),
            },
        ),
        "on": serializers.DateField(),
        "arrives": serializers.TimeField(),
        "party": serializers.IntegerField(),
        "table": serializers.CharField(help_text="its number; empty where none is given yet"),
        "state": serializers.ChoiceField(Booking.State.choices),
        "lapses_on": serializers.DateField(allow_null=True, help_text="free again, unless confirmed"),
        "needs": serializers.ListField(child=serializers.ChoiceField(Need.values)),
        "allergies": serializers.CharField(),
        "dishes": serializers.ListField(
            child=inline_serializer(
                "BookingDish", {"name": serializers.CharField(), "number": serializers.IntegerField()}
            )
        ),
        "note": serializers.CharField(),
        "told_by": serializers.ChoiceField(Booking.Source.values),
    },
)


def describe(booking: Booking) -> dict[str, Any]:
    """A booking as the API answers it. No telephone number."""
    here = getattr(booking.customer, "patronages_here", [])
    return {
        "id": booking.pk,
        "customer": {
            "id": booking.customer_id,
            "external_id": here[0].external_id if here else "",
            "called": booking.customer.called,
            "tier": here[0].tier if here else "",
        },
        "on": booking.on,
        "arrives": f"{booking.arrives:%H:%M}",
        "party": booking.party,
        "table": booking.table.number if booking.table else "",
        "state": booking.state,
        "lapses_on": booking.lapses_on,
        "needs": booking.needs,
        "allergies": booking.allergies or "",
        "dishes": booking.dishes,
        "note": booking.note,
        "told_by": booking.source,
    }


class BookingsView(APIView):
    """The bookings of a day, by time; making one."""

    @extend_schema(
        operation_id="bookings_list",
        parameters=[
            OpenApiParameter("on", OpenApiTypes.DATE, description="today unless said"),
            OpenApiParameter("state", str, enum=[*Booking.State.values, "holds", "any"], default="holds"),
            OpenApiParameter("cursor", str),
            OpenApiParameter("limit", int),
        ],
        responses=inline_serializer(
            "BookingPage",
            {
                "results": serializers.ListField(child=BOOKING),
                "next_cursor": serializers.CharField(allow_blank=True),
            },
        ),
    )
    def get(self, request: Request) -> Response:
        store = asker(request).store
        question = BookingQuestion(data=request.query_params.dict())
        question.is_valid(raise_exception=True)
        ask = question.validated_data
        states = {"holds": Booking.HOLDS, "any": tuple(Booking.State.values)}.get(
            ask["state"], (ask["state"],)
        )
        rows, following = booking_page(
            store, ask.get("on") or store.business_day(now()), states=states,
            after=read_cursor(ask["cursor"], LAST_PLACE), most=ask["limit"],
        )  # fmt: skip
        return Response(
            {
                "results": [describe(row) for row in rows],
                "next_cursor": write_cursor(*following) if following else "",
            }
        )

    @extend_schema(request=BookingBody, responses={201: BOOKING})
    def post(self, request: Request) -> Response:
        """A second booking of the guest at the same time answers 409."""
        principal = asker(request)
        body = BookingBody(data=request.data)
        body.is_valid(raise_exception=True)
        said = dict(body.validated_data)
        number = said.pop("customer_external_id", None)
        named = {"external_id": number} if number is not None else {"customer": said["customer"]}
        guest = Patronage.objects.filter(store=principal.store, **named).first()
        if guest is None:
            raise Refused("customer_unknown", field="customer" if number is None else "customer_external_id")
        said |= {"customer_id": guest.customer_id, "dishes": read_dishes(said["dishes"])}
        said.pop("customer", None)
        said["source"] = said.pop("told_by")
        made = book(
            store=principal.store, actor=principal.person, at=now(), table_id=said.pop("table", None), **said
        )
        return Response(describe(bookings_of(principal.store).get(pk=made.pk)), status=201)


class BookingConfirmView(APIView):
    """The guest said yes. Twice is once; what is over answers 409."""

    @extend_schema(request=None, responses=BOOKING)
    def post(self, request: Request, booking_id: int) -> Response:
        principal = asker(request)
        confirm_booking(store=principal.store, booking_id=booking_id, actor=principal.person, at=now())
        return Response(describe(bookings_of(principal.store).get(pk=booking_id)))


class BookingCancelView(APIView):
    """The guest does not come. Twice is once; a guest who sits answers 409."""

    @extend_schema(request=None, responses=BOOKING)
    def post(self, request: Request, booking_id: int) -> Response:
        principal = asker(request)
        cancel_booking(store=principal.store, booking_id=booking_id, actor=principal.person, at=now())
        return Response(describe(bookings_of(principal.store).get(pk=booking_id)))
