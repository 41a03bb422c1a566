"""Pages of guests, visits and files."""

from django.urls import path

from customers.views import bookings, dishes, guest, imports, listing, visits

urlpatterns = [
    path("customers/", listing.customers, name="customers"),
    path("customers/new/", guest.customer_new, name="customer-new"),
    path("customers/<int:pk>/", guest.customer, name="customer"),
    path("customers/<int:pk>/edit/", guest.customer_edit, name="customer-edit"),
    path("customers/<int:pk>/tags/", guest.customer_tag, name="customer-tag"),
    path("customers/<int:pk>/consent/", guest.customer_consent, name="customer-consent"),
    path("customers/<int:pk>/owner/", guest.customer_owner, name="customer-owner"),
    path("customers/<int:pk>/phones/<int:phone_id>/reveal/", guest.customer_reveal, name="customer-reveal"),
    path("customers/<int:pk>/companions/", guest.customer_seat, name="customer-seat"),
    path("customers/<int:pk>/events/", guest.customer_event, name="customer-event"),
    path(
        "customers/<int:pk>/events/<int:event_id>/void/",
        guest.customer_event_void,
        name="customer-event-void",
    ),
    path("dishes/", dishes.dishes, name="dishes"),
    path("dishes/<int:pk>/withdraw/", dishes.dish_withdraw, name="dish-withdraw"),
    path("visits/held/", visits.visits_held, name="visits-held"),
    path("visits/<uuid:pk>/release/", visits.visit_release, name="visit-release"),
    path("visits/<uuid:pk>/void/", visits.visit_void, name="visit-void"),
    path("visits/<uuid:pk>/companions/<int:seat_id>/remove/", visits.visit_unseat, name="visit-unseat"),
    path("bookings/", bookings.day, name="bookings"),
    path("bookings/new/", bookings.new, name="booking-new"),
    path("bookings/<int:pk>/", bookings.one, name="booking"),
    path("bookings/<int:pk>/change/", bookings.change, name="booking-change"),
    path("bookings/<int:pk>/act/", bookings.act, name="booking-act"),
    path("bookings/<int:pk>/slip/", bookings.slip, name="booking-slip"),
    path("waiting/", bookings.waiting_join, name="waiting-join"),
    path("waiting/<int:pk>/", bookings.waiting_act, name="waiting-act"),
    path("tables/", bookings.tables, name="dining-tables"),
    path("tables/<int:pk>/remove/", bookings.table_remove, name="dining-table-remove"),
    path("customers/<int:pk>/menu/", bookings.menu, name="customer-menu"),
    path("imports/", imports.imports, name="imports"),
    path("imports/<int:pk>/", imports.import_job, name="import-job"),
]
