"""How the JSON API knows who asks: a machine's bearer token, or a signed-in person's session."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from common.clock import now
from staff.access import PUBLIC, SIGNED_IN, Principal, machine_of, principal_of, who_may


def asker(request: Request) -> Principal:
    """Who asks, behind the permission that let him in."""
    principal = request.auth
    assert isinstance(principal, Principal)
    return principal


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer shk_…`: `request.user` and `request.auth` are the machine's Principal."""

    def authenticate(self, request: Request) -> tuple[Any, Principal] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header.startswith("Bearer "):
            return None
        principal = machine_of(header[7:].strip())
        if principal is None:
            raise AuthenticationFailed()
        return principal, principal

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class PersonAuthentication(SessionAuthentication):
    """The signed-in person in the session's store (unsafe methods need the CSRF token)."""

    def authenticate(self, request: Request) -> tuple[Any, Principal | None] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        person = found[0]
        return person, principal_of(person, request._request.session.get("store"), now())


class AccessPermission(BasePermission):
    """Deny by default, by the permission file."""

    def has_permission(self, request: Request, view: Any) -> bool:
        match = request._request.resolver_match
        let_in = who_may(match.view_name if match else None, request.method or "GET")
        if PUBLIC in let_in:
            return True
        principal = request.auth
        if not isinstance(principal, Principal):
            return False
        return principal.role in let_in or (SIGNED_IN in let_in and principal.person is not None)


class TokenScheme(OpenApiAuthenticationExtension):
    """How the schema calls a machine's key."""

    target_class = "staff.api.TokenAuthentication"
    name = "machine"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class PersonScheme(OpenApiAuthenticationExtension):
    """How the schema calls a signed-in person's session."""

    target_class = "staff.api.PersonAuthentication"
    name = "person"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
