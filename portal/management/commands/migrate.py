"""Django's `migrate`, run with the rights of the database's owner."""

from typing import Any

from django.core.management.commands.migrate import Command as DjangoMigrate

from portal import migrated


class Command(DjangoMigrate):
    def handle(self, *args: Any, **options: Any) -> None:
        with migrated.as_owner(options["database"]):
            super().handle(*args, **options)
