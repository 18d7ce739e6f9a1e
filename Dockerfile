# syntax=docker/dockerfile:1
# BASE needs Python 3.11 or later at the same path in both stages; a shell and pip are needed to build only.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements-build.lock \
 && python -m venv --without-pip /opt/kafka-lambda-sink \
 && /opt/build/bin/pip --python /opt/kafka-lambda-sink install --no-cache-dir --only-binary :all: --require-hashes \
    -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY kafka_lambda_sink kafka_lambda_sink
COPY config/sink.properties config/
COPY examples/orders/handler.py examples/orders/
RUN /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/build/bin/pip --python /opt/kafka-lambda-sink install --no-cache-dir --no-deps --no-index /wheels/*.whl

FROM ${BASE}
ENV PATH=/opt/kafka-lambda-sink/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
COPY --from=build /opt/kafka-lambda-sink /opt/kafka-lambda-sink
USER 65532:65532
WORKDIR /etc/kafka-lambda-sink
ENTRYPOINT ["kafka-lambda-sink"]
CMD ["--config", "sink.properties"]
