"""How the two busy tables lie on disk: room on the page for changing labels, an index that stays index-only."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE customers_patronage SET (fillfactor = 85)",
            "ALTER TABLE customers_patronage RESET (fillfactor)",
        ),
        migrations.RunSQL(
            "ALTER TABLE customers_visit SET (autovacuum_vacuum_insert_scale_factor = 0.01)",
            "ALTER TABLE customers_visit RESET (autovacuum_vacuum_insert_scale_factor)",
        ),
    ]
