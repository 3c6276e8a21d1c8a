"""The feed's addresses, below `/feed/v1/`."""

from django.urls import URLPattern, URLResolver, path

from portal.api import views

FEED: list[URLPattern | URLResolver] = [
    path("codes", views.Codes.as_view(), name="feed_codes"),
    path("openapi.json", views.Schema.as_view(), name="feed_schema"),
]
