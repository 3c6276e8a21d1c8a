"""One settings file for every place the portal runs in; what must not start so raises here."""

from pathlib import Path

import pghistory
import plotly
from csp.constants import NONCE, NONE, SELF

from portal import embedded, env, quiet_logs, schedule

BASE_DIR = Path(__file__).resolve().parent.parent
MODE = env.one_of("PORTAL_MODE", ("development", "production"), default="development")
IN_PRODUCTION = MODE == "production"
DATA_DIR = embedded.data_dir()

# -- what must not start so -------------------------------------------------------------------

DEBUG = env.flag("DEBUG", default=False)
TIME_ZONE = env.text("TIME_ZONE", "UTC")
USE_TZ = True
SECRET_KEY = env.text("SECRET_KEY")
DATABASE_URL = env.text("DATABASE_URL")
DATABASE_OWNER_URL = env.text("DATABASE_OWNER_URL")
BROKER_URL = env.text("BROKER_URL")
_pseudonym_key = env.text("PSEUDONYM_KEY")
_statement_key = env.text("STATEMENT_KEY")

if TIME_ZONE != "UTC":
    env.refuse("TIME_ZONE must be UTC: months begin and end in UTC")
if IN_PRODUCTION:
    if DEBUG:
        env.refuse("DEBUG must be off in production: set DEBUG=False")
    if not SECRET_KEY:
        env.refuse("SECRET_KEY is not set: production needs one of at least 50 random characters")
    if len(SECRET_KEY) < 50:
        env.refuse("SECRET_KEY is too short: production needs at least 50 random characters")
    if len(_pseudonym_key) < 32:
        env.refuse("PSEUDONYM_KEY must have at least 32 random characters and never change again")
    if not _statement_key:
        env.refuse("STATEMENT_KEY is not set: statements are signed with its 32 secret bytes in base64")
    if not DATABASE_URL:
        env.refuse("DATABASE_URL is not set: production does not start the embedded PostgreSQL")
    if not BROKER_URL:
        env.refuse("BROKER_URL is not set: production does not start the embedded Valkey")
    if not env.words("ALLOWED_HOSTS"):
        env.refuse("ALLOWED_HOSTS is not set: name the hosts of the portal, separated by commas")
    for _name, _what in (
        ("PORTAL_URL", "the links in letters begin with it, like https://brokers.example.com"),
        ("EMAIL_URL", "letters leave by it, like smtps://name:password@mail.example.com:465"),
        ("DEFAULT_FROM_EMAIL", "letters come from it, like Brokers <brokers@example.com>"),
        ("EXCHANGE_URL", "accounts are looked up there, like https://api.exchange.example"),
        ("EXCHANGE_PRIVATE_KEY", "questions to the exchange are signed with it"),
    ):
        if not env.text(_name):
            env.refuse(f"{_name} is not set: {_what}")
    if env.flag("PORTAL_DEMO", default=False):
        env.refuse("PORTAL_DEMO must not be set in production: it shows the demo's codes and letters")
    if env.text("CRASH_POINT"):
        env.refuse("CRASH_POINT must not be set in production: it kills the process on purpose")

# -- servers ----------------------------------------------------------------------------------

EMBEDDED_POSTGRES = not DATABASE_URL
EMBEDDED_VALKEY = not BROKER_URL
if EMBEDDED_POSTGRES or EMBEDDED_VALKEY:
    _own = embedded.addresses(DATA_DIR)
    if EMBEDDED_POSTGRES:
        DATABASE_URL, DATABASE_OWNER_URL = _own.database_url, _own.database_owner_url
    BROKER_URL = BROKER_URL or _own.broker_url
SECRET_KEY = SECRET_KEY or env.kept_secret(DATA_DIR / "secret_key")
#: Makes the pseudonyms of traders; it never rotates, or statements would name the same trader anew.
PSEUDONYM_KEY = (_pseudonym_key or env.kept_secret(DATA_DIR / "pseudonym_key")).encode()
#: Signs statements. Another key may follow it at any time: the public halves of all stay published.
STATEMENT_KEY = env.signing_key(
    "STATEMENT_KEY", _statement_key or env.kept_secret(DATA_DIR / "statement_key", make=env.new_signing_key)
)

DATABASES = {"default": env.database("DATABASE_URL", DATABASE_URL)}
DATABASES["default"]["OPTIONS"] = {**DATABASES["default"].get("OPTIONS", {}), "application_name": "portal"}
if env.flag("DATABASE_POOL", default=False):  # set by the web process: many short requests
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": 10,
        "timeout": 5,
        "reconnect_timeout": 2,  # then whoever asks next tries at once, instead of waiting ever longer
    }
    # A connection that died in the pool is found out before a request gets it.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
#: Whose rights `migrate` uses; everything else runs as the application's role.
DATABASE_OWNER = env.database("DATABASE_OWNER_URL", DATABASE_OWNER_URL or DATABASE_URL)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    # One cache that all processes share: rate limits must count across them.
    "default": {
        "BACKEND": "portal.accounts.shared_cache.SharedCache",
        "LOCATION": "portal_cache",
    }
}

CELERY_BROKER_URL = BROKER_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    # A killed worker's task is back after seconds instead of minutes.
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_BEAT_SCHEDULE = schedule.ENTRIES
#: The same as pages show it, with what each entry does.
TIMETABLE = schedule.TIMETABLE
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")

#: Modules with invariants of the books (`INVARIANTS`), beside the engine's own.
BOOKS = ["portal.books"]

# -- the site ---------------------------------------------------------------------------------

ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
ROOT_URLCONF = "portal.urls"
ASGI_APPLICATION = "portal.asgi.application"
WSGI_APPLICATION = "portal.wsgi.application"
INSTALLED_APPS = [
    "portal",
    "payouts",
    "portal.staff.apps.StaffConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "rest_framework",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "pgtrigger",
    "pghistory",
]
MIDDLEWARE = [
    "portal.metrics.requests.Measure",
    "portal.health.first.AnswerFirst",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.headers.KeepNothing",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.accounts.sessions.KeepSessions",
    "portal.accounts.resuming.ResumeHereOnly",
    "portal.recording.RecordWho",
    "portal.access.RequireMfa",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    }
]
# A file beyond its limit is not kept, however much of it is sent; forms hold little text.
FILE_UPLOAD_HANDLERS = [
    "portal.files.uploads.Bounded",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
DATA_UPLOAD_MAX_NUMBER_FILES = 20
LANGUAGE_CODE = "en"
USE_I18N = True
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    # plotly.min.js comes from plotly's own wheel, never from a copy in the repository.
    ("plotly", Path(plotly.__file__).parent / "package_data"),
]
STATICFILES_IGNORE_PATTERNS = ["datasets", "templates", "widgetbundle.js"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if IN_PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
# In development files are served from where they lie, as they are at that moment.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not IN_PRODUCTION

# -- logins -----------------------------------------------------------------------------------

AUTH_USER_MODEL = "portal.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "portal.accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_FORMS = {
    "signup": "portal.accounts.forms.SignUp",
    "reset_password": "portal.accounts.forms.ResetPassword",
    "add_email": "portal.accounts.forms.ChangeAddress",
}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_SESSION_REMEMBER = False
MFA_ADAPTER = "portal.accounts.mfa_adapter.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_FORMS = {
    "authenticate": "portal.accounts.forms.AuthenticateCode",
    "reauthenticate": "portal.accounts.forms.ReauthenticateCode",
    "activate_totp": "portal.accounts.forms.ActivateTotp",
    "add_webauthn": "portal.accounts.forms.AddPasskey",
    "edit_webauthn": "portal.accounts.forms.EditPasskey",
}
# Nobody logs in with an address that is not confirmed; the one a login changes to may wait.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "Backpack broker portal"
MFA_TOTP_TOLERANCE = 1
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not IN_PRODUCTION  # http://localhost is no https
USERSESSIONS_TRACK_ACTIVITY = True
# Whose address it is says the connection, not a header that strangers can write (uvicorn --proxy-headers).
ALLAUTH_TRUSTED_PROXY_COUNT = 0
PASSWORD_RESET_TIMEOUT = 24 * 3600
SESSION_COOKIE_AGE = 12 * 3600  # without use
SESSION_LONGEST_AGE = 7 * 24 * 3600  # with use
SESSION_SEEN_EVERY = 300
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
DEVICE_COOKIE_NAME = "__Host-device" if IN_PRODUCTION else "device"
RESUME_COOKIE_NAME = "__Host-resume" if IN_PRODUCTION else "resume"

# -- letters ----------------------------------------------------------------------------------

#: Shows the demo's running codes and its letters to whoever can open the page.
DEMO = env.flag("PORTAL_DEMO", default=False)
#: Where the portal is; links in letters begin with it, never with what a request claims.
PORTAL_URL = env.web_address(
    "PORTAL_URL", env.text("PORTAL_URL") or "http://localhost:8000", secure=IN_PRODUCTION
)
DEFAULT_FROM_EMAIL = env.sender(
    "DEFAULT_FROM_EMAIL", env.text("DEFAULT_FROM_EMAIL") or "Backpack broker portal <brokers@localhost>"
)
EMAIL_TIMEOUT = 10
EMAIL_URL = env.text("EMAIL_URL")
if EMAIL_URL:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    # Certificates are verified, and their names: `EMAIL_SSL_*` must stay unset, they would replace that.
    _mail = env.mail_server("EMAIL_URL", EMAIL_URL, secure=IN_PRODUCTION)
    EMAIL_HOST, EMAIL_PORT = _mail.host, _mail.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.user, _mail.password
    EMAIL_USE_SSL, EMAIL_USE_TLS = _mail.tls == "at once", _mail.tls == "after STARTTLS"
else:
    # The mailbox of a developer's machine: one file a letter.
    EMAIL_BACKEND = "portal.letters.mailbox.MailboxBackend"
    EMAIL_FILE_PATH = str(DATA_DIR / "mailbox")
#: Makes the secret links of letters, by the kind of link, when the letter is sent.
LETTER_LINKS = {
    "confirm": "portal.accounts.links.confirm",
    "reset": "portal.accounts.links.reset",
    "invite": "portal.team.links.invite",
}
#: Makes the files that go with letters, by the kind of attachment, when the letter is sent.
LETTER_ATTACHMENTS = {"statement": "portal.statements.attachments.statement"}
#: Says of a letter on a topic, when it is sent, whether it is still wanted and how it is stopped.
LETTER_UNSUBSCRIBE = "portal.preferences.links.unsubscribe"

# -- the exchange -----------------------------------------------------------------------------

#: Where accounts are looked up. In development it may be unset: then the exchange is never available.
EXCHANGE_URL = env.text("EXCHANGE_URL")
#: The ED25519 key that signs our questions: its 32 secret bytes in base64.
EXCHANGE_PRIVATE_KEY = env.text("EXCHANGE_PRIVATE_KEY")
if bool(EXCHANGE_URL) != bool(EXCHANGE_PRIVATE_KEY):
    env.refuse("EXCHANGE_URL and EXCHANGE_PRIVATE_KEY go together: set both, or none")
if EXCHANGE_URL:
    EXCHANGE_URL = env.web_address("EXCHANGE_URL", EXCHANGE_URL, secure=IN_PRODUCTION)
    EXCHANGE_PRIVATE_KEY = env.signing_key("EXCHANGE_PRIVATE_KEY", EXCHANGE_PRIVATE_KEY)

# -- what is recorded of changes --------------------------------------------------------------

# Who, why, from where stand in each row of history itself: a shared row would have to be rewritable.
PGHISTORY_CONTEXT_FIELD = pghistory.ContextJSONField()
PGHISTORY_CONTEXT_ID_FIELD = pghistory.ContextUUIDField()

# -- what a browser may do --------------------------------------------------------------------

#: The hash of an empty style element: plotly makes one before it fills it (DESIGN: measured).
_EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "style-src-elem": [SELF, NONCE, _EMPTY_STYLE],
        "style-src-attr": ["'unsafe-inline'"],  # plotly sets style attributes; they carry no script
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
CSRF_FAILURE_VIEW = "portal.api.errors.csrf_failure"
DEFAULT_EXCEPTION_REPORTER = "portal.api.errors.Reporter"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
if IN_PRODUCTION:
    SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"

REST_FRAMEWORK: dict[str, object] = {
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],  # each view names its own; without one it is closed
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "portal.api.errors.answer",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS: dict[str, object] = {
    "TITLE": "Backpack broker portal: the exchange's feed",
    "DESCRIPTION": "What the exchange's own systems ask of the broker portal.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "PREPROCESSING_HOOKS": ["portal.api.schema.only_feed"],
    "COMPONENT_NO_READ_ONLY_REQUIRED": True,
}

LOGGING = quiet_logs.from_environment(in_production=IN_PRODUCTION)
#: Where the processes of a host put what they count, for whichever of them `/metrics` asks.
METRICS_DIR = Path(env.text("METRICS_DIR") or DATA_DIR / "metrics")
#: Where the fills of archived months lie, as Parquet.
ARCHIVE_DIR = Path(env.text("ARCHIVE_DIR") or DATA_DIR / "archive")
