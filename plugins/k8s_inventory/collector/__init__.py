"""DECODE: a page of raw bytes -> envelopes (uid, version), then rows by the declaration of the kind."""

from k8s_inventory.collector.decode import DECODER_VERSION, Columns, Decoder, Envelope, UndecodableObject
from k8s_inventory.collector.rules import Redaction, check_path

__all__ = ["DECODER_VERSION", "Columns", "Decoder", "Envelope", "Redaction", "UndecodableObject", "check_path"]
