# One image for web, worker and beat; PostgreSQL and Valkey run elsewhere.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PORTAL_MODE=production DATA_DIR=/var/lib/broker-portal
WORKDIR /srv/portal

COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock

COPY manage.py pyproject.toml ./
COPY payouts payouts
COPY portal portal
COPY templates templates
COPY static static

RUN useradd --system --home-dir "$DATA_DIR" portal \
    && install --directory --owner=portal "$DATA_DIR" \
    # The values only satisfy the settings' checks while static files are gathered; none stays in the image.
    && random() { python -c 'import secrets; print(secrets.token_urlsafe(64))'; } \
    && key() { python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())'; } \
    && SECRET_KEY="$(random)" PSEUDONYM_KEY="$(random)" STATEMENT_KEY="$(key)" \
       ALLOWED_HOSTS=localhost DATABASE_URL=postgres://none BROKER_URL=redis://none \
       PORTAL_URL=https://localhost EMAIL_URL=smtps://localhost DEFAULT_FROM_EMAIL=a@localhost EXCHANGE_URL=https://localhost \
       EXCHANGE_PRIVATE_KEY="$(key)" \
       python manage.py collectstatic --noinput \
    && chown --recursive portal "$DATA_DIR"

USER portal
EXPOSE 8000
CMD ["uvicorn", "portal.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--proxy-headers", "--no-access-log"]
