// The judge judged: its file formats against themselves and ONNX's own node tests, its findings on models of which the
// answer is known. `node --test` in this folder.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { format_npy, parse_npy, read_array } from './arrays.mjs';
import { describe_graph } from './graph.mjs';
import { compare_tensors, top_indices, wilson_interval } from './metrics.mjs';
import { element_types, node, read_model, read_tensor, write_model, write_tensor } from './proto.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const shared = process.env.EDGEOPT_SHARED ?? path.join(here, '../../../shared');
const node_tests = path.join(shared, 'data/onnx-backend-tests/node');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'judge-test-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));

function judge(...words) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(here, 'judge.mjs'), ...words],
    { encoding: 'utf8', maxBuffer: 2 ** 28 });
  return { status, stderr, report: status === 0 ? JSON.parse(stdout) : null };
}

function write_file(name, bytes) {
  const file = path.join(folder, name);
  fs.writeFileSync(file, bytes);
  return file;
}

const float_tensor = (name, dims, values) => ({ name, type: 1, dims, data: Float32Array.from(values) });

// y = relu(x + bias), one operator too many for a model that only copies.
function small_model(bias) {
  return write_model({
    nodes: [node('Add', ['x', 'b'], ['s']), node('Relu', ['s'], ['y'])],
    inputs: [{ name: 'x', type: 1, dims: ['N', 2] }], outputs: [{ name: 'y', type: 1, dims: ['N', 2] }],
    constants: [float_tensor('b', [2], bias)],
  });
}

test('a tensor of every element type survives writing and reading', () => {
  for (const [type, [name, ArrayType]] of element_types) {
    const data = ArrayType === Array ? ['ä', '']
      : ArrayType.from([1, 0], /64Array$/.test(ArrayType.name) && /Big/.test(ArrayType.name) ? BigInt : Number);
    const dims = name.endsWith('int4') ? [4] : [2];
    assert.deepEqual(read_tensor(write_tensor({ name, type, dims, data })), { name, type, dims, data });
  }
});

test('negative values in varint fields of a tensor are read with their sign', () => {
  // dims: 2, data_type: INT32, int32_data: [-1, 5] packed
  const bytes = [8, 2, 16, 6, 42, 11, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 5];
  assert.deepEqual([...read_tensor(Uint8Array.from(bytes)).data], [-1, 5]);
});

test('a truncated tensor is refused', () => {
  const bytes = write_tensor(float_tensor('t', [2], [1, 2]));
  assert.throws(() => read_tensor(bytes.subarray(0, bytes.length - 1)), /truncated/);
});

test('an .npy array survives writing and reading', () => {
  const tensor = float_tensor('t', [2, 3], [1, -2, 3, 4, 5, 6]);
  assert.deepEqual(parse_npy(new Uint8Array(format_npy(tensor)), 't'), tensor);
});

test('a written model is read back with its nodes and opsets', () => {
  const model = read_model(small_model([1, 2]));
  assert.deepEqual(model.graph.nodes.map(({ op_type }) => op_type), ['Add', 'Relu']);
  assert.deepEqual(model.graph.constants, ['b']);
  assert.deepEqual(model.opsets, { '': 13 });
});

test('differences are relative to the largest reference value, and NaN counts apart', () => {
  const result = compare_tensors(float_tensor('a', [3], [10, 1, NaN]), float_tensor('b', [3], [10, 2, 0]));
  assert.equal(result.max_relative, 0.1);
  assert.equal(result.nonfinite_mismatch_count, 1);
});

test('top indices are in order and prefer the lower index among equals', () => {
  assert.deepEqual(top_indices([3, 9, 3, 1], 3), [1, 0, 2]);
});

test("Wilson's interval of 8 in 10 is that of the textbook", () => {
  const [low, high] = wilson_interval(8, 10);
  assert.ok(Math.abs(low - 49.02) < 0.01 && Math.abs(high - 94.33) < 0.01);
});

test('a float chain between DequantizeLinear and QuantizeLinear is found whole, its end beside is not mixed in', () => {
  const quantized = (inputs, outputs) => node('DequantizeLinear', inputs, outputs);
  const model = read_model(write_model({
    nodes: [quantized(['q', 's'], ['a']), node('Conv', ['a', 'w'], ['b']), node('Relu', ['b'], ['c']),
      node('QuantizeLinear', ['c', 's'], ['d']), quantized(['d', 's'], ['e']), node('Softmax', ['e'], ['y'])],
    inputs: [{ name: 'q', type: 2, dims: [1] }], outputs: [{ name: 'y', type: 1, dims: [1] }],
  }));
  const report = describe_graph(model);
  assert.deepEqual(report.float_between_quantized.map(({ op_type }) => op_type), ['Conv', 'Relu']);
  assert.deepEqual(report.float_beside_quantized.map(({ op_type }) => op_type), ['Softmax']);
  assert.equal(report.fused_wholly, false);
});

test('compare sees no difference to itself and the right one to a shifted model', () => {
  const [a, b] = [write_file('a.onnx', small_model([5, 5])), write_file('b.onnx', small_model([5, 5.5]))];
  assert.equal(judge('compare', a, a, '--batch', '3').report.max_relative, 0);
  const { report } = judge('compare', a, b, '--batch', '3');
  assert.ok(Math.abs(report.outputs[0].max_absolute - 0.5) < 1e-6);
  assert.deepEqual(report.outputs[0].dims, [3, 2]);
});

test('accuracy counts hits over a folder of arrays and normalizes them', () => {
  const samples = path.join(folder, 'samples');
  fs.mkdirSync(samples);
  const model = write_file('c.onnx', small_model([0, 0]));
  fs.writeFileSync(path.join(samples, 'x.npy'), format_npy(float_tensor('x', [3, 2], [1, 2, 4, 3, 5, 6])));
  fs.writeFileSync(path.join(samples, 'labels.csv'), 'file,label\na,1\nb,0\nc,0\n');
  const { report } = judge('accuracy', model, '--raw-inputs', samples, '--reference', model, '--batch', '2');
  assert.ok(Math.abs(report.top1 - 200 / 3) < 1e-9);
  assert.equal(report.agreement, 100);
  const shifted = judge('accuracy', model, '--raw-inputs', samples, '--mean', '0,10').report;
  assert.ok(Math.abs(shifted.top1 - 200 / 3) < 1e-9);
});

test('graph and latency report on a small model', () => {
  const model = write_file('d.onnx', small_model([1, 1]));
  assert.equal(judge('graph', model, '--level', 'basic').report.op_types['ai.onnx'].Relu, 1);
  const { report } = judge('latency', model, model, '--runs', '7');
  assert.deepEqual(report.models.map(({ times_ms }) => times_ms.length), [7, 7]);
});

test('what cannot be done ends with exit code 2 and one line', () => {
  for (const words of [['run', '/nowhere.onnx'], ['dance'], ['compare', 'a'], ['run', 'x', '--sped', '1']]) {
    const { status, stderr } = judge(...words);
    assert.equal(status, 2);
    assert.match(stderr, /^judge: [^\n]+\n$/);
  }
});

const cases = ['test_add', 'test_conv_with_strides_padding', 'test_matmul_2d', 'test_argmax_default_axis_example',
  'test_cast_FLOAT_to_FLOAT16', 'test_and2d', 'test_gather_0', 'test_ai_onnx_ml_label_encoder_string_int',
  'test_qlinearconv', 'test_quantizelinear', 'test_lstm_defaults', 'test_split_equal_parts_1d_opset13', 'test_shape'];
const skip = fs.existsSync(node_tests) ? false : `${node_tests} is absent`;

test('a result that the binding cannot hand over (int4) is refused, not a crash', { skip }, () => {
  const { status, stderr } = judge('run', path.join(node_tests, 'test_cast_FLOAT_to_INT4/model.onnx'));
  assert.equal(status, 2);
  assert.match(stderr, /element type/);
});

for (const name of cases) {
  test(`ONNX's ${name} comes out as its data set says`, { skip }, () => {
    const data = path.join(node_tests, name, 'test_data_set_0');
    const out = path.join(folder, name);
    const { status, stderr } = judge('run', path.join(node_tests, name, 'model.onnx'), '--inputs', data, '--outputs', out);
    assert.equal(status, 0, stderr);
    for (const file of fs.readdirSync(data).filter((entry) => entry.startsWith('output_'))) {
      const found = compare_tensors(read_array(path.join(data, file)), read_array(path.join(out, file)));
      // float32 sums of fewer than 100 products, each rounded to 2^-24: far below 1e-5 of the scale.
      assert.ok(!found.error && found.max_relative < 1e-5, JSON.stringify(found));
    }
  });
}
