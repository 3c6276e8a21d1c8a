"""The table of the cache that all processes share, so that rate limits count across them."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("portal", "0002_team")]

    operations = [
        migrations.RunSQL(
            "CREATE TABLE portal_cache (cache_key varchar(255) PRIMARY KEY,"
            " value text NOT NULL, expires timestamptz NOT NULL);"
            " CREATE INDEX portal_cache_expires ON portal_cache (expires);",
            "DROP TABLE portal_cache;",
        )
    ]
