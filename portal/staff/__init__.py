"""The staff site: Django's admin as windows and buttons over queries and actions."""
