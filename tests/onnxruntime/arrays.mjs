// Sample files -> tensors {name, type, dims, data}: NumPy's .npy and .npz, ONNX's TensorProto .pb, folders of them.
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { element_count, element_types, read_tensor, type_code } from './proto.mjs';

// NumPy's dtype letters. Source: numpy.lib.format, version 1.0 to 3.0.
const numpy_types = {
  f2: 'float16', f4: 'float32', f8: 'float64', b1: 'bool', i1: 'int8', i2: 'int16', i4: 'int32', i8: 'int64',
  u1: 'uint8', u2: 'uint16', u4: 'uint32', u8: 'uint64',
};
const numpy_letters = Object.fromEntries(Object.entries(numpy_types).map(([letters, name]) => [name, letters]));

/// The bytes of a .npy file -> tensor.
export function parse_npy(bytes, name) {
  const header_at = bytes[6] === 1 ? 10 : 12;
  if (bytes.length < header_at || String.fromCharCode(...bytes.subarray(1, 6)) !== 'NUMPY')
    throw new Error(`${name}: not a .npy array`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header_size = bytes[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const header = Buffer.from(bytes.subarray(header_at, header_at + header_size)).toString('latin1');
  const descr = /'descr':\s*'[<|=]?([a-z]\d+)'/.exec(header)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (!numpy_types[descr] || shape === undefined) throw new Error(`${name}: unsupported .npy header ${header.trim()}`);
  if (/'fortran_order':\s*True/.test(header)) throw new Error(`${name}: Fortran order is not supported`);
  const dims = shape.split(',').map((dim) => dim.trim()).filter(Boolean).map(Number);
  const [, ArrayType] = element_types.get(type_code(numpy_types[descr]));
  const size = element_count(dims) * ArrayType.BYTES_PER_ELEMENT;
  const start = header_at + header_size;
  if (bytes.length < start + size) throw new Error(`${name}: the array is truncated`);
  const data = new ArrayType(new Uint8Array(bytes.subarray(start, start + size)).buffer);
  return { name, type: type_code(numpy_types[descr]), dims, data };
}

/// tensor -> the bytes of a .npy file.
export function format_npy({ type, dims, data }) {
  const letters = numpy_letters[element_types.get(type)[0]];
  const shape = dims.join(', ') + (dims.length === 1 ? ',' : '');
  const descr = (letters.endsWith('1') ? '|' : '<') + letters;
  let header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  header = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + '\n';
  const prefix = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length & 255, header.length >> 8]);
  return Buffer.concat([prefix, Buffer.from(header), Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
}

/// The arrays of a .npz file: {name: tensor}. Source: PKWARE APPNOTE 4.3.12 (central directory).
export function read_npz(file) {
  const zip = fs.readFileSync(file);
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end < 0) throw new Error(`${file}: not a zip archive`);
  const arrays = {};
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; --left) {
    const [compressed, name_size, extra, comment] = [zip.readUInt32LE(at + 20), zip.readUInt16LE(at + 28),
      zip.readUInt16LE(at + 30), zip.readUInt16LE(at + 32)];
    const name = zip.toString('utf8', at + 46, at + 46 + name_size).replace(/\.npy$/, '');
    const local = zip.readUInt32LE(at + 42);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const stored = zip.subarray(start, start + compressed);
    arrays[name] = parse_npy(zip.readUInt16LE(at + 10) === 8 ? zlib.inflateRawSync(stored) : stored, name);
    at += 46 + name_size + extra + comment;
  }
  return arrays;
}

/// One .pb or .npy file -> tensor; a name that the file does not give is its own, without the ending.
export function read_array(file) {
  const bytes = fs.readFileSync(file);
  const tensor = file.endsWith('.npy') ? parse_npy(bytes, '') : read_tensor(bytes);
  return { ...tensor, name: tensor.name || path.basename(file).replace(/\.(pb|npy)$/, '') };
}

const by_number = new Intl.Collator('en', { numeric: true }).compare;

/// The .pb and .npy files of `entries` (files and folders), in numeric order: input_2 before input_10. In a folder that
/// also holds output_K.pb (ONNX test data sets) only input_K.pb are taken.
export function list_arrays(entries) {
  return entries.flatMap((entry) => {
    if (!fs.statSync(entry).isDirectory()) return [entry];
    const files = fs.readdirSync(entry).filter((file) => /\.(pb|npy)$/.test(file)).sort(by_number);
    const inputs = files.filter((file) => file.startsWith('input_'));
    return (inputs.length ? inputs : files.filter((file) => !/^(output_|labels\.)/.test(file)))
      .map((file) => path.join(entry, file));
  });
}
