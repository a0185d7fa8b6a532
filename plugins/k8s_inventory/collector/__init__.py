"""DECODE: a page of raw bytes -> envelopes (uid, version), then rows by the declaration of the kind."""

from k8s_inventory.collector.decode import (
    DECODER_VERSION,
    BareEnvelope,
    Columns,
    Decoder,
    Envelope,
    EnvelopeMetadata,
    UndecodableObject,
    last_write,
    names,
)
from k8s_inventory.collector.jsonpath import fields_of_path
from k8s_inventory.collector.printing import PrinterBounds
from k8s_inventory.collector.redaction import Redaction, check_path, redaction_of

__all__ = [
    "DECODER_VERSION",
    "BareEnvelope",
    "Columns",
    "Decoder",
    "Envelope",
    "EnvelopeMetadata",
    "PrinterBounds",
    "Redaction",
    "UndecodableObject",
    "check_path",
    "fields_of_path",
    "last_write",
    "names",
    "redaction_of",
]
