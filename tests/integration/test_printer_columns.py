"""Printer columns are the cells of the API server's own Table, whatever path a CRD has: cell by cell, of thousands."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from k8s_inventory.collector.jsonpath import JSONPathError
from k8s_inventory.collector.printer_paths import compile_cell
from k8s_inventory.collector.printing import Printer, PrinterBounds
from k8s_inventory.kinds import PrinterColumn
from tests.cluster import Cluster
from tests.cluster.cluster import Object
from tests.cluster.objects import crd
from tests.equality import TABLE

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SORTS = ("string", "integer", "number", "boolean")
BOUNDS = PrinterBounds(columns=10_000, values=10_000_000, bytes=1 << 26)
PER_CRD = 400

SPEC: Object = {
    "name": "not the object's",
    "servers": [
        {"hosts": ["foo.example.com", "bar.example.com"], "meta": {"kind": "core"}},
        {"hosts": ["baz.example.com"], "meta": {"kind": "edge"}},
    ],
    "float": 1234567.5,
    "floats": [0.5, 1e25, 0.0000123, 1e20, 123456.75, 0.00001, 1e-7, -2.5, 1e21, 5e-324, 100000.5, 1e-9, -1.5e-10],
    "size": 3,
    "html": "a<b>&c",
    "htmlMap": {"k": 'a<b>&c\b\f\u2028\u007f\u0001"\\/é😀', "n": 1.0, "z": None, "f": [1e25, 1e-7, 0.1], "1": "2.50"},
    "nothing": None,
    "emptyList": [],
    "emptyText": "",
    "emptyMap": {},
    "map": {"x": {"on": True, "v": "one"}},
    "ports": [
        {"name": "a", "port": 80, "alias": "b", "at": [1]},
        {"name": "x)]y", "port": 443, "tls": True, "alias": "x)]y", "at": None},
    ],
    "mixed": [{"status": "first"}, {"type": 7, "status": "second"}, {"type": "Ready", "status": "third"}],
    "tail": [{"type": "Ready", "status": "first"}, {"status": "second"}, {"type": 1.5}],
    "nulls": [None, {"a": None}, {"a": 1}],
    "nested": [[1, 2], [3, [4, 5]], []],
    "list": ["a", "b", "c", "d"],
    "numbers": [1, 2.5, 9223372036854775807, -9223372036854775808, 9007199254740993, 1e300, -0.0],
    "flags": [True, False, "true"],
    "down": {"deeper": {"deepest": "found"}},
    "a": {"b/c": "by two names"},
    "a.b/c": "slash",
    "with-dash": "dash",
    "$ref": "ref",
    "ünï": "uni",
    "at@b": "at",
    "x": 1,
    "quote'd": "quoted",
    "date": "2026-01-01T00:00:00Z",
    "boolText": "true",
    "intText": "7",
    "one": {"a": 2},
}

_PATHS = r"""
.spec.name|.spec.servers[*].hosts|.spec.float|.spec.size|.spec.html|.spec.htmlMap|.spec.nothing|.spec.emptyList|.spec.date
.spec.map[?(@.on==true)].v|.spec.ports[?(@.port==80)].name|.spec.ports[?(@.port==80.0)].name|.spec.big|.spec.boolText
.spec.ports[?(@.name!="a")].port|.spec.ports[?(@.port>100)].name|.spec.mixed[?(@.type=="Ready")].status|.spec.intText
.spec.ports[?(@.tls)].name|.spec.ports[?(@.name=="x)]y")].port|.spec.ports[?(@.name==@.alias)].port|.spec.emptyMap
.spec.ports[?( @.name == 'a' )].port|.spec.servers[?(@.meta.kind=="edge")].hosts[0]|.spec.list[-1]|.spec.list[1:3]
.spec.servers[?(@.hosts[*]=="bar.example.com")].meta.kind|.spec.list[-2:]|.spec.list[::2]|.spec.list[9]|..deepest
.spec['a.b/c']|.spec.a\.b/c|.spec.with-dash|.spec.$ref|.spec.ünï|.spec.at@b|.|.kind|.apiVersion|.metadata.generation
.metadata.creationTimestamp|.spec.one.*|.spec['x','size']|.spec.size.|.spec.list[]|.spec.list[-9]|.spec.list[1:9]
.spec.list[3:1]|.spec.list[2:2]|.spec.list[::0]|.spec.list[::-1]|.spec.list[-1:-3]|.spec.list[0,2]|.spec.emptyList[*]
.spec.emptyList[0]|.spec.emptyList[-1]|.spec.nothing[0]|.spec.nothing.x|.spec.name[0]|.spec.name.*|.spec.emptyText
.spec.tail[?(@.type=="Ready")].status|.spec.nulls[*].a|.spec.nulls[?(@.a)]|.spec.nulls[?(@.a==1)]|.spec.nulls[0]
.spec.nested[*][*]|.spec.nested[*][0]|.spec.nested[1][1][1]|.spec.list[?(@=="b")]|.spec.list[?(@>"b")]|.spec.flags[0]
.spec.flags[?(@==true)]|.spec.flags[0:2][?(@==true)]|.spec.list[?(@ >= 'b')]|.spec.numbers[?(@>=2)]|.spec.list[?()]
.spec.ports[?(@.at[0])].name|.spec.ports[?(@.tls==)].name|.spec.ports[?(@.port===80)].name|.spec.ports[?(80==@.port)]
.spec.ports[?(@.name)].name|.spec.servers[?(@.hosts[?(@)])].meta|.spec'x'|.spec.name'x'|.spec.size[0]5|.spec.x true
.spec.x nonsense|.spec.x range|.spec.x end|.spec.x @.y|.spec . size|.spec.x}.y|.[0]|.spec.quote'd|.spec['quote\'d']
...hosts|...*|..['name']|..ports[0]..name|..port|.spec..|.spec.flags..*|.spec.\n\ame|.spec.nested..[0]|.spec.list..[0]
.spec.ports[?(@.name=="x\x29]y")].port|.spec.ports[?(@.name=='a' )].port|.spec.ports[?(@.missing!=1)].name|.spec["x"]
.spec.ports[?(@.port<=443)].name|.spec.ports[?(@.port<80)].name|.spec['x']['y']|.spec['one']['a']|.spec['one'].a
.spec.*|..*|.spec[|.a[,]|.a[b|.a["b]|.spec.ports[?(@.name=="a)].port|.spec.list[1:2:3:4]|.spec.list[ 0 ]|{.spec}|.spec,x
.spec.x+5|.spec.x+1.5|.spec.x-|.spec.x 1.2.3|....x|.spec.list[99999999999999999999]|.spec.ports[?(@.a}b)]|.spec.x}{.y
.spec.x}{nope|.spec.ports[?(@.name=="\u0061")].port|.spec.ports[?(@.name=='\q')].port|.spec.ports[?(@.name=="\'")].port
.spec.numbers|.spec.floats|.spec.numbers[?(@==9223372036854775807)]|.spec.numbers[0:5]|.spec.ports[?(@.port==0x50)]
"""
PATHS = [
    *_PATHS.strip().replace("\n", "|").split("|"),
    *(f".spec.numbers[{n}]" for n in range(7)),
    *(f".spec.floats[{n}]" for n in range(13)),
]
"""Those of bug reports, and their neighbours."""

_FRAGMENTS = r"""
.spec .ports .mixed .tail .nulls .nested .list .numbers .flags .map .htmlMap .floats .name .port .on .a .at .type .size
[0] [-1] [1] [] [*] [1:] [:2] [-2:] [::2] [0:1] [5] ['name'] ['a.b/c'] ['name','port'] [0,1] [0,-1] .. . .\a $ @ .x
[?(@.name)] [?(@.name=="a")] [?(@.port>80)] [?(@.port>=80.5)] [?(@.a==1)] [?(@.type!="Ready")] [?(@.name==@.alias)]
[?(@>1)] [?(@=='a')] [?(@.at[0])] [?(@[0]==1)] [?(@.tls==true)] [?(@.at)] [?(@.name<'b')] [?(!@.x)] [?(@)]
5 'q' "q" true no } {
"""
FRAGMENTS = _FRAGMENTS.split()


def _random_paths(count: int, seed: int) -> list[str]:
    chosen = random.Random(seed)
    return ["." + "".join(chosen.choices(FRAGMENTS, k=chosen.randint(1, 5))).removeprefix(".") for _ in range(count)]


def _is_beyond(sort: str, cell: Any) -> bool:
    """Whether it is an integer that Go can not hold: what the API server shows then depends on its processor."""
    return sort == "integer" and cell is not None and not -(1 << 63) <= cell < 1 << 63


def _is_readable(path: str) -> bool:
    try:
        compile_cell(path)
    except JSONPathError:
        return False
    return True


def _in_any_order(path: str) -> bool:
    """Whether the API server takes the first of an object's fields in the random order that Go has."""
    return bool(re.search(r"\.\*|\.\.", path))


@pytest.fixture(scope="module")
def shop(start_cluster: Callable[..., Cluster]) -> Cluster:
    return start_cluster()


def _shown(cluster: Cluster, plural: str, paths: Sequence[tuple[str, str]]) -> tuple[list[str], list[list[Any]], bytes]:
    """The titles and cells of the API server's Table for these columns (path, type), and the objects that it is of."""
    definition = crd(plural, "print.example", scope="Cluster")
    columns = [{"name": str(n), "type": sort, "jsonPath": path} for n, (path, sort) in enumerate(paths)]
    definition["spec"]["versions"][0]["additionalPrinterColumns"] = columns
    kind = cluster.create(CRDS, definition)["spec"]["names"]["kind"]
    path = f"/apis/print.example/v1/{plural}"
    cluster.until_served(path)
    for name, spec in (("full", SPEC), ("empty", None)):
        cluster.create(path, {"apiVersion": "print.example/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
    table = cluster.request("GET", path, accept=TABLE)
    objects = json.dumps(cluster.list(path), ensure_ascii=False).encode()
    titles = [each["name"] for each in table["columnDefinitions"]][1:]
    return titles, [row["cells"][1:] for row in table["rows"]], objects


def _differences(cluster: Cluster, plural: str, paths: Sequence[tuple[str, str]]) -> list[Any]:
    titles, rows, objects = _shown(cluster, plural, paths)
    assert len(titles) == len(paths), f"the API server can not read {paths[len(titles)]}"
    print_columns = Printer([PrinterColumn(str(n), sort, path) for n, (path, sort) in enumerate(paths)], BOUNDS)
    different = []
    for each, cells in zip(_each_as_served(cluster, plural, objects), rows, strict=True):
        printed, is_whole = print_columns(each)
        assert is_whole
        mine = list(json.loads(printed).values())
        different += [
            (path, sort, mine_, cell)
            for (path, sort), mine_, cell in zip(paths, mine, cells, strict=True)
            if mine_ != cell and not _in_any_order(path) and not _is_beyond(sort, mine_)
        ]
    return different


def _each_as_served(cluster: Cluster, plural: str, objects: bytes) -> list[bytes]:
    """The API server's own bytes: numbers are as it writes them."""
    names = [each["metadata"]["name"] for each in json.loads(objects)]
    path = f"/apis/print.example/v1/{plural}"
    return [cluster.request("GET", f"{path}/{name}", b"").encode() for name in names]


def test_cells_are_those_of_the_api_server(shop: Cluster) -> None:
    paths = [path for path in PATHS if _is_readable(path)]
    assert len(paths) > 100
    assert _differences(shop, "chosens", [(path, sort) for path in paths for sort in SORTS]) == []


@pytest.mark.parametrize("seed", range(2))
def test_cells_of_random_paths(shop: Cluster, seed: int) -> None:
    paths = [path for path in _random_paths(700, seed) if _is_readable(path)][:PER_CRD]
    assert len(paths) > PER_CRD * 0.7
    assert _differences(shop, f"random{seed}s", [(path, SORTS[n % 4]) for n, path in enumerate(paths)]) == []


def test_what_can_not_be_read_is_what_the_api_server_can_not_read(shop: Cluster) -> None:
    """It leaves out such a column and all after it, which are shown here; each is in a version of its own."""
    paths = [path for path in (*PATHS, *_random_paths(600, 7)) if not _is_readable(path) and path.startswith(".")][:90]
    assert len(paths) > 40
    definition = crd("unreadables", "print.example", scope="Cluster")
    (template,) = definition["spec"]["versions"]
    versions = [
        {
            **template,
            "name": f"v{n + 1}",
            "storage": n == 0,
            "additionalPrinterColumns": [
                {"name": "Before", "type": "string", "jsonPath": ".metadata.name"},
                {"name": "Odd", "type": "string", "jsonPath": path},
                {"name": "After", "type": "string", "jsonPath": ".metadata.name"},
            ],
        }
        for n, path in enumerate(paths)
    ]
    definition["spec"]["versions"] = versions
    shop.create(CRDS, definition)
    for version, path in zip(versions, paths, strict=True):
        url = f"/apis/print.example/{version['name']}/unreadables"
        shop.until_served(url)
        table = shop.request("GET", url, accept=TABLE)
        assert [each["name"] for each in table["columnDefinitions"]] == ["Name", "Before"], path
        columns = [
            PrinterColumn(name, "string", p) for name, p in (("Before", ".kind"), ("Odd", path), ("After", ".kind"))
        ]
        printed, _ = Printer(columns, BOUNDS)(b'{"kind": "K"}')
        assert json.loads(printed) == {"Before": "K", "Odd": None, "After": "K"}


def test_columns_of_one_name_are_all_there() -> None:
    names = ["Status", "Status", "Status (2)", "Status"]
    columns = [PrinterColumn(name, "integer", f".a[{n}]") for n, name in enumerate(names)]
    printed, _ = Printer(columns, BOUNDS)(b'{"a": [0, 1, 2, 3]}')
    assert json.loads(printed) == {"Status": 0, "Status (2)": 1, "Status (2) (2)": 2, "Status (3)": 3}


@pytest.mark.parametrize(
    "path", [".", ".metadata", ".metadata.managedFields", "..", "..manager", ".metadata['managedFields']"]
)
def test_no_column_shows_who_wrote_which_field(path: str) -> None:
    body = b'{"kind": "K", "metadata": {"name": "a", "managedFields": [{"manager": "m4nager"}]}}'
    printed, _ = Printer([PrinterColumn("All", "string", path)], BOUNDS)(body)
    assert b"m4nager" not in printed
