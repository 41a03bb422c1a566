

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('care', '0010_due_order'),
        ('loyalty', '0001_vouchers_and_gifts'),
        ('tiering', '0005_chain_facts'),
    ]

    operations = [
        migrations.AddField(
            model_name='planline',
            name='choice',
            field=models.CharField(blank=True, db_default='', default='', max_length=20),
        ),
        migrations.AddField(
            model_name='planline',
            name='gives',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.voucherkind'),
        ),
        migrations.AddField(
            model_name='planline',
            name='percent_off',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='planline',
            name='segment',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tiering.segment'),
        ),
        migrations.AlterField(
            model_name='planline',
            name='channel',
            field=models.CharField(choices=[('phone', '电话'), ('visit', '拜望'), ('gift', '礼品'), ('card', '贺卡'), ('sms', '短信'), ('wechat', '微信'), ('event', '宴请'), ('in_store', '到店'), ('voucher', '发券')], max_length=10),
        ),
        migrations.AlterField(
            model_name='task',
            name='channel',
            field=models.CharField(choices=[('phone', '电话'), ('visit', '拜望'), ('gift', '礼品'), ('card', '贺卡'), ('sms', '短信'), ('wechat', '微信'), ('event', '宴请'), ('in_store', '到店'), ('voucher', '发券')], max_length=10),
        ),
    ]
