"""Makes objects by the schema of their kind: a plain one that the API server takes, and odd edits of its fields."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.odd_objects import values

Object = dict[str, Any]
Step = str | int
Path = tuple[Step, ...]
GONE = object()
"""The value of a field that is taken away."""

OPTIONAL = 0.25
"""How often a field that may be missing is there, where an object is made anew."""


@dataclass(frozen=True)
class Edit:
    """Another value in a place of an object."""

    path: Path
    value: Any

    def __str__(self) -> str:
        shown = "gone" if self.value is GONE else json.dumps(self.value)
        return f"{dotted(self.path)}: {shown if len(shown) < 300 else f'{shown[:200]} ... ({len(shown)} characters)'}"


def dotted(path: Path) -> str:
    """As the API server names a place in its messages."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def edited(plain: Object, edits: list[Edit]) -> Object:
    """A copy with these edits, in their order; an edit that leads nowhere any more is left out."""
    made = json.loads(json.dumps(plain))
    for edit in edits:
        holder: Any = made
        for step, following in zip(edit.path[:-1], edit.path[1:], strict=True):
            holder = _inside(holder, step, following)
        last = edit.path[-1]
        if isinstance(holder, dict) and isinstance(last, str):
            if edit.value is GONE:
                holder.pop(last, None)
            else:
                holder[last] = edit.value
        elif isinstance(holder, list) and isinstance(last, int) and edit.value is not GONE:
            holder[last : last + 1] = [edit.value]
    return json.loads(json.dumps(made))


def _inside(holder: Any, step: Step, following: Step) -> Any:
    empty: Any = {} if isinstance(following, str) else []
    if isinstance(holder, dict) and isinstance(step, str):
        if holder.get(step) is None:
            holder[step] = empty
        return holder[step]
    if isinstance(holder, list) and isinstance(step, int):
        if step >= len(holder):
            holder.append(empty)
        return holder[min(step, len(holder) - 1)]
    return None


NEVER = re.compile(
    r"(apiVersion|kind|metadata\.(name|namespace|uid|resourceVersion|generation|creationTimestamp|selfLink|managedFields"
    r"|deletion\w+|generateName))"
    r"|webhooks\[\d+\]\.rules.*"
    r"|spec\.conversion.*"
)
"""Places that are the API server's own, or where an odd value would keep it from answering."""


@dataclass(frozen=True)
class Maker:
    """Odd edits of the objects of a kind. `schemas` are those of its group, by name."""

    schema: Object
    schemas: Mapping[str, Object]
    secret_maps: frozenset[str] = field(default_factory=frozenset)

    def edits(self, plain: Object, random: Random) -> list[Edit]:
        made = [self._edit(self.schema, plain, (), random) for _ in range(random.choice((1, 2, 3, 5, 8, 13, 21)))]
        return [*filter(None, made), *_of_metadata(random, copies=random.random() < 0.4)]

    def _edit(self, schema: Object, value: Any, path: Path, random: Random) -> Edit | None:
        schema = self._resolved(schema)
        if NEVER.fullmatch(dotted(path)):
            return None
        if path and random.random() < 0.08:
            return Edit(path, random.choice((GONE, None, [] if isinstance(value, list) else {}, "", 0)))
        if isinstance(value, dict) and schema.get("properties"):
            name = random.choice(list(schema["properties"]))
            if random.random() < 0.5 and value:
                name = random.choice([each for each in value if each in schema["properties"]] or [name])
            return self._step(schema["properties"][name], value.get(name, GONE), (*path, name), random)
        if isinstance(value, list) and schema.get("items"):
            index = random.randrange(len(value) + 1)
            return self._step(schema["items"], [*value, GONE][index], (*path, index), random)
        return Edit(path, self.made(schema, path, random))

    def _step(self, schema: Object, value: Any, path: Path, random: Random) -> Edit | None:
        if NEVER.fullmatch(dotted(path)):
            return None
        if value is GONE:
            return Edit(path, self.made(schema, path, random))
        return self._edit(schema, value, path, random)

    def made(self, schema: Object, path: Path, random: Random) -> Any:
        """A value by its schema."""
        schema = self._resolved(schema)
        if _is_secret(path, self.secret_maps):
            secret = values.secret_text(random)
            return base64.b64encode(secret.encode()).decode() if schema.get("format") == "byte" else secret
        if schema.get("enum") and random.random() < 0.9:
            return random.choice(schema["enum"])
        name = schema.get("name", "")
        if name.endswith("Quantity"):
            return random.choice(values.QUANTITIES)
        if name.endswith(("RawExtension", ".JSON")):
            made = values.free_form(random)
            return made if isinstance(made, dict) or random.random() < 0.2 else {"a": made}
        match schema.get("type"), schema.get("format"):
            case _, "int-or-string":
                return random.choice((*values.INTEGERS, "50%", "0%", "101%", "http", "", "-5%"))
            case "string", "date-time":
                return random.choice(values.MICRO_TIMES if name.endswith("MicroTime") else values.TIMES)
            case "string", "byte":
                return base64.b64encode(values.text(random).encode(errors="replace")).decode()
            case "string", _:
                return values.text(random)
            case "integer", "int32":
                return random.choice(values.INTEGERS)
            case "integer", _:
                return random.choice(values.LONG_INTEGERS)
            case "number", _:
                return random.choice(values.NUMBERS)
            case "boolean", _:
                return random.random() < 0.5
            case "array", _:
                count = random.choice((0, 1, 1, 2, 3, 3 if len(path) > 3 else 40))
                return [self.made(schema["items"], (*path, index), random) for index in range(count)]
        if schema.get("properties") is not None:
            return self._made_object(schema, path, random)
        if isinstance(schema.get("additionalProperties"), dict):
            keys = random.sample(values.KEYS, random.choice((0, 1, 2, 5)))
            return {key: self.made(schema["additionalProperties"], (*path, key), random) for key in keys}
        return values.free_form(random)

    def _made_object(self, schema: Object, path: Path, random: Random) -> Object:
        required = schema.get("required", ())
        often = OPTIONAL if len(path) < 8 else 0.05
        names = [each for each in schema["properties"] if each in required or random.random() < often]
        return {
            name: self.made(schema["properties"][name], (*path, name), random)
            for name in names
            if len(path) < 14 and not NEVER.fullmatch(dotted((*path, name)))
        }

    def _resolved(self, schema: Object) -> Object:
        found = dict(schema)
        for each in schema.get("allOf", ()):
            found |= each
        if "$ref" not in found:
            return found
        name = found["$ref"].rpartition("/")[2]
        return {"name": name, **self.schemas[name]}


def _is_secret(path: Path, secret_maps: frozenset[str]) -> bool:
    if len(path) == 2 and path[0] in secret_maps:
        return True
    return len(path) > 3 and path[-1] == "value" and path[-3] == "env"


def _of_metadata(random: Random, *, copies: bool) -> Iterator[Edit]:
    if random.random() < 0.3:
        chosen = random.sample(values.LABEL_KEYS, 2)
        yield Edit(("metadata", "labels"), {key: random.choice(values.LABEL_VALUES) for key in chosen})
    if random.random() < 0.2:
        many = {f"{'l' * 50}-{number}": "v" * 63 for number in range(200)}
        yield Edit(("metadata", "labels"), many)
    if random.random() < 0.3:
        yield Edit(("metadata", "annotations", random.choice(values.LABEL_KEYS[:5])), values.text(random))
    if random.random() < 0.05:
        yield Edit(("metadata", "annotations", "long"), "\u00fc" * 120_000)
    if random.random() < 0.2:
        yield Edit(("metadata", "finalizers"), [f"example.com/{values.LABEL_VALUES[2]}"])
    if random.random() < 0.3:
        owner = {"apiVersion": "v1", "kind": "Pod", "name": values.text(random), "uid": values.text(random)}
        flags = random.choice(({}, {"controller": True}, {"controller": False, "blockOwnerDeletion": True}))
        yield Edit(("metadata", "ownerReferences"), [{**owner, **flags}])
    if copies:
        yield Edit(("metadata", "annotations", random.choice(values.COPY_KEYS)), values.copy_of_an_object(random))
