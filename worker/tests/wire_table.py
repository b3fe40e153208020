"""The wire as deployed clients know it: the table of the contract's document, and no extension.

Written out by hand on purpose, independent of proto/ai.proto and of the worker's own codec.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_F = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "string": _F.TYPE_STRING,
    "uint32": _F.TYPE_UINT32,
    "uint64": _F.TYPE_UINT64,
    "float": _F.TYPE_FLOAT,
    "bytes": _F.TYPE_BYTES,
    "bool": _F.TYPE_BOOL,
}
# message: fields as "number name type", "*" = repeated, "|" = in the message's oneof
_TABLE = {
    "Envelope": ["1 req Request|", "2 res Response|", "3 hb Heartbeat|"],
    "Request": ["1 init Init|", "2 frame Frame|", "3 end End|"],
    "Init": [
        "1 model_path string",
        "2 width uint32",
        "3 height uint32",
        "4 conf_threshold float",
        "5 classes_filter uint32*",
    ],
    "Frame": [
        "1 seq uint64",
        "2 ts_iso string",
        "3 ts_mono_ns uint64",
        "4 width uint32",
        "5 height uint32",
        "6 pix_fmt string",
        "7 data bytes",
    ],
    "End": [],
    "Response": ["1 init_ok InitOk|", "2 ready Ready|", "3 result Result|", "4 error Error|"],
    "InitOk": [
        "1 runtime string",
        "2 model_version string",
        "3 class_names string*",
        "4 max_frame_bytes uint32",
        "5 providers string*",
        "6 model_id string",
        "7 preproc Preprocessing",
    ],
    "Preprocessing": ["1 layout string", "2 mean float*", "3 std float*", "4 letterbox bool"],
    "Ready": ["1 seq uint64"],
    "Result": ["1 seq uint64", "2 ts_iso string", "3 ts_mono_ns uint64", "4 detections Detection*"],
    "Detection": ["1 cls string", "2 conf float", "3 bbox BoundingBox", "4 track_id string"],
    "BoundingBox": ["1 x float", "2 y float", "3 w float", "4 h float"],
    "Error": ["1 code uint32", "2 message string"],
    "Heartbeat": ["1 ts_mono_ns uint64"],
}


def _build() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="table.proto", package="table", syntax="proto3")
    for name, fields in _TABLE.items():
        message = file.message_type.add(name=name)
        for text in fields:
            number, field_name, kind = text.split()
            field = message.field.add(name=field_name, number=int(number))
            field.label = _F.LABEL_REPEATED if kind.endswith("*") else _F.LABEL_OPTIONAL
            plain = kind.rstrip("*|")
            if plain in _TYPES:
                field.type = _TYPES[plain]
            else:
                field.type, field.type_name = _F.TYPE_MESSAGE, f".table.{plain}"
            if kind.endswith("|"):
                if not message.oneof_decl:
                    message.oneof_decl.add(name="kind")
                field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("table.Envelope"))


TableEnvelope: Any = _build()


def enclosed(tag: int, content: bytes) -> bytes:
    """A field of that many bytes, as protobuf writes it."""
    length, rest = b"", len(content)
    while rest >= 0x80:
        length, rest = length + bytes([rest & 0x7F | 0x80]), rest >> 7
    return bytes([tag]) + length + bytes([rest]) + content
