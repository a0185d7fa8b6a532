"""How a kind is declared.

A path leads into the object as the API server sends it: `spec.nodeName`, `spec.containers[].image`.
`[]` steps into each element of a list. `?` after a step says that its absence means something
(`state.terminated?.exitCode`): what is computed then finds None there. A path in `needs` ends in the type
of its value where that is no text: `:integer`, `:boolean`, `:timestamptz`, `:jsonb`, `:text[]`. A column of
type numeric holds a quantity in its base unit (cores, bytes, pieces); the object has it as text.

A column with `of_kind` holds that attribute of the kind itself, for kinds that share a table.

What is no plain field is computed, by a pure function that stands beside the kind. It is given the decoded object: the
attributes that its `needs` name in snake case, JSON as raw bytes (of a column with a path: the value there).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from k8s_inventory.kinds.paths import ApiPath, group_path
from k8s_inventory.kinds.values import array_or_empty, object_or_empty, stored_name

SqlType = Literal["text", "integer", "bigint", "numeric", "boolean", "timestamptz", "jsonb", "text[]"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One typed column: the value at `path`, or what `compute` makes of it or of the column's `needs`.

    Columns that name the same function, and each a `part` of its result, share one call for an object. Raise `version`
    when `compute` makes something else of the same object than before: the rows of the kind are then written anew.
    `default` stands where the object has nothing there, by what Kubernetes says that this means. A function that is
    `keyed` is given the key of the setting `digest_key` first, or None.
    """

    name: str
    type: SqlType = "text"
    path: str | None = None
    of_kind: str | None = None
    needs: tuple[str, ...] = ()
    compute: Callable[..., Any] | None = None
    part: str | None = None
    keyed: bool = False
    version: int = 1
    default: bool | int | None = None
    required: bool = False
    description: str

    def __post_init__(self) -> None:
        if [self.path is None, not self.needs, self.of_kind is None].count(False) != 1:
            raise ValueError(f"column {self.name}: give either a path, needs, or of_kind")
        if self.needs and self.compute is None:
            raise ValueError(f"column {self.name}: needs without a function that computes it")

    @property
    def is_as_read(self) -> bool:
        """Whether it holds what stands at its path, and takes any text that somebody puts there."""
        return self.compute in (None, object_or_empty, array_or_empty)

    @property
    def is_array(self) -> bool:
        """Whether it is JSON that is an array in every row."""
        return self.compute is array_or_empty

    @property
    def signature(self) -> tuple[Any, ...]:
        """All of the declaration that changes what a row holds."""
        computed = (self.compute is not None, self.part, self.version)
        return (self.name, self.type, self.path, self.of_kind, self.needs, computed, self.default, self.required)


LONGEST_PATH = 1000
"""Characters of a JSONPath. A CRD may hold longer ones; none that means something does."""

LONGEST_COLUMN_NAME = 253


@dataclass(frozen=True)
class PrinterColumn:
    """One of a CRD's `additionalPrinterColumns`; `type` is that of OpenAPI, or `date`."""

    name: str
    type: str
    json_path: str


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A resource kind: where the API serves it, and the table that holds it.

    `rest` are the fields that a row keeps whole: `spec` and `status`, where it has them, and `data`, which stands for
    all other fields of the object but its metadata. `redacted_env` are the paths to lists of containers whose literal
    environment values are redacted, `redacted_values` the maps whose values are.

    `long_names` says that the API server bounds no name; those of other kinds have 253 characters at the most.

    `raw_json` says that objects hold JSON which the API server passes on as it was given (a `RawExtension`).

    `table_cells`, where there are any, are all that is ever asked for of an object beside its metadata: cells of the
    API server's `Table`, by the column's name there, and the field that stands for each in a path.

    `noise` are paths at which a difference is no change to people, such as heartbeats: the history leaves it out, and
    of kinds without `has_history` all. `kept_in`, where there is one, is the table that rows go to when
    their objects do.

    `shared_by` are the columns, each `of_kind`, by which kinds that share a table are told apart in it. `listed_as` is
    the kind of its lists, where that is another than `<kind>List`. `revision` changes when the definition of a custom
    kind does: its objects may then read otherwise, at the same resourceVersion. `held_back`, where it is not empty,
    says why the kind must not be read now.
    """

    name: str
    kind: str
    plural: str
    table: str
    group: str = ""
    versions: tuple[str, ...] = ("v1",)
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    description: str
    typed_columns: tuple[Column, ...]
    rest: tuple[str, ...] = ("spec", "status")
    redacted_env: tuple[str, ...] = ()
    redacted_values: tuple[str, ...] = ()
    long_names: bool = False
    raw_json: bool = False
    table_cells: tuple[tuple[str, str], ...] = ()
    noise: tuple[str, ...] = ()
    has_history: bool = True
    kept_in: str = ""
    shared_by: tuple[str, ...] = ()
    listed_as: str = ""
    printer_columns: tuple[PrinterColumn, ...] = ()
    revision: str = ""
    held_back: str = field(default="", repr=False)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Every column that comes from the object; `context_name`, which does not, stands before them."""
        metadata = _LONG_NAMED if self.long_names else METADATA_COLUMNS
        return (*metadata, DELETION_GRACE, *self.typed_columns, *(_REST_COLUMNS[name] for name in self.rest))

    @property
    def kept(self) -> Kind:
        """The same kind, in the table of those that are gone."""
        return replace(self, table=self.kept_in, kept_in="")

    @property
    def signature(self) -> tuple[Any, ...]:
        """All of the declaration that changes what a row holds, or that tells whose rows they are."""
        columns = tuple(column.signature for column in self.columns)
        printed = tuple((each.name, each.type, each.json_path) for each in self.printer_columns)
        redacted = (self.redacted_env, self.redacted_values)
        whose = (self.group, self.plural, self.kind, self.version, self.revision)
        return (*whose, columns, self.rest, redacted, self.raw_json, self.table_cells, self.shared_by, printed)

    @property
    def aliases(self) -> tuple[str, ...]:
        qualified = (f"{self.plural}.{self.group}",) if self.group else ()
        names = (self.name, self.plural, self.kind.lower(), *self.short_names, *qualified)
        return tuple(dict.fromkeys(names))

    @property
    def list_kind(self) -> str:
        return self.listed_as or f"{self.kind}List"

    @property
    def version(self) -> str:
        """The version of the group to read, if it can be had."""
        return self.versions[0]

    def api_version(self, version: str) -> str:
        """What objects of this version of the group name as their `apiVersion`."""
        return f"{self.group}/{version}" if self.group else version

    def list_path(self, version: str, namespace: str | None = None) -> ApiPath:
        """The path of the list in this version of the group: cluster-wide, or of one namespace."""
        return group_path(self.group, version, *_inside(namespace), self.plural)

    def object_path(self, version: str, namespace: str | None, name: str) -> ApiPath:
        """The path of one object in this version of the group; `namespace` is None where it has none."""
        return group_path(self.group, version, *_inside(namespace), self.plural, name)


def _inside(namespace: str | None) -> tuple[str, ...]:
    return () if namespace is None else ("namespaces", namespace)


METADATA_COLUMNS = (
    Column(name="uid", path="metadata.uid", required=True, description="Unique identifier of the object."),
    Column(
        name="name",
        path="metadata.name",
        compute=stored_name,
        required=True,
        description="Name of the object; of one with more than 500 characters the beginning, and U+FFFD.",
    ),
    Column(name="namespace", path="metadata.namespace", description="Namespace; null for cluster-scoped objects."),
    Column(
        name="created_at",
        type="timestamptz",
        path="metadata.creationTimestamp",
        description="When the API server created the object.",
    ),
    Column(
        name="deletion_requested_at",
        type="timestamptz",
        path="metadata.deletionTimestamp",
        description="When the object is (or was) due to be deleted; null unless deletion was requested.",
    ),
    Column(
        name="resource_version",
        path="metadata.resourceVersion",
        required=True,
        description="Version of the object, changed by every write.",
    ),
    Column(
        name="generation",
        type="bigint",
        path="metadata.generation",
        description="Generation of the desired state, where the kind has one.",
    ),
    Column(
        name="api_version",
        path="apiVersion",
        required=True,
        description="Group and version that the object was read in.",
    ),
    Column(
        name="labels",
        type="jsonb",
        path="metadata.labels",
        compute=object_or_empty,
        required=True,
        description="Labels; an empty object where there are none.",
    ),
    Column(
        name="annotations",
        type="jsonb",
        path="metadata.annotations",
        compute=object_or_empty,
        required=True,
        description="Annotations, without kubectl.kubernetes.io/last-applied-configuration and copies of objects.",
    ),
    Column(
        name="owner_references",
        type="jsonb",
        path="metadata.ownerReferences",
        compute=array_or_empty,
        required=True,
        description="Owners of the object; an empty array where there are none.",
    ),
    Column(
        name="finalizers",
        type="text[]",
        path="metadata.finalizers",
        required=True,
        description="Finalizers that must be cleared before the object is removed.",
    ),
)

_LONG_NAMED = tuple(
    replace(each, compute=None, description="Name of the object.") if each.name == "name" else each
    for each in METADATA_COLUMNS
)

DELETION_GRACE = Column(
    name="deletion_grace_period_seconds",
    type="bigint",
    path="metadata.deletionGracePeriodSeconds",
    description="Seconds that the object has (or had) to end by itself; null unless deletion was requested.",
)
"""Of every table, but of no view over several: a view of a user's on those may hold their columns fast."""

_REST_COLUMNS = {
    "spec": Column(name="spec", type="jsonb", path="spec", description="The whole desired state."),
    "status": Column(name="status", type="jsonb", path="status", description="The whole observed state."),
    "data": Column(
        name="data",
        type="jsonb",
        path="data",
        description="All other fields of the object but its metadata, kind and apiVersion.",
    ),
}
