"""Every address of the product. Who is let in where: crm/permissions.toml."""

from django.urls import include, path

from crm.health import healthz, readyz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]
