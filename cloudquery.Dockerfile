# The CloudQuery source plugin as an image, for `registry: docker`:
#
#   docker build --file cloudquery.Dockerfile --tag k8s-inventory-cloudquery .
FROM python:3.12-slim
COPY requirements-cloudquery.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --require-hashes -r /tmp/requirements.txt && rm /tmp/requirements.txt
COPY plugins/k8s_inventory /opt/k8s-inventory/k8s_inventory
COPY include/sql /opt/k8s-inventory/k8s_inventory/sql
ENV PYTHONPATH=/opt/k8s-inventory PYTHONUNBUFFERED=1
RUN python -m compileall -q /opt/k8s-inventory
USER 65532
EXPOSE 7777
ENTRYPOINT ["python", "-m", "k8s_inventory.cloudquery.serve"]
# On TCP, which the CLI asks for: a socket would stay in the container. Whoever reaches the port may use the plugin.
CMD ["serve", "--network", "tcp", "--address", "[::]:7777", "--log-format", "json"]
