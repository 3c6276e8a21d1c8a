"""Opens the windows of the staff site: Django looks for them here."""

from portal.staff import applications, brokers, letters, logins

__all__ = ["applications", "brokers", "letters", "logins"]
