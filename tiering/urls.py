"""Pages of standings and schemes."""

from django.urls import path

from tiering.views import candidates, chain, editor, groups, judgements, schemes, segments, standing

urlpatterns = [
    path("customers/<int:pk>/standing/", standing.customer_standing, name="customer-standing"),
    path("customers/<int:pk>/judgements/", judgements.customer_judge, name="customer-judge"),
    path(
        "customers/<int:pk>/judgements/<int:judgement_id>/withdraw/",
        judgements.judgement_withdraw,
        name="customer-judge-withdraw",
    ),
    path("customers/<int:pk>/override/", judgements.customer_override, name="customer-override"),
    path(
        "customers/<int:pk>/override/<int:override_id>/withdraw/",
        judgements.override_withdraw,
        name="customer-override-withdraw",
    ),
    path("tiers/groups/", groups.tier_groups, name="tier-groups"),
    path("tiers/groups/<slug:axis>/", groups.tier_group, name="tier-group"),
    path("tiers/leads/", groups.leads, name="leads"),
    path("tiers/groups/<slug:axis>/<str:code>/", groups.tier_group_guests, name="tier-group-guests"),
    path("tiers/goals/<slug:axis>/", groups.tier_goals, name="tier-goals"),
    path("tiers/candidates/", candidates.candidates, name="candidates"),
    path("tiers/candidates/<int:pk>/confirm/", candidates.candidate_confirm, name="candidate-confirm"),
    path("segments/", segments.segments, name="segments"),
    path("segments/new/", segments.segment_new, name="segment-new"),
    path("segments/<int:pk>/", segments.segment, name="segment"),
    path("segments/<int:pk>/edit/", segments.segment_edit, name="segment-edit"),
    path("segments/<int:pk>/retire/", segments.segment_retire, name="segment-retire"),
    path("schemes/", schemes.schemes, name="schemes"),
    path("schemes/adopt/", schemes.scheme_adopt, name="scheme-adopt"),
    path("schemes/back/", schemes.scheme_roll_back, name="scheme-roll-back"),
    path("schemes/adoptions/<int:pk>/withdraw/", schemes.adoption_withdraw, name="adoption-withdraw"),
    path("schemes/compare/", schemes.scheme_compare, name="scheme-compare"),
    path("schemes/new/", editor.scheme_new, name="scheme-new"),
    path("schemes/<slug:code>/", schemes.scheme, name="scheme"),
    path("schemes/<slug:code>/edit/", editor.scheme_edit, name="scheme-edit"),
    path("schemes/<slug:code>/chain/", chain.scheme_chain, name="scheme-chain"),
]
