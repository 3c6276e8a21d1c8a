"""Puts our own site in the place of Django's admin site."""

from django.contrib.admin.apps import AdminConfig


class StaffConfig(AdminConfig):
    default_site = "portal.staff.site.StaffSite"
