"""Archived months: which files hold their fills, and what drops and takes back their partitions."""

import django.db.models.deletion
from django.db import migrations, models

import payouts.feed.models
from payouts.migrations import _archive_sql, _sql


class Migration(migrations.Migration):
    dependencies = [
        ("payouts", "0010_faster_intake"),
    ]

    operations = [
        migrations.CreateModel(
            name="FillArchive",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("month", models.DateField()),
                ("part", models.PositiveSmallIntegerField()),
                ("file", models.CharField(max_length=200, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("dropped", "in the file alone"), ("restored", "in the table again")],
                        max_length=10,
                    ),
                ),
                ("fills", models.BigIntegerField()),
                ("volume", payouts.feed.models.Product(decimal_places=36, max_digits=96)),
                ("fees", payouts.feed.models.Product(decimal_places=36, max_digits=96)),
                ("size", models.BigIntegerField()),
                ("sha256", models.BinaryField()),
                ("archived_at", models.DateTimeField()),
                ("restored_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "archived month",
                "verbose_name_plural": "archived months",
                "db_table": "fill_archive",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("month", "part"), name="a_part_of_a_month_is_archived_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("restored_at", None), ("state", "dropped")),
                            models.Q(("restored_at__isnull", False), ("state", "restored")),
                            _connector="OR",
                        ),
                        name="a_restored_month_says_when",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FillArchiveTotal",
            fields=[
                ("fills", models.BigIntegerField()),
                ("volume", payouts.feed.models.Product(decimal_places=36, max_digits=96)),
                ("fees", payouts.feed.models.Product(decimal_places=36, max_digits=96)),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "archive_id",
                        "broker_code",
                        "market",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("broker_code", models.PositiveIntegerField()),
                ("market", models.TextField(choices=[("spot", "spot"), ("futures", "futures")])),
                (
                    "archive",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="totals",
                        to="payouts.fillarchive",
                    ),
                ),
            ],
            options={
                "db_table": "fill_archive_total",
            },
        ),
        migrations.RunSQL(
            _sql.finite("fill_archive", "volume", "fees")
            + _sql.finite("fill_archive_total", "volume", "fees")
            + _archive_sql.ARCHIVE,
            _archive_sql.UNDO,
        ),
    ]
