"""What the program's visit is held against, behind the same server, settings, middleware and driver.

`bare`: a Django view that inserts one row and does nothing else: no key, no check, no sums. The floor.
`textbook`: Django REST framework as its tutorial teaches it: the key looked up in the database, a ModelSerializer,
get_or_create, select_for_update on the guest's sums, save.
"""

import json
import uuid
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.clock import business_date, now
from customers.models import Patronage, Visit
from customers.models.visit import Entry
from staff.access import MACHINE, Principal, hash_key
from staff.models import ApiToken

_INSERT = (
    "INSERT INTO customers_visit (id, store_id, customer_id, external_id, business_date, visited_at, amount_fen, entry, "
    "recorded_at, counted_at) VALUES (%s, %s, %s, %s, %s, %s, %s, 'api', %s, %s)"
)


def insert_visit(
    visit_id: uuid.UUID, store_id: int, customer_id: int, number: str, at: datetime, amount_fen: int
) -> None:
    """One row, one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [visit_id, store_id, customer_id, number, at.date(), at, amount_fen, at, at])


@csrf_exempt
def bare(request: HttpRequest, visit_id: uuid.UUID) -> JsonResponse:
    """The floor of a request that writes."""
    body = json.loads(request.body)
    at = datetime.fromisoformat(body["visited_at"])
    insert_visit(visit_id, body["store"], body["customer"], body["external_id"], at, body["amount_fen"])
    return JsonResponse({"id": str(visit_id)}, status=201)


class KeyAuthentication(BaseAuthentication):
    """The bearer's key, asked of the database each time."""

    def authenticate(self, request: Request) -> tuple[Principal, ApiToken]:
        key = request.META["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
        token = ApiToken.objects.select_related("store").get(key_hash=hash_key(key), revoked_at=None)
        return Principal(token.store, MACHINE, token=token), token


class VisitSerializer(serializers.ModelSerializer):
    class Meta:
        model = Visit
        fields = [
            "id",
            "store",
            "customer",
            "external_id",
            "visited_at",
            "amount_fen",
            "party_size",
            "occasion",
        ]
        read_only_fields = ["id"]


class TextbookVisit(APIView):
    """The visit and the guest's sums, written with the ORM."""

    authentication_classes = [KeyAuthentication]
    permission_classes = [IsAuthenticated]

    def put(self, request: Request, visit_id: uuid.UUID) -> Response:
        serializer = VisitSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        told: dict[str, Any] = serializer.validated_data
        store, at = told["store"], now()
        day = business_date(told["visited_at"], store.timezone, store.day_ends_at)
        with transaction.atomic():
            visit, created = Visit.objects.get_or_create(
                pk=visit_id,
                defaults={
                    **told,
                    "business_date": day,
                    "entry": Entry.API,
                    "recorded_at": at,
                    "counted_at": at,
                },
            )
            if created:
                sums = Patronage.objects.select_for_update().get(store=store, customer=visit.customer)
                sums.visits_total += 1
                sums.spend_total_fen += visit.amount_fen
                sums.first_visit_on = min(sums.first_visit_on or day, day)
                sums.last_visit_on = max(sums.last_visit_on or day, day)
                sums.last_visited_at = max(sums.last_visited_at or visit.visited_at, visit.visited_at)
                sums.last_bill_fen, sums.last_external_id = visit.amount_fen, visit.external_id
                sums.save()
        return Response(VisitSerializer(visit).data, status=201 if created else 200)


urlpatterns = [
    path("api/v1/bare/<uuid:visit_id>/", bare, name="bare"),
    path("api/v1/textbook/<uuid:visit_id>/", TextbookVisit.as_view(), name="textbook"),
]
