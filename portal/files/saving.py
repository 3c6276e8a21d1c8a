"""Hands out what people uploaded: as a file to save, never as a page of ours."""

from django.http import HttpResponse
from django.utils.http import content_disposition_header


def to_save(*, name: str, media_type: str, content: bytes) -> HttpResponse:
    """A file that a browser saves; whatever it holds, it runs nothing and stays in no cache."""
    return HttpResponse(
        content,
        content_type=media_type,
        headers={
            "Content-Disposition": content_disposition_header(True, name) or "attachment",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store, private",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )
