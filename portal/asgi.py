"""The web process."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
os.environ.setdefault("DATABASE_POOL", "True")

from django.core.asgi import get_asgi_application

from portal import frame

frame.start_servers()

application = get_asgi_application()
