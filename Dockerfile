# Any image with Airflow 3.3 serves: --build-arg BASE_IMAGE=...
ARG BASE_IMAGE=apache/airflow:3.3.2-python3.12
FROM ${BASE_IMAGE}

USER root
COPY packages.txt /tmp/packages.txt
RUN if grep -qv '^ *#' /tmp/packages.txt; then \
        apt-get update \
        && grep -v '^ *#' /tmp/packages.txt | xargs -r apt-get install -y --no-install-recommends \
        && rm -rf /var/lib/apt/lists/*; \
    fi

USER 50000
COPY --chown=50000:0 requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --require-hashes -r /tmp/requirements.txt
COPY --chown=50000:0 dags /opt/airflow/dags
COPY --chown=50000:0 plugins /opt/airflow/plugins
COPY --chown=50000:0 include /opt/airflow/include
