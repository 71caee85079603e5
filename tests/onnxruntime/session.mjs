// A model in ONNX Runtime, called synchronously: run(feeds) without the promise and the event loop turn that the public
// API adds, which on a 30 us model would be most of what is measured.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { element_count, element_types, type_code } from './proto.mjs';

const { binding, initOrt, Tensor, version } = load_onnxruntime();

// The package is looked for beside this file, then in the node_modules folder that EDGEOPT_NODE_MODULES names.
function load_onnxruntime() {
  for (const base of [import.meta.url, path.join(process.env.EDGEOPT_NODE_MODULES ?? '/nonexistent', 'x.js')]) {
    const require = createRequire(base);
    try {
      require.resolve('onnxruntime-node');
    } catch {
      continue;
    }
    const loaded = require('onnxruntime-node/dist/binding.js');
    return { ...loaded, binding: loaded.binding, Tensor: require('onnxruntime-node').Tensor,
      version: require('onnxruntime-node/package.json').version };
  }
  throw new Error('onnxruntime-node is not installed: run `npm ci --ignore-scripts` in tests/onnxruntime');
}

export const onnxruntime_version = version;

export class Session {
  #session;
  #unsupported;

  /// Loads `model` (a path or bytes). threads: inside operators; level: basic, extended or all; optimized_path: where
  /// ONNX Runtime shall write the graph that it runs; extra: session config entries, {session: {...}}.
  constructor(model, { threads = 1, level = 'all', optimized_path, extra, profile_prefix } = {}) {
    initOrt();
    this.#session = new binding.InferenceSession();
    const options = {
      executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential',
      graphOptimizationLevel: level, logSeverityLevel: 4,
    };
    if (optimized_path) options.optimizedModelFilePath = optimized_path;
    if (extra) options.extra = extra;
    if (profile_prefix) Object.assign(options, { enableProfiling: true, profileFilePrefix: profile_prefix });
    if (typeof model === 'string') {
      if (!fs.existsSync(model)) throw new Error(`${model}: no such file`);
      this.#session.loadModel(model, options);
    } else {
      this.#session.loadModel(model.buffer, model.byteOffset, model.byteLength, options);
    }
    this.inputs = this.#session.inputMetadata.map(describe);
    this.outputs = this.#session.outputMetadata.map(describe);
    const odd = [...this.inputs, ...this.outputs].find(({ type }) => !handed_over(type));
    this.#unsupported = odd && `'${odd.name}' is no tensor of an element type that onnxruntime-node hands over`;
    this.no_fetches = Object.fromEntries(this.outputs.map(({ name }) => [name, null]));
  }

  /// {name: tensor} -> {name: tensor}.
  run(tensors) {
    const results = this.run_feeds(make_feeds(tensors));
    return Object.fromEntries(this.outputs.map(({ name }) => [name, from_ort(name, results[name])]));
  }

  /// The bare call: feeds and results are ONNX Runtime's own tensors.
  run_feeds(feeds, fetches = this.no_fetches) {
    if (this.#unsupported) throw new Error(this.#unsupported);
    return this.#session.run(feeds, fetches, {});
  }

  end_profiling() {
    this.#session.endProfiling();
  }
}

// The binding takes and gives types 1 (float) to 13 (uint64). Others, such as int4, it announces and then aborts on.
const handed_over = (type) => type >= 1 && type <= 13;

function describe({ name, isTensor, type, shape, symbolicDimensions }) {
  if (!isTensor) return { name, type: 0, dims: [] };
  return { name, type, dims: shape.map((dim, i) => (dim === -1 ? symbolicDimensions[i] || '?' : dim)) };
}

/// {name: tensor} -> what run_feeds takes.
export function make_feeds(tensors) {
  const entries = Object.entries(tensors);
  return Object.fromEntries(entries.map(([name, tensor]) => [name, to_ort(tensor)]));
}

function to_ort({ type, dims, data }) {
  return new Tensor(element_types.get(type)[0], data, dims);
}

function from_ort(name, tensor) {
  const type = type_code(tensor.type);
  const [, ArrayType] = element_types.get(type);
  const raw = tensor.data;
  const data = ArrayType === Array || raw instanceof ArrayType ? raw
    : new ArrayType(raw.buffer, raw.byteOffset, raw.byteLength / ArrayType.BYTES_PER_ELEMENT);
  return { name, type, dims: [...tensor.dims], data };
}

/// Seeded random tensors of the declared types: floats uniform in [-1, 1), 8-bit integers over their whole range, wider
/// integers 0 or 1. `shapes` {name: dims} overrides; else a symbolic first dim becomes `batch`, every other one 1.
export function random_inputs(session, { seed = 1, batch = 1, shapes = {} } = {}) {
  const random = mulberry32(seed);
  return Object.fromEntries(session.inputs.map(({ name, type, dims }) => {
    const fixed = shapes[name] ?? dims.map((dim, i) => (typeof dim === 'number' ? dim : i === 0 ? batch : 1));
    return [name, { name, type, dims: fixed, data: random_data(type, element_count(fixed), random) }];
  }));
}

function random_data(type, count, random) {
  const known = element_types.get(type);
  if (!known) throw new Error(`element type ${type} has no random inputs; give --inputs`);
  const [type_name, ArrayType] = known;
  const draw = {
    float32: () => random() * 2 - 1, float64: () => random() * 2 - 1, float16: () => half_bits(random()),
    uint8: () => Math.floor(random() * 256), int8: () => Math.floor(random() * 256) - 128,
    int64: () => BigInt(random() < 0.5 ? 0 : 1), uint64: () => BigInt(random() < 0.5 ? 0 : 1),
    string: () => (random() < 0.5 ? 'a' : 'b'),
  }[type_name] ?? (() => (random() < 0.5 ? 0 : 1));
  return ArrayType.from({ length: count }, draw);
}

// The bits of a float16 in [0, 1): the float32 mantissa shortened to ten bits.
function half_bits(value) {
  const bits = new Uint32Array(Float32Array.of(value + 1).buffer)[0];
  return 0x3c00 | ((bits >> 13) & 0x3ff);
}

// Tommy Ettinger's mulberry32: 32 bits of state, uniform in [0, 1).
function mulberry32(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
