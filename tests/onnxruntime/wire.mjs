// Protobuf's wire format, both ways: a message is a list of (field number, wire type, value).
// Source: protobuf.dev/programming-guides/encoding.

const text_decoder = new TextDecoder();
const text_encoder = new TextEncoder();

/// Walks the fields of one message. `for (const field of fields(bytes))`, field = {number, wire, value}:
/// value is a BigInt (varint), a Uint8Array of 4 or 8 bytes (fixed) or a Uint8Array (length-delimited).
export function* fields(bytes) {
  const reader = { bytes, position: 0 };
  while (reader.position < bytes.length) {
    const key = Number(read_varint(reader));
    const number = Math.floor(key / 8);
    const wire = key % 8;
    yield { number, wire, value: read_value(reader, wire) };
  }
}

function read_value(reader, wire) {
  if (wire === 0) return read_varint(reader);
  if (wire === 1) return take(reader, 8);
  if (wire === 2) return take(reader, Number(read_varint(reader)));
  if (wire === 5) return take(reader, 4);
  throw new Error(`protobuf: wire type ${wire} at byte ${reader.position}`);
}

function read_varint(reader) {
  let low = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = next_byte(reader);
    low += (byte & 127) * 2 ** shift;
    if (byte < 128) return BigInt(low);
  }
  let result = BigInt(low);
  for (let shift = 28n; shift < 70n; shift += 7n) {
    const byte = next_byte(reader);
    result |= BigInt(byte & 127) << shift;
    if (byte < 128) return BigInt.asUintN(64, result);
  }
  throw new Error('protobuf: a varint of more than ten bytes');
}

function next_byte(reader) {
  if (reader.position >= reader.bytes.length) throw new Error('protobuf: the file is truncated');
  return reader.bytes[reader.position++];
}

function take(reader, count) {
  if (reader.position + count > reader.bytes.length) throw new Error('protobuf: the file is truncated');
  reader.position += count;
  return reader.bytes.subarray(reader.position - count, reader.position);
}

/// A varint as a signed 64-bit BigInt.
export const signed = (value) => BigInt.asIntN(64, value);
/// A varint as a signed JavaScript number.
export const to_number = (value) => Number(BigInt.asIntN(64, value));
/// A length-delimited field as text.
export const to_text = (value) => text_decoder.decode(value);

const view_of = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/// A repeated numeric field, packed or not, appended to `list`; `kind` is 'varint', 'float' or 'double'.
export function append_numbers(list, field, kind) {
  if (kind === 'varint') {
    if (field.wire === 0) return list.push(field.value);
    const reader = { bytes: field.value, position: 0 };
    while (reader.position < field.value.length) list.push(read_varint(reader));
    return list.length;
  }
  const width = kind === 'float' ? 4 : 8;
  const view = view_of(field.value);
  for (let at = 0; at < view.byteLength; at += width)
    list.push(width === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true));
  return list.length;
}

/// Collects one message; every method returns the writer, `finish()` the bytes. Absent values are not written.
export class MessageWriter {
  chunks = [];

  varint(number, value) {
    if (value === undefined) return this;
    this.#raw_varint(number * 8);
    return this.#raw_varint(value);
  }
  varints(number, values) {
    for (const value of values ?? []) this.varint(number, value);
    return this;
  }
  float(number, value) {
    if (value === undefined) return this;
    this.#raw_varint(number * 8 + 5);
    this.chunks.push(new Uint8Array(new Float32Array([value]).buffer));
    return this;
  }
  bytes(number, value) {
    if (value === undefined) return this;
    this.#raw_varint(number * 8 + 2);
    this.#raw_varint(value.length);
    this.chunks.push(value);
    return this;
  }
  text(number, value) {
    return value === undefined ? this : this.bytes(number, text_encoder.encode(value));
  }
  messages(number, values) {
    for (const value of values ?? []) this.bytes(number, value);
    return this;
  }
  finish() {
    return new Uint8Array(Buffer.concat(this.chunks));
  }
  #raw_varint(value) {
    let rest = BigInt.asUintN(64, BigInt(value));
    const bytes = [];
    while (rest > 127n) {
      bytes.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
    this.chunks.push(Uint8Array.from(bytes));
    return this;
  }
}
