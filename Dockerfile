# The service, without the embedded PostgreSQL. Both stages start from the same base, so that the environment made in
# the first fits the second. Any base with Python 3.11 or later will do, if its python3 can make virtual environments.
ARG BASE=python:3.13-slim

FROM ${BASE} AS builder
WORKDIR /build
COPY requirements/build.txt requirements/production.txt requirements/
# pip stays in the builder: what runs in production can't install anything.
RUN python3 -m venv /opt/builder \
    && python3 -m venv --without-pip /opt/spil \
    && /opt/builder/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/build.txt \
    && /opt/builder/bin/pip --python /opt/spil/bin/python install --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary :all: -r requirements/production.txt
COPY pyproject.toml README.md LICENSE ./
COPY api api
COPY migrations migrations
RUN /opt/builder/bin/python -m hatchling build -t wheel \
    && /opt/builder/bin/pip --python /opt/spil/bin/python install --no-cache-dir --disable-pip-version-check \
        --no-index --no-deps dist/*.whl

FROM ${BASE}
LABEL org.opencontainers.image.title="Spil" \
      org.opencontainers.image.description="Who is involved with a family, who leads, and whom to call for what." \
      org.opencontainers.image.licenses="EUPL-1.2"
COPY --from=builder /opt/spil /opt/spil
ENV PATH=/opt/spil/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SPIL_ENVIRONMENT=production
# A number, so that a cluster that refuses root can see that this is not root. It owns no file in the image.
USER 10001:10001
WORKDIR /opt/spil
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["python3", "-I", "-c", "\
from urllib.request import ProxyHandler, build_opener; \
build_opener(ProxyHandler({})).open('http://127.0.0.1:8000/health/ready', timeout=4)"]
ENTRYPOINT ["spil"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
