"""The voucher that was given on a call to win a guest back."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("care", "0015_plans_beside"),
        ("loyalty", "0001_vouchers_and_gifts"),
    ]

    operations = [
        migrations.AddField(
            model_name="callanswer",
            name="voucher",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+",
                to="loyalty.voucher",
            ),
        ),
    ]
