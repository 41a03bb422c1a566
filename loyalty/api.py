"""The JSON doors of this room: the kinds of voucher, a guest's vouchers, giving one, using one, taking a use back."""

from datetime import date
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import PageQuestion, StrictSerializer, read_cursor, write_cursor
from common.clock import now
from common.errors import NotHere, Refused
from common.phones import normalise_phone
from customers.models.consent import Source
from customers.selectors.listing import guest
from loyalty.models import Redemption, Voucher, VoucherKind
from loyalty.selectors.vouchers import kinds_of, voucher_page
from loyalty.services.issuing import give_one
from loyalty.services.redeeming import Bill, redeem, take_back
from staff.access import MACHINE
from staff.api import asker

BILL_AT_MOST = 100_000_000


class KindAnswer(serializers.Serializer):
    """A kind of voucher. `worth`: fen off (amount), percent off (percent), 0 otherwise."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    gives = serializers.ChoiceField(VoucherKind.Gives.values)
    worth = serializers.IntegerField()
    item = serializers.CharField()
    min_bill_fen = serializers.IntegerField()
    valid_days = serializers.IntegerField()
    transferable = serializers.BooleanField()
    once = serializers.BooleanField()


class VoucherAnswer(serializers.Serializer):
    """One voucher of a guest. `occasion`: what it is for; `for_friend`: to hand on."""

    id = serializers.IntegerField()
    code = serializers.CharField()
    kind = serializers.IntegerField()
    name = serializers.CharField()
    customer = serializers.IntegerField()
    occasion = serializers.CharField()
    for_friend = serializers.BooleanField()
    issued_on = serializers.DateField()
    valid_until = serializers.DateField()
    state = serializers.ChoiceField(["usable", "used", "over"])


class RedemptionAnswer(serializers.Serializer):
    """A voucher used on a bill. `saved_fen`, `pays_fen`: empty where it gave a dish; `visit`: the bill, once logged."""

    id = serializers.IntegerField()
    voucher = serializers.IntegerField()
    name = serializers.CharField()
    customer = serializers.IntegerField(help_text="who used it")
    is_new = serializers.BooleanField(help_text="this brought the guest on file")
    bill_fen = serializers.IntegerField()
    bill_number = serializers.CharField()
    saved_fen = serializers.IntegerField(allow_null=True)
    pays_fen = serializers.IntegerField(allow_null=True)
    visit = serializers.UUIDField(allow_null=True)
    on = serializers.DateField()
    voided_at = serializers.DateTimeField(allow_null=True)


class GiveBody(StrictSerializer):
    kind = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class RedeemBody(StrictSerializer):
    """`phone`, `name`: who uses it, where that is not the holder."""

    code = serializers.CharField(max_length=20)
    bill_fen = serializers.IntegerField(min_value=0, max_value=BILL_AT_MOST)
    bill_number = serializers.CharField(max_length=64, default="", allow_blank=True)
    phone = serializers.CharField(max_length=40, default="", allow_blank=True)
    name = serializers.CharField(max_length=80, default="", allow_blank=True)


class TakeBackBody(StrictSerializer):
    reason = serializers.CharField(max_length=100)


def describe(voucher: Voucher, on: date, *, used: bool) -> dict[str, Any]:
    """A voucher as the API answers it on a business date."""
    return {
        "id": voucher.pk,
        "code": voucher.shown,
        "kind": voucher.kind_id,
        "name": voucher.kind.name,
        "customer": voucher.customer_id,
        "occasion": voucher.occasion,
        "for_friend": voucher.is_for_friend,
        "issued_on": voucher.issued_on,
        "valid_until": voucher.valid_until,
        "state": "used" if used else "over" if voucher.valid_until < on else "usable",
    }


def _told(used: Redemption) -> dict[str, Any]:
    return {
        "id": used.pk,
        "voucher": used.voucher_id,
        "name": used.voucher.kind.name,
        "customer": used.customer_id,
        "is_new": used.is_new,
        "bill_fen": used.bill_fen,
        "bill_number": used.bill_number,
        "saved_fen": used.saved_fen,
        "pays_fen": None if used.saved_fen is None else used.bill_fen - used.saved_fen,
        "visit": used.visit_id,
        "on": used.on,
        "voided_at": used.voided_at,
    }


class VoucherKindsView(APIView):
    """The kinds that the store gives, by name."""

    @extend_schema(
        operation_id="voucher_kinds_list",
        responses=inline_serializer("VoucherKinds", {"results": KindAnswer(many=True)}),
    )
    def get(self, request: Request) -> Response:
        names = ("name", "gives", "worth", "item", "min_bill_fen", "valid_days", "transferable", "once")
        kinds = kinds_of(asker(request).store)
        return Response(
            {"results": [{"id": kind.pk} | {name: getattr(kind, name) for name in names} for kind in kinds]}
        )


class CustomerVouchersView(APIView):
    """A guest's vouchers in this store, the latest first; giving one."""

    @extend_schema(
        operation_id="customer_vouchers_list",
        parameters=[OpenApiParameter("cursor", str), OpenApiParameter("limit", int)],
        responses=inline_serializer(
            "VoucherPage",
            {"results": VoucherAnswer(many=True), "next_cursor": serializers.CharField(allow_blank=True)},
        ),
    )
    def get(self, request: Request, customer_id: int) -> Response:
        store = asker(request).store
        guest(store, customer_id)
        question = PageQuestion(data=request.query_params.dict())
        question.is_valid(raise_exception=True)
        ask = question.validated_data
        after = read_cursor(ask["cursor"], date.max.toordinal())
        rows, following = voucher_page(store, customer_id, after=after, most=ask["limit"])
        on = store.business_day(now())
        return Response(
            {
                "results": [describe(row, on, used=row.used) for row in rows],  # type: ignore[attr-defined]
                "next_cursor": write_cursor(*following) if following else "",
            }
        )

    @extend_schema(request=GiveBody, responses={201: VoucherAnswer, 200: VoucherAnswer})
    def post(self, request: Request, customer_id: int) -> Response:
        """One of a kind a day, as by hand: 201 where it is new, 200 where the guest was given it today already."""
        principal, at = asker(request), now()
        guest(principal.store, customer_id)
        body = GiveBody(data=request.data)
        body.is_valid(raise_exception=True)
        on = principal.store.business_day(at)
        given = give_one(
            store=principal.store, kind_id=body.validated_data["kind"], customer_id=customer_id,
            occasion=f"hand:{on}", actor=principal.person, at=at,
        )  # fmt: skip
        if given.voucher is None:
            raise Refused("voucher_once", field="kind", status=409)
        used = given.voucher.redemptions.filter(voided_at=None).exists()
        return Response(describe(given.voucher, on, used=used), status=201 if given.is_new else 200)


class RedeemView(APIView):
    """Use a voucher on a bill. The same code on the same bill number again is the same use."""

    @extend_schema(request=RedeemBody, responses=RedemptionAnswer)
    def post(self, request: Request) -> Response:
        body = RedeemBody(data=request.data)
        body.is_valid(raise_exception=True)
        said, principal = body.validated_data, asker(request)
        try:
            phone = normalise_phone(said["phone"]) if said["phone"] else ""
        except Refused as error:
            raise Refused(error.code, field="phone", **error.params) from error
        used = redeem(
            store=principal.store, code=said["code"], bill=Bill(said["bill_fen"], said["bill_number"]), phone=phone,
            name=said["name"], actor=principal.person, at=now(),
            source=Source.API if principal.role == MACHINE else Source.DESK,
        )  # fmt: skip
        return Response(_told(used))


class RedemptionVoidView(APIView):
    """A use that was a mistake: the voucher is good again. Twice is once."""

    @extend_schema(request=TakeBackBody, responses=RedemptionAnswer)
    def post(self, request: Request, redemption_id: int) -> Response:
        principal = asker(request)
        if not Redemption.objects.filter(store=principal.store, pk=redemption_id).exists():
            raise NotHere()
        body = TakeBackBody(data=request.data)
        body.is_valid(raise_exception=True)
        used = take_back(
            store=principal.store, redemption_id=redemption_id, reason=body.validated_data["reason"],
            actor=principal.person, at=now(),
        )  # fmt: skip
        return Response(_told(used))
