"""The feed's addresses, below `/feed/v1/`."""

from django.urls import URLPattern, URLResolver, path

from portal.api import fills, views

FEED: list[URLPattern | URLResolver] = [
    path("codes", views.Codes.as_view(), name="feed_codes"),
    path("fills", fills.Fills.as_view(), name="feed_fills"),
    path("fills/watermark", fills.FillsWatermark.as_view(), name="feed_watermark"),
    path("openapi.json", views.Schema.as_view(), name="feed_schema"),
]
