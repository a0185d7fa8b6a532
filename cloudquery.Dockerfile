# The CloudQuery source plugin as an image, for `registry: docker`:
#
#   docker build --file cloudquery.Dockerfile --tag k8s-inventory-cloudquery .
FROM python:3.12-slim AS build
RUN pip install --no-cache-dir build
COPY pyproject.toml README.md CHANGELOG.md LICENSE /src/
COPY plugins /src/plugins
COPY include /src/include
RUN python -m build --wheel --outdir /dist /src

FROM python:3.12-slim
COPY requirements-dev.txt /tmp/locked.txt
COPY --from=build /dist /dist
RUN sed 's/ *\\$//; /^ *--hash/d; /^ *#/d' /tmp/locked.txt > /tmp/constraints.txt \
    && pip install --no-cache-dir --constraint /tmp/constraints.txt "$(ls /dist/*.whl)[cloudquery]" \
    && rm -rf /dist /tmp/locked.txt /tmp/constraints.txt
USER 65532
ENV PYTHONUNBUFFERED=1
EXPOSE 7777
ENTRYPOINT ["k8s-inventory-cloudquery"]
CMD ["serve", "--address", "[::]:7777", "--log-format", "json"]
