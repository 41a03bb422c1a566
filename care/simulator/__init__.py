"""An SMS provider on this machine, for demonstrations and tests.

It speaks three dialects (Aliyun Dysmsapi, Tencent Cloud SMS and plain signed JSON), checks their signatures on its own,
keeps a ledger of everything it accepted, pushes receipts and replies, and misbehaves when told to.
Like the real ones it is not idempotent: the same message accepted twice is in the ledger twice.
It imports nothing from the rest of the program, so that it can serve as a judge of it.
"""

# What the demonstration signs with. They open nothing but this simulator.
ACCESS_KEY_ID = "demo-access-key-id"
ACCESS_KEY_SECRET = "demo-access-key-secret"
SDK_APP_ID = "1400000001"
SIGN_NAME = "熟客小馆"
# The numbers under which the simulated account has the texts that tell of a voucher.
TEXT_CODES = {
    "SMS_TEMPLATE_BIRTHDAY_VOUCHER": "SMS_100014",
    "SMS_TEMPLATE_FESTIVAL_VOUCHER": "SMS_100015",
    "SMS_TEMPLATE_ABSENCE_VOUCHER": "SMS_100016",
}
