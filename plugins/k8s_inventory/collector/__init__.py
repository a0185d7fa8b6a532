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
from k8s_inventory.collector.printing import PrinterBounds
from k8s_inventory.collector.rules import Redaction, check_path
from k8s_inventory.collector.strict import kept_fields

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
    "kept_fields",
    "last_write",
    "names",
]
