"""The web process."""

import os
import warnings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
os.environ.setdefault("DATABASE_POOL", "True")

from django.core.asgi import get_asgi_application

from portal import frame
from portal.body_limit import LimitBody

# whitenoise hands static files over in pieces that Django gathers under ASGI: right for files this small.
warnings.filterwarnings("ignore", "StreamingHttpResponse must consume synchronous iterators", Warning)
frame.start_servers()

django_application = get_asgi_application()

from portal.metrics import sharing  # noqa: E402 - needs the registry of apps

sharing.start()

#: Bytes of one request: two documents of the largest size, and what their form says beside them.
MOST = 24 * 1024 * 1024

#: A push of fills brings 32 MB, and a little more so that the feed itself can say that it is too much.
MOST_OF_A_PUSH = 33 * 1024 * 1024

application = LimitBody(django_application, most=MOST, elsewhere={"/feed/v1/fills": MOST_OF_A_PUSH})
