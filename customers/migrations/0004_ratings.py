"""Credit, influence and distance of a guest, each from one moment known and kept in the history."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("customers", "0003_labels")]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='customer',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='customer',
            name='update_update',
        ),
        migrations.AddField(
            model_name='customer',
            name='credit',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='消费信誉'),
        ),
        migrations.AddField(
            model_name='customer',
            name='distance_km',
            field=models.DecimalField(blank=True, decimal_places=1, max_digits=5, null=True, verbose_name='离店公里数'),
        ),
        migrations.AddField(
            model_name='customer',
            name='influence',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='影响力'),
        ),
        migrations.AddField(
            model_name='customerevent',
            name='credit',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='消费信誉'),
        ),
        migrations.AddField(
            model_name='customerevent',
            name='distance_km',
            field=models.DecimalField(blank=True, decimal_places=1, max_digits=5, null=True, verbose_name='离店公里数'),
        ),
        migrations.AddField(
            model_name='customerevent',
            name='influence',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='影响力'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='customer',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "customers_customerevent" ("address", "allergies", "birth_calendar", "birth_day", "birth_leap", "birth_month", "birth_year", "brand_id", "created_at", "created_by_id", "credit", "distance_km", "id", "industry", "influence", "likes", "married", "name", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "salutation", "sex", "taboos") VALUES (NEW."address", NEW."allergies", NEW."birth_calendar", NEW."birth_day", NEW."birth_leap", NEW."birth_month", NEW."birth_year", NEW."brand_id", NEW."created_at", NEW."created_by_id", NEW."credit", NEW."distance_km", NEW."id", NEW."industry", NEW."influence", NEW."likes", NEW."married", NEW."name", NEW."note", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."position", NEW."salutation", NEW."sex", NEW."taboos"); RETURN NULL;', hash='1e2c6526003e22cb5ee8d73d283196f1d1a4c00a', operation='INSERT', pgid='pgtrigger_insert_insert_a36e0', table='customers_customer', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='customer',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."address" IS DISTINCT FROM (NEW."address") OR OLD."allergies" IS DISTINCT FROM (NEW."allergies") OR OLD."birth_calendar" IS DISTINCT FROM (NEW."birth_calendar") OR OLD."birth_day" IS DISTINCT FROM (NEW."birth_day") OR OLD."birth_leap" IS DISTINCT FROM (NEW."birth_leap") OR OLD."birth_month" IS DISTINCT FROM (NEW."birth_month") OR OLD."birth_year" IS DISTINCT FROM (NEW."birth_year") OR OLD."brand_id" IS DISTINCT FROM (NEW."brand_id") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."created_by_id" IS DISTINCT FROM (NEW."created_by_id") OR OLD."credit" IS DISTINCT FROM (NEW."credit") OR OLD."distance_km" IS DISTINCT FROM (NEW."distance_km") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."industry" IS DISTINCT FROM (NEW."industry") OR OLD."influence" IS DISTINCT FROM (NEW."influence") OR OLD."likes" IS DISTINCT FROM (NEW."likes") OR OLD."married" IS DISTINCT FROM (NEW."married") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."note" IS DISTINCT FROM (NEW."note") OR OLD."position" IS DISTINCT FROM (NEW."position") OR OLD."salutation" IS DISTINCT FROM (NEW."salutation") OR OLD."sex" IS DISTINCT FROM (NEW."sex") OR OLD."taboos" IS DISTINCT FROM (NEW."taboos"))', func='INSERT INTO "customers_customerevent" ("address", "allergies", "birth_calendar", "birth_day", "birth_leap", "birth_month", "birth_year", "brand_id", "created_at", "created_by_id", "credit", "distance_km", "id", "industry", "influence", "likes", "married", "name", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "salutation", "sex", "taboos") VALUES (NEW."address", NEW."allergies", NEW."birth_calendar", NEW."birth_day", NEW."birth_leap", NEW."birth_month", NEW."birth_year", NEW."brand_id", NEW."created_at", NEW."created_by_id", NEW."credit", NEW."distance_km", NEW."id", NEW."industry", NEW."influence", NEW."likes", NEW."married", NEW."name", NEW."note", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."position", NEW."salutation", NEW."sex", NEW."taboos"); RETURN NULL;', hash='ed25abfb747b0a92ec7d56765c4bed57e31f4bb2', operation='UPDATE', pgid='pgtrigger_update_update_ca86d', table='customers_customer', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='customer',
            constraint=models.CheckConstraint(condition=models.Q(('credit__range', (1, 5))), name='credit_1_to_5'),
        ),
        migrations.AddConstraint(
            model_name='customer',
            constraint=models.CheckConstraint(condition=models.Q(('influence__range', (1, 5))), name='influence_1_to_5'),
        ),
        migrations.AddConstraint(
            model_name='customer',
            constraint=models.CheckConstraint(condition=models.Q(('distance_km__gte', 0)), name='distance_not_negative'),
        ),
    ]
