"""Every address of the product. Who is let in where: crm/permissions.toml."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from care.api import TaskCompleteView, TasksView
from care.campaign_api import CampaignsView, CampaignView
from crm.health import healthz, readyz
from customers.api import CustomersView, CustomerView, LookupView, VisitView, VisitVoidView
from customers.booking_api import BookingCancelView, BookingConfirmView, BookingsView
from loyalty.api import CustomerVouchersView, RedeemView, RedemptionVoidView, VoucherKindsView
from tablet.api import SyncView
from tiering.api import StandingView

api = [
    path("customers/", CustomersView.as_view(), name="api-customers"),
    path("customers/lookup/", LookupView.as_view(), name="api-lookup"),
    path("customers/<int:customer_id>/", CustomerView.as_view(), name="api-customer"),
    path("customers/<int:customer_id>/standing/", StandingView.as_view(), name="api-standing"),
    path("visits/<uuid:visit_id>/", VisitView.as_view(), name="api-visit"),
    path("visits/<uuid:visit_id>/void/", VisitVoidView.as_view(), name="api-visit-void"),
    path("sync/", SyncView.as_view(), name="api-sync"),
    path("tasks/", TasksView.as_view(), name="api-tasks"),
    path("tasks/<int:task_id>/complete/", TaskCompleteView.as_view(), name="api-task-complete"),
    path(
        "customers/<int:customer_id>/vouchers/", CustomerVouchersView.as_view(), name="api-customer-vouchers"
    ),
    path("vouchers/kinds/", VoucherKindsView.as_view(), name="api-voucher-kinds"),
    path("vouchers/redeem/", RedeemView.as_view(), name="api-voucher-redeem"),
    path("redemptions/<int:redemption_id>/void/", RedemptionVoidView.as_view(), name="api-redemption-void"),
    path("bookings/", BookingsView.as_view(), name="api-bookings"),
    path("bookings/<int:booking_id>/confirm/", BookingConfirmView.as_view(), name="api-booking-confirm"),
    path("bookings/<int:booking_id>/cancel/", BookingCancelView.as_view(), name="api-booking-cancel"),
    path("campaigns/", CampaignsView.as_view(), name="api-campaigns"),
    path("campaigns/<int:campaign_id>/", CampaignView.as_view(), name="api-campaign"),
]

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("api/v1/", include(api)),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="api-schema"), name="api-docs"),
    path("", include("care.urls")),
    path("", include("staff.urls")),
    path("", include("customers.urls")),
    path("", include("feedback.urls")),
    path("", include("tiering.urls")),
    path("", include("loyalty.urls")),
    path("", include("reports.urls")),
    path("", include("tablet.urls")),
]
