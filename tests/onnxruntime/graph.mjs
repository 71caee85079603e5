// What ONNX Runtime made of a model: operator counts of its optimized graph, and what stayed float among quantized nodes.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { read_model } from './proto.mjs';
import { Session } from './session.mjs';

const quantizers = new Set(['QuantizeLinear']);
const dequantizers = new Set(['DequantizeLinear']);

// Operators that have an integer kernel in ONNX Runtime's CPU provider, and their fused float forms: one of these in
// float between quantized neighbours is a fusion that was missed.
const integer_capable = new Set(['Conv', 'FusedConv', 'MatMul', 'FusedMatMul', 'Gemm', 'FusedGemm', 'Add', 'Mul', 'Relu',
  'Clip', 'Concat', 'AveragePool', 'GlobalAveragePool', 'MaxPool', 'Sigmoid', 'LeakyRelu', 'Softmax', 'Reshape', 'Transpose',
  'Flatten', 'Squeeze', 'Unsqueeze', 'Split', 'Slice', 'Gather', 'Where', 'Resize']);

/// Loads `model` (path or bytes) with optimization `level`, and returns {op_types, float_between_quantized, ...}.
export function inspect_optimized(model, level = 'all') {
  return describe_graph(read_optimized(model, { level }));
}

/// The graph that ONNX Runtime would run for `model`, as read_model gives it; options as for Session.
export function read_optimized(model, options) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'judge-'));
  const file = path.join(folder, 'optimized.onnx');
  try {
    new Session(model, { ...options, optimized_path: file });
    return read_model(fs.readFileSync(file));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/// The description of a model that has been read; nested graphs are included.
export function describe_graph(model) {
  const op_types = {};
  const float_between_quantized = [];
  const float_beside_quantized = [];
  for (const graph of all_graphs(model.graph)) {
    for (const { op_type, domain } of graph.nodes) {
      const counts = (op_types[domain || 'ai.onnx'] ??= {});
      counts[op_type] = (counts[op_type] ?? 0) + 1;
    }
    const { between, beside } = float_nodes(graph);
    float_between_quantized.push(...between);
    float_beside_quantized.push(...beside);
  }
  const total = (set) => Object.values(op_types).flatMap(Object.entries)
    .reduce((sum, [op_type, count]) => sum + (set.has(op_type) ? count : 0), 0);
  return {
    op_types: sort_keys(op_types),
    quantize_count: total(quantizers),
    dequantize_count: total(dequantizers),
    fused_wholly: !float_between_quantized.some(({ op_type }) => integer_capable.has(op_type)),
    float_between_quantized,
    float_beside_quantized,
  };
}

function* all_graphs(graph) {
  yield graph;
  for (const { attributes } of graph.nodes)
    for (const value of Object.values(attributes)) if (value?.nodes) yield* all_graphs(value);
}

const sort_keys = (object) => Object.fromEntries(Object.entries(object).sort().map(([key, value]) =>
  [key, typeof value === 'object' ? sort_keys(value) : value]));

// A float node lies between quantized neighbours when a DequantizeLinear of an activation reaches it and it reaches a
// QuantizeLinear, both through float nodes alone; it lies beside them when just one of its edges touches one.
function float_nodes(graph) {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
  const consumers = new Map();
  for (const node of graph.nodes)
    for (const name of node.inputs) consumers.set(name, [...(consumers.get(name) ?? []), node]);
  const constants = new Set(graph.constants);
  const walks = {
    back: (node) => node.inputs.map((name) => producers.get(name)).filter(Boolean),
    ahead: (node) => node.outputs.flatMap((name) => consumers.get(name) ?? []),
  };
  const from_activation = (node) => dequantizers.has(node.op_type) && !constants.has(node.inputs[0]);
  const reaches_back = reachability(walks.back, from_activation);
  const reaches_ahead = reachability(walks.ahead, (node) => quantizers.has(node.op_type));
  const [between, beside] = [[], []];
  for (const node of graph.nodes.filter(is_float)) {
    const entry = { name: node.name, op_type: node.op_type, domain: node.domain || 'ai.onnx',
      inputs: node.inputs.filter((name) => producers.has(name)), outputs: node.outputs,
      dequantized_inputs: node.inputs.filter((name) => dequantizers.has(producers.get(name)?.op_type)),
      quantized_outputs: node.outputs.filter((name) => consumers.get(name)?.some(({ op_type }) => quantizers.has(op_type))) };
    if (reaches_back(node) && reaches_ahead(node)) between.push(entry);
    else if (entry.dequantized_inputs.length || entry.quantized_outputs.length) beside.push(entry);
  }
  return { between, beside };
}

const is_float = ({ op_type }) => !quantizers.has(op_type) && !dequantizers.has(op_type) && !is_integer(op_type);

// QLinearConv, QAttention, MatMulIntegerToFloat, ConvInteger, DynamicQuantizeLinear, ...: they end or start integer runs.
const is_integer = (op_type) => /^(QLinear|Q[A-Z]|DynamicQuantize)|Integer|NBits/.test(op_type);

// node -> does a walk in one direction through float nodes meet a node that `is_goal`? Iterative: chains may be long.
function reachability(neighbours, is_goal) {
  const known = new Map();
  return (start) => {
    const [stack, seen] = [[start], new Set([start])];
    while (stack.length) {
      const node = stack.pop();
      for (const next of neighbours(node)) {
        if (is_goal(next) || known.get(next)) return known.set(start, true) && true;
        if (seen.has(next) || !is_float(next) || known.get(next) === false) continue;
        seen.add(next);
        stack.push(next);
      }
    }
    known.set(start, false);
    return false;
  };
}
