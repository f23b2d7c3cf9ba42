# One image for every service; the command chooses which: `docker run catalyst scanner`.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PIP_CACHE_DIR=/var/cache/pip

RUN useradd --uid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin catalyst

# For the operator's `docker exec catalyst-workflow curl ...`; the services do not use it.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends curl && rm -rf /var/lib/apt/lists/*

WORKDIR /app

# The packages change seldom, the code often: two layers, the slow one first.
COPY requirements/services.txt requirements/cli.txt requirements/
RUN --mount=type=cache,target=/var/cache/pip \
    pip install --quiet --require-hashes -r requirements/services.txt -r requirements/cli.txt

RUN mkdir logs tape state && chown catalyst:catalyst logs tape state

COPY config config
COPY shared shared
COPY database database
COPY services services
COPY scripts scripts

USER catalyst
EXPOSE 5000-5010 5020
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "services"]
CMD ["all"]
