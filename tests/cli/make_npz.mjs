// Writes a small .npz of four samples for residual_cnn.onnx that has one thing wrong.
//   node make_npz.mjs FILE nan|names|labels
import fs from 'node:fs';
import zlib from 'node:zlib';

function npy(type, dims, data) {
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${dims.join(', ')},), }`;
  const header = Buffer.from(`${text.padEnd(117)}\n`);  // 10 bytes + 118 = 128, a multiple of 64
  const magic = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0]);
  return Buffer.concat([magic, header, Buffer.from(data.buffer)]);
}

// A zip of stored files: local headers, central directory, end record (APPNOTE.TXT 4.3).
function zip(files) {
  const [parts, directory] = [[], []];
  let offset = 0;
  for (const [name, bytes] of Object.entries(files)) {
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt32LE(zlib.crc32 ? zlib.crc32(bytes) : crc32(bytes), 10);
    fields.writeUInt32LE(bytes.length, 14);
    fields.writeUInt32LE(bytes.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), bytes]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), fields, tail, Buffer.from(name)]));
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(directory.length, 4);
  end.writeUInt16LE(directory.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, central, Buffer.from('PK\x05\x06'), end]);
}

function crc32(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; ++bit) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

const [file, fault] = process.argv.slice(2);
const samples = 4;
const input = Float32Array.from({ length: samples * 3 * 32 * 32 }, (_, i) => Math.sin(i));
if (fault === 'nan') input[3 * 32 * 32 + 5] = NaN;  // in sample 1
const labels = BigInt64Array.from([0n, 1n, fault === 'labels' ? 10n : 2n, 3n]);
const array = npy('<f4', [samples, 3, 32, 32], input);
const files = fault === 'names' ? { 'left.npy': array, 'right.npy': array } : { 'input.npy': array };
fs.writeFileSync(file, zip({ ...files, 'labels.npy': npy('<i8', [samples], labels) }));
