"""Decodes Avro records with Confluent's client for Python, for the tests that compare what decoders make of Slotline's records.

Argument: the registry's URL. The first line of stdout is "ready". Each line of stdin is {"topic", "half": "key" | "value", "bytes": base64}; for each there is one line on
stdout: {"text": JSON text of the decoded value} or {"error": what failed}. Bytes are base64, decimals base64 of their unscaled value as
Java's BigInteger gives it, dates and times the numbers that they stand for, NaN and the infinities text.
"""

import base64
import datetime
import decimal
import json
import math
import sys

import fastavro.read
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

EPOCH_DAY = datetime.date(1970, 1, 1)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MILLISECOND = datetime.timedelta(milliseconds=1)


def number_where_out_of_range(read):
    """PostgreSQL's dates and times reach further than Python's: those stay the numbers that they are written as."""

    def read_or_keep(data, *schemas):
        try:
            return read(data, *schemas)
        except (OverflowError, ValueError):
            return data

    return read_or_keep


for logical_type in ("int-date", "int-time-millis", "long-timestamp-millis"):
    readers = fastavro.read.LOGICAL_READERS
    readers[logical_type] = number_where_out_of_range(readers[logical_type])


def unscaled_bytes(value):
    sign, digits, _ = value.as_tuple()
    unscaled = int("".join(map(str, digits))) * (-1 if sign else 1)
    size = (unscaled if unscaled >= 0 else ~unscaled).bit_length() // 8 + 1
    return unscaled.to_bytes(size, "big", signed=True)


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, decimal.Decimal):
        return base64.b64encode(unscaled_bytes(value)).decode("ascii")
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // MILLISECOND
    if isinstance(value, datetime.date):
        return (value - EPOCH_DAY).days
    if isinstance(value, datetime.time):
        return (datetime.datetime.combine(EPOCH_DAY, value) - datetime.datetime.combine(EPOCH_DAY, datetime.time())) // MILLISECOND
    return value


def main():
    deserialize = AvroDeserializer(SchemaRegistryClient({"url": sys.argv[1]}))
    fields = {"key": MessageField.KEY, "value": MessageField.VALUE}
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        context = SerializationContext(asked["topic"], fields[asked["half"]])
        try:
            value = deserialize(base64.b64decode(asked["bytes"]), context)
            answer = {"text": json.dumps(plain(value))}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:400]}
        print(json.dumps(answer), flush=True)


main()
