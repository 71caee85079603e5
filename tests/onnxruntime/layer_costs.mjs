#!/usr/bin/env node
// What one layer costs in float, with int8 and with uint8 weights: a stack of equal layers, timed in turn on one thread, so
// that the model's edges do not count. usage: node layer_costs.mjs [NAME]...; microseconds per layer (10th percentile).
import { PatternBuilder } from './patterns.mjs';
import { quantile } from './metrics.mjs';
import { make_feeds, random_inputs, Session } from './session.mjs';

const layer_count = 10;
const turns = 40;

// The same layers without any quantization.
class FloatBuilder extends PatternBuilder {
  qdq(x) {
    return x;
  }
  weight(dims) {
    return this.constant('float32', dims, (i) => (((i * 37) % 200) - 100) / 1000);
  }
}

const point = (b, x, weight) => b.qdq(b.conv(x, { channels: 64, kernel: [1, 1], weight, bias: 'none' }));
const conv = (dims, options) => [dims, (b, x, weight) => b.conv(x, { channels: dims[1], weight, bias: 'none', ...options })];
const small = [1, 64, 28, 28];
const window = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };

const layers = {
  conv_3x3: conv(small), conv_1x1: conv(small, { kernel: [1, 1] }), conv_3x3_few_channels: conv([1, 16, 32, 32]),
  conv_grouped_4: conv(small, { group: 4 }), conv_depthwise: conv(small, { group: 64 }),
  matmul: [[1, 64, 256], (b, x, weight) => b.op('MatMul', [x, b.weight([256, 256], { ...weight, axis: undefined })])],
  gemm_one_row: [[1, 256], (b, x, weight) => b.op('Gemm', [x, b.weight([256, 256], { ...weight, axis: undefined })])],
  add: [small, (b, x) => b.op('Add', [x, x])], mul: [small, (b, x) => b.op('Mul', [x, x])],
  sigmoid: [small, (b, x) => b.op('Sigmoid', [x])], leaky_relu: [small, (b, x) => b.op('LeakyRelu', [x], { alpha: { float: 0.1 } })],
  softmax: [[4, 64, 64], (b, x) => b.op('Softmax', [x], { axis: -1 })],
  max_pool: [small, (b, x) => b.op('MaxPool', [x], window)],
  average_pool: [small, (b, x) => b.op('AveragePool', [x], window)],
  conv_1x1_then_max_pool: [small, (b, x, weight) => b.op('MaxPool', [point(b, x, weight)], window)],
  conv_1x1_then_average_pool: [small, (b, x, weight) => b.op('AveragePool', [point(b, x, weight)], window)],
  conv_1x1_then_add: [small, (b, x, weight) => b.op('Add', [point(b, x, weight), x])],
  conv_1x1_then_silu: [small, (b, x, weight) => {
    const c = point(b, x, weight);
    return b.op('Mul', [c, b.qdq(b.op('Sigmoid', [c]))]);
  }],
  conv_1x1_then_float_hard_swish: [small, (b, x, weight) => {
    const c = point(b, x, weight);
    return b.op('Mul', [c, b.op('HardSigmoid', [c], { alpha: { float: 1 / 6 } })]);
  }],
};

function prepare([dims, layer], Builder, weight) {
  const builder = new Builder();
  let x = builder.input(dims);
  for (let i = 0; i < layer_count; ++i) x = builder.qdq(layer(builder, x, weight));
  const session = new Session(builder.finish(x));
  return { session, feeds: make_feeds(random_inputs(session)), times_us: [] };
}

function time_in_turn(entries) {
  for (let turn = 0; turn < turns; ++turn) {
    for (const { session, feeds, times_us } of entries) {
      session.run_feeds(feeds);
      const start = process.hrtime.bigint();
      session.run_feeds(feeds);
      times_us.push(Number(process.hrtime.bigint() - start) / 1e3);
    }
  }
  return entries.map(({ times_us }) => quantile(times_us.sort((a, b) => a - b), 0.1) / layer_count);
}

const names = process.argv.slice(2).length ? process.argv.slice(2) : Object.keys(layers);
console.log('| layer | float us | int8 weights us | uint8 weights us | int8 / float |\n|---|---|---|---|---|');
for (const name of names) {
  const times = time_in_turn([prepare(layers[name], FloatBuilder, {}), prepare(layers[name], PatternBuilder, {}),
    prepare(layers[name], PatternBuilder, { type: 'uint8' })]);
  console.log(`| ${name} | ${times.map((time) => time.toFixed(1)).join(' | ')} | ${(times[1] / times[0]).toFixed(2)} |`);
}
