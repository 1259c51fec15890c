# Esito in one image; the argument says which process it is (docs/CONTAINERS.md):
#   docker build --tag esito:0.1.0 .
#   docker run esito:0.1.0 workers verifier --provider pivot
# To pin the base image: --build-arg BASE=python:3.11-slim-bookworm@sha256:…
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN ["python", "-m", "venv", "--without-pip", "/opt/esito"]
RUN ["python", "-m", "venv", "/build/tools"]
COPY requirements.lock requirements.production.lock ./
# Wheels with the hashes of the lock, so nothing is compiled and nothing else gets in.
RUN python -m pip --python /opt/esito/bin/python install --quiet \
      --require-hashes --only-binary :all: --requirement requirements.production.lock
# What builds our own wheel comes from the lock too, and stays behind.
RUN sed -n -E '/^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/,/# via/p' \
      requirements.lock > tools.lock \
 && tools/bin/pip install --quiet --require-hashes --only-binary :all: --requirement tools.lock
COPY . .
RUN tools/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist . \
 && python -m pip --python /opt/esito/bin/python install --quiet --no-deps --no-index dist/*.whl

FROM ${BASE}
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Esito" \
      org.opencontainers.image.description="Signed callbacks in, trustworthy transaction-status events out." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="the Esito authors"
# The directories are the user's, and so are new volumes that are mounted there.
RUN groupadd --gid 10001 esito \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
      --shell /usr/sbin/nologin esito \
 && install -d -o 10001 -g 10001 -m 0750 /etc/esito/keys /var/lib/esito/attachments \
 && install -d -o 10001 -g 10001 -m 0755 /etc/esito/postgres
COPY --from=build /opt/esito /opt/esito
# Nobody outside the container could ask a process that listens on 127.0.0.1 whether it is well.
ENV PATH=/opt/esito/bin:$PATH \
    PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ESITO_CONFIGURATION=/etc/esito/esito.yaml \
    ESITO_MANAGEMENT_HOST=0.0.0.0 \
    ESITO_MANAGEMENT_PORT=9090
WORKDIR /
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["/opt/esito/bin/python", "-m", "ops.container", "health"]
ENTRYPOINT ["/opt/esito/bin/python", "-m", "ops.container"]
CMD ["--help"]
