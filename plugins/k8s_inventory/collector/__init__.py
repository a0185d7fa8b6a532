"""DECODE: a page of raw bytes -> envelopes (uid, version), then rows by the declaration of the kind."""

from k8s_inventory.collector.decode import DECODER_VERSION, Decoder, Envelope, Row, UndecodableObject
from k8s_inventory.collector.rules import Redaction, check_path

__all__ = ["DECODER_VERSION", "Decoder", "Envelope", "Redaction", "Row", "UndecodableObject", "check_path"]
