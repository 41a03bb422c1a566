import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models



class Migration(migrations.Migration):

    dependencies = [
        ('care', '0003_message_parts'),
        ('customers', '0001_initial'),
        ('staff', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='GuestReply',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.BinaryField()),
                ('number_index', models.BinaryField(max_length=32)),
                ('words', models.BinaryField()),
                ('stopped', models.BooleanField()),
                ('at', models.DateTimeField()),
                ('read_at', models.DateTimeField(null=True)),
                ('outcome', models.CharField(blank=True, choices=[('read', '看过了'), ('stop', '确认退订'), ('lifted', '不是退订，已恢复')], db_default='', max_length=8)),
            ],
        ),
        migrations.AddIndex(
            model_name='inbox',
            index=models.Index(condition=models.Q(('applied_at', None), ('kind', 'reply')), fields=['received_at'], name='inbox_reply_waiting'),
        ),
        migrations.AddField(
            model_name='guestreply',
            name='customer',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='replies', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='guestreply',
            name='read_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='guestreply',
            name='store',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='replies', to='staff.store'),
        ),
        migrations.AddIndex(
            model_name='guestreply',
            index=models.Index(fields=['store', '-at'], name='reply_of_store'),
        ),
        migrations.AddIndex(
            model_name='guestreply',
            index=models.Index(condition=models.Q(('read_at', None)), fields=['store'], name='reply_unread'),
        ),
    ]
