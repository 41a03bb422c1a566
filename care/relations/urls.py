"""The addresses of the long relation."""

from django.urls import path

from care.relations.views import accounts, lists, pages

urlpatterns = [
    path("accounts/", accounts.accounts, name="accounts"),
    path("accounts/new/", accounts.account_new, name="account-new"),
    path("accounts/<int:pk>/", accounts.account, name="account"),
    path("accounts/<int:pk>/edit/", accounts.account_edit, name="account-edit"),
    path("accounts/<int:pk>/act/", accounts.account_act, name="account-act"),
    path("lists/win-back/", lists.win_back, name="list-win-back"),
    path("lists/returns/", lists.returns, name="list-returns"),
    path("lists/labels/", lists.labels, name="list-labels"),
    path("feedback/guests/", lists.voices, name="feedback-guests"),
    path("care/steps/", pages.steps, name="relation-steps"),
    path("care/steps/target/", pages.steps_target, name="relation-target"),
    path("care/steps/rules/", pages.rules, name="relation-rules"),
    path("care/library/", pages.library, name="care-library"),
    path("care/asked-again/<int:pk>/", pages.asked_again, name="asked-again"),
    path("customers/<int:pk>/relation/", pages.customer_relation, name="customer-relation"),
    path("customers/<int:pk>/topics/", pages.customer_topic, name="customer-topic"),
]
