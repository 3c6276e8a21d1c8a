"""The portal's addresses with those of the demo, as PORTAL_DEMO adds them."""

from django.urls import path

from portal.simulator import mailbox_page
from portal.urls import urlpatterns as _portal

urlpatterns = [
    *_portal,
    path("demo/mailbox/", mailbox_page.mailbox, name="demo_mailbox"),
    path("demo/mailbox/<str:name>/", mailbox_page.letter, name="demo_letter"),
]
