"""The addresses of this room."""

from django.urls import path

from loyalty.views import floor, gifts, guest, vouchers

urlpatterns = [
    path("vouchers/", vouchers.vouchers, name="vouchers"),
    path("vouchers/kinds/new/", vouchers.kind_new, name="voucher-kind-new"),
    path("vouchers/kinds/<int:pk>/", vouchers.kind, name="voucher-kind"),
    path("vouchers/issue/", vouchers.issue, name="voucher-issue"),
    path("vouchers/redeem/", vouchers.use, name="voucher-redeem"),
    path("vouchers/used/<int:pk>/", vouchers.redemption_back, name="redemption-back"),
    path("gifts/", gifts.gifts, name="gifts"),
    path("gifts/items/", gifts.item_new, name="gift-item-new"),
    path("gifts/items/<int:pk>/", gifts.item_act, name="gift-item"),
    path("gifts/<uuid:pk>/", gifts.gift_decide, name="gift-decide"),
    path("gifts/rules/", gifts.rules, name="loyalty-rules"),
    path("kept/", gifts.kept, name="kept"),
    path("customers/<int:pk>/loyalty/", guest.guest, name="customer-loyalty"),
    path("customers/<int:pk>/loyalty/act/", guest.act, name="customer-loyalty-act"),
    path("tablet/vouchers/", floor.use, name="tablet-redeem"),
    path("tablet/guests/<int:pk>/gift/", floor.gift, name="tablet-gift"),
    path("tablet/guests/<int:pk>/kept/", floor.kept, name="tablet-kept"),
]
