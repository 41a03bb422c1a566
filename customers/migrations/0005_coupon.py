"""Whether a coupon was used on a bill."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("customers", "0004_ratings")]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='visit',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='visit',
            name='delete_delete',
        ),
        migrations.AddField(
            model_name='visit',
            name='coupon',
            field=models.BooleanField(db_default=False, default=False, verbose_name='用券'),
        ),
        migrations.AddField(
            model_name='visitevent',
            name='coupon',
            field=models.BooleanField(db_default=False, default=False, verbose_name='用券'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='visit',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."amount_fen" IS DISTINCT FROM (NEW."amount_fen") OR OLD."business_date" IS DISTINCT FROM (NEW."business_date") OR OLD."channel" IS DISTINCT FROM (NEW."channel") OR OLD."counted_at" IS DISTINCT FROM (NEW."counted_at") OR OLD."counted_by_id" IS DISTINCT FROM (NEW."counted_by_id") OR OLD."coupon" IS DISTINCT FROM (NEW."coupon") OR OLD."customer_id" IS DISTINCT FROM (NEW."customer_id") OR OLD."dishes" IS DISTINCT FROM (NEW."dishes") OR OLD."entry" IS DISTINCT FROM (NEW."entry") OR OLD."external_id" IS DISTINCT FROM (NEW."external_id") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."note" IS DISTINCT FROM (NEW."note") OR OLD."occasion" IS DISTINCT FROM (NEW."occasion") OR OLD."party_size" IS DISTINCT FROM (NEW."party_size") OR OLD."recorded_at" IS DISTINCT FROM (NEW."recorded_at") OR OLD."recorded_by_id" IS DISTINCT FROM (NEW."recorded_by_id") OR OLD."replaced_by_id" IS DISTINCT FROM (NEW."replaced_by_id") OR OLD."store_id" IS DISTINCT FROM (NEW."store_id") OR OLD."table_no" IS DISTINCT FROM (NEW."table_no") OR OLD."visited_at" IS DISTINCT FROM (NEW."visited_at") OR OLD."void_reason" IS DISTINCT FROM (NEW."void_reason") OR OLD."voided_at" IS DISTINCT FROM (NEW."voided_at") OR OLD."voided_by_id" IS DISTINCT FROM (NEW."voided_by_id"))', func='INSERT INTO "customers_visitevent" ("amount_fen", "business_date", "channel", "counted_at", "counted_by_id", "coupon", "customer_id", "dishes", "entry", "external_id", "id", "note", "occasion", "party_size", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "recorded_at", "recorded_by_id", "replaced_by_id", "store_id", "table_no", "visited_at", "void_reason", "voided_at", "voided_by_id") VALUES (OLD."amount_fen", OLD."business_date", OLD."channel", OLD."counted_at", OLD."counted_by_id", OLD."coupon", OLD."customer_id", OLD."dishes", OLD."entry", OLD."external_id", OLD."id", OLD."note", OLD."occasion", OLD."party_size", _pgh_attach_context(), NOW(), \'update\', OLD."id", OLD."recorded_at", OLD."recorded_by_id", OLD."replaced_by_id", OLD."store_id", OLD."table_no", OLD."visited_at", OLD."void_reason", OLD."voided_at", OLD."voided_by_id"); RETURN NULL;', hash='9bb30f12fae1c6c17c836d4740023ba5d386e585', operation='UPDATE', pgid='pgtrigger_update_update_0baa3', table='customers_visit', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='visit',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "customers_visitevent" ("amount_fen", "business_date", "channel", "counted_at", "counted_by_id", "coupon", "customer_id", "dishes", "entry", "external_id", "id", "note", "occasion", "party_size", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "recorded_at", "recorded_by_id", "replaced_by_id", "store_id", "table_no", "visited_at", "void_reason", "voided_at", "voided_by_id") VALUES (OLD."amount_fen", OLD."business_date", OLD."channel", OLD."counted_at", OLD."counted_by_id", OLD."coupon", OLD."customer_id", OLD."dishes", OLD."entry", OLD."external_id", OLD."id", OLD."note", OLD."occasion", OLD."party_size", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."recorded_at", OLD."recorded_by_id", OLD."replaced_by_id", OLD."store_id", OLD."table_no", OLD."visited_at", OLD."void_reason", OLD."voided_at", OLD."voided_by_id"); RETURN NULL;', hash='15e161181761dae09ec060207c07e59be30545f2', operation='DELETE', pgid='pgtrigger_delete_delete_81250', table='customers_visit', when='AFTER')),
        ),
    ]
