# The image serves: it holds the serve group and one artifact, and nothing for training.
FROM python:3.11-slim AS build
WORKDIR /build
COPY serve.lock pyproject.toml README.md LICENSE ./
RUN python -m venv /opt/firebrand \
 && /opt/firebrand/bin/pip install --no-cache-dir --require-hashes -r serve.lock
COPY api api
COPY scoring scoring
RUN /opt/firebrand/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim
RUN useradd --uid 10001 --create-home --home-dir /var/lib/firebrand firebrand
COPY --from=build /opt/firebrand /opt/firebrand
COPY artifacts /srv/firebrand/artifacts
USER firebrand
WORKDIR /var/lib/firebrand
# The embedded store's data; with FIREBRAND_REDIS_URL set nothing is written here.
VOLUME /var/lib/firebrand
ENV PATH=/opt/firebrand/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    FIREBRAND_ARTIFACTS=/srv/firebrand/artifacts \
    FIREBRAND_STATE=/var/lib/firebrand
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=2s --start-period=10s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/readyz', timeout=1)"]
# Beyond its own machine the service asks for API keys: set FIREBRAND_API_KEYS.
CMD ["firebrand", "serve", "--host", "0.0.0.0", "--port", "8080"]
