"""The program `k8s-inventory-cloudquery`: serves the source plugin over gRPC until a signal ends it.

The protocol: https://github.com/cloudquery/plugin-pb/blob/main/plugin-v3/plugin.proto. It is served without CloudQuery's
Python SDK, which takes 60 MB, ignores `--network` and lacks TestConnection (docs/decisions).
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent import futures
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NoReturn

import grpc
import pyarrow as pa
from cloudquery.discovery_v1 import discovery_pb2, discovery_pb2_grpc
from cloudquery.plugin_v3 import plugin_pb2, plugin_pb2_grpc
from cloudquery.plugin_v3.arrow import record_to_bytes, schema_to_bytes

from k8s_inventory import __version__
from k8s_inventory.cloudquery import tables
from k8s_inventory.cloudquery.source import BadInput, Source, json_schema

log = logging.getLogger(__name__)

_LONGEST_MESSAGE = 4000
"""Characters of an error: it travels in HTTP/2 headers, of which gRPC takes 8 KiB."""


class PluginServicer(plugin_pb2_grpc.PluginServicer):
    """CloudQuery's plugin protocol, version 3, as far as a source has to speak it."""

    def __init__(self) -> None:
        self._source: Source | None = None
        self.stopped = threading.Event()

    def GetName(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.GetName.Response(name="k8s-inventory")

    def GetVersion(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.GetVersion.Response(version=f"v{__version__}")

    def GetSpecSchema(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.GetSpecSchema.Response(json_schema=json.dumps(json_schema()))

    def Init(self, request: Any, context: grpc.ServicerContext) -> Any:
        run_id = f"cloudquery__{request.invocation_id}" if request.invocation_id else ""
        try:
            self._source = Source(request.spec, run_id=run_id, offline=request.no_connection)
        except BadInput as error:
            _refuse(context, error)
        return plugin_pb2.Init.Response()

    def GetTables(self, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            kinds = self._initialized(context).kinds(request.tables, request.skip_tables)
        except BadInput as error:
            _refuse(context, error)
        return plugin_pb2.GetTables.Response(tables=[schema_to_bytes(tables.schema(kind)) for kind in kinds])

    def TestConnection(self, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            problem = Source(request.spec).test_connection()
        except BadInput as error:
            return plugin_pb2.TestConnection.Response(
                success=False, failure_code="INVALID_SPEC", failure_description=str(error)
            )
        if problem:
            return plugin_pb2.TestConnection.Response(
                success=False, failure_code="UNREACHABLE", failure_description=problem
            )
        return plugin_pb2.TestConnection.Response(success=True)

    def Sync(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """Sends the tables, then each target that is complete; ends in an error if one was not.

        An error, and not a message about it: only that keeps the CLI from deleting what this sync did not bring.
        """
        stopped = threading.Event()
        if not context.add_callback(stopped.set):
            return
        source = self._initialized(context)
        problems = []
        try:
            kinds = source.kinds(request.tables, request.skip_tables)
            for kind in kinds:
                yield _migrate(kind)
            for target in source.read(kinds, _either(stopped, self.stopped)):
                if target.problem is not None:
                    log.error("%s · %s: %s", target.context_name, target.kind.name, target.problem)
                    problems.append(f"{target.context_name} · {target.kind.name}: {target.problem}")
                    continue
                for batch in target.spool.batches():
                    yield _insert(batch)
                target.spool.close()
        except BadInput as error:
            _refuse(context, error)
        if problems:
            for kind in kinds:
                yield _migrate(kind)
            context.abort(grpc.StatusCode.ABORTED, _summary(problems))

    def Close(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._source = None
        return plugin_pb2.Close.Response()

    def _initialized(self, context: grpc.ServicerContext) -> Source:
        if self._source is None:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "Init must come first")
        assert self._source is not None
        return self._source
