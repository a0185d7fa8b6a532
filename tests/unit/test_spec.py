"""`cloudquery validate-config` knows a spec by its JSON schema alone, which must take what a sync takes and no more."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from k8s_inventory.cloudquery.spec import json_schema, load
from k8s_inventory.settings import AIRFLOW_ONLY, Settings, SettingsError

NAMES = [name for name in Settings.model_fields if name not in AIRFLOW_ONLY]
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def refusal(spec: Any) -> str | None:
    """What a sync says of it."""
    try:
        load(json.dumps(spec).encode())
    except SettingsError as error:
        return str(error)
    return None


texts = some.one_of(
    some.text(max_size=20),
    some.text("ab-*?[]!,. \n\xa0\u2003\"'1", max_size=8),
    some.sampled_from(
        [
            *("", " ", ",", "a", "a,b", " , a", "[]", '["a"]', '[" "]', "*", "-*", "-", "--a", "a" * 63, "a" * 64, "A"),
            *("true", "false", "1", "1.5", "null", "nan", "{}", '{"pods": "a=b"}', "strict", "default", "keep"),
            *("postgresql://u@h/d", "postgres//u:p@h", "host=h", "a" * 16, "app=web\n", "app=\u202eweb", "app=grün"),
        ]
    ),
)
numbers = some.one_of(
    some.integers(-5, 70), some.integers(), some.floats(allow_nan=False, allow_infinity=False), some.just(1e21)
)
simple = some.one_of(texts, numbers, some.booleans(), some.none())
values = some.recursive(
    simple,
    lambda inner: some.one_of(some.lists(inner, max_size=4), some.dictionaries(texts, inner, max_size=3)),
    max_leaves=5,
)
of_their_types = some.one_of(some.lists(texts, max_size=4), some.dictionaries(texts, texts, max_size=2), texts, numbers)
keys = some.one_of(some.sampled_from(NAMES), some.sampled_from([*sorted(AIRFLOW_ONLY), "DATABASE_URL", "concurrency"]))


@given(
    some.one_of(
        some.dictionaries(keys, some.one_of(of_their_types, values), min_size=1, max_size=2),
        some.builds(lambda name, value: {name: value}, some.sampled_from(NAMES), some.one_of(of_their_types, values)),
    )
)
@settings(max_examples=1500, deadline=None, derandomize=True)
def test_validate_config_and_a_sync_take_and_refuse_the_same(spec: dict[str, Any]) -> None:
    assert VALIDATOR.is_valid(spec) == ((said := refusal(spec)) is None), said


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_takes_its_default_null_and_no_other_type(name: str) -> None:
    default = json_schema()["properties"][name]["default"]
    for value in (default, None):
        assert VALIDATOR.is_valid({name: value})
        assert refusal({name: value}) is None
    for value in ({"a": 1}, [1], [None], [[]], {"a": None}):
        assert not VALIDATOR.is_valid({name: value})
        assert f"spec: {name}: must be " in str(refusal({name: value}))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"page_size": "500"}, "page_size: must be integer"),
        ({"page_size": True}, "page_size: must be integer"),
        ({"page_size": 0}, "page_size"),
        ({"page_size": 10_001}, "page_size"),
        ({"page_size": 1.5}, "page_size: must be integer"),
        ({"read_timeout": "5"}, "read_timeout: must be number"),
        ({"read_timeout": 0}, "read_timeout"),
        ({"verify": "yes"}, "verify: must be boolean"),
        ({"verify": 1}, "verify: must be boolean"),
        ({"contexts": []}, "contexts .*an empty list names nothing to read"),
        ({"contexts": [" ", ""]}, "contexts .*an empty list names nothing to read"),
        ({"resources": " , "}, "resources .*an empty list names nothing to read"),
        ({"resources": [5]}, "resources: must be a list of texts or text"),
        ({"resources": [None]}, "resources: must be a list of texts or text"),
        ({"namespaces": ["Shop"]}, "names no namespace"),
        ({"namespaces": ["a" * 64]}, "names no namespace"),
        ({"label_selectors": '{"pods": "a=b"}'}, "label_selectors: must be a mapping of texts"),
        ({"label_selectors": {"pods": "app=\u001b[1m"}}, "characters in it that do not print"),
        ({"privacy": "strict", "redact_env": False}, "strict contradicts redact_env"),
        ({"privacy": "strict", "config_map_values": True}, "strict contradicts config_map_values"),
        ({"privacy": "open"}, "privacy"),
        ({"digest_key": "s3cret"}, "digest_key"),
        ({"database_url": "postgres//user:s3cret@host"}, "DATABASE_URL is malformed"),
        ({"concurrency": 5}, "'concurrency' .no such setting"),
        ({"retries": None}, "retries: of use to Airflow alone"),
    ],
)
def test_what_both_refuse(spec: dict[str, Any], said: str) -> None:
    assert not VALIDATOR.is_valid(spec)
    refused = str(refusal(spec))
    assert re.search(said, refused), refused
    assert "s3cret" not in refused


@pytest.mark.parametrize(
    "spec",
    [
        {},
        dict.fromkeys(NAMES),
        {"page_size": 500.0, "requests_per_second": 50, "max_listing_bytes": 1e21},
        {"contexts": "west, east", "resources": "pods", "namespaces": "shop-*,-kube-system"},
        {"contexts": ["a", "a"], "keep_env": [], "drop_labels": ["", "x"], "label_selectors": {}},
        {"contexts": ["*"]},
        {"privacy": "strict", "redact_env": True, "config_map_values": None},
        {"database_url": "host=db dbname=inventory"},
    ],
)
def test_what_both_take(spec: dict[str, Any]) -> None:
    VALIDATOR.validate(spec)
    assert refusal(spec) is None


def test_no_spec_is_an_empty_one_and_none_that_is_no_mapping() -> None:
    assert load(b"") == load(b"null") == load(b"{}")
    for spec in (b"[]", b"0", b'""', b"false", b"{", b'{"read_timeout": NaN}', b'{"read_timeout": Infinity}'):
        with pytest.raises(SettingsError, match="^spec: "):
            load(spec)
