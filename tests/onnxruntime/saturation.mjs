#!/usr/bin/env node
// Do the integer kernels of this CPU saturate? x86 without VNNI multiplies uint8 by int8 with VPMADDUBSW, whose sums of two
// products are clipped to 16 bits: 255*127*2 > 32767 >= 255*64*2. Shows the largest output exactly and in integers.
// An older CPU is tried with: qemu-x86_64 -cpu Haswell node --jitless saturation.mjs
import { element_count } from './proto.mjs';
import { PatternBuilder } from './patterns.mjs';
import { Session } from './session.mjs';

const kinds = {
  Conv: { dims: [1, 16, 8, 8], weight: [16, 16, 3, 3], attributes: { pads: [1, 1, 1, 1] } },
  'Conv, depthwise': { op_type: 'Conv', dims: [1, 16, 8, 8], weight: [16, 1, 3, 3], attributes: { pads: [1, 1, 1, 1], group: 16 } },
  Gemm: { dims: [4, 32], weight: [32, 24] },
  MatMul: { dims: [1, 4, 32], weight: [32, 24] },
};

function largest_outputs(kind, { dims, weight, attributes, op_type = kind }, { type, magnitude }) {
  const builder = new PatternBuilder({ type: 'uint8' });
  const x = builder.input(dims, { scale: 1 / 255, zero_point: 0 });
  const zero = type === 'uint8' ? 128 : 0;
  const parts = [builder.constant(type, weight, zero + magnitude), builder.constant('float32', [], 0.01), builder.constant(type, [], zero)];
  const w = builder.op('DequantizeLinear', parts);
  const model = builder.finish(builder.qdq(builder.op(op_type, [x, w], attributes), { scale: 1, zero_point: 0 }));
  const ones = { type: 1, dims, data: new Float32Array(element_count(dims)).fill(1) };
  return ['basic', 'all'].map((level) => {
    const [result] = Object.values(new Session(model, { level }).run({ [builder.inputs[0].name]: ones }));
    return Math.max(...result.data);
  });
}

console.log('| operator | weights | exact | in integers |\n|---|---|---|---|');
for (const [kind, settings] of Object.entries(kinds)) {
  for (const [type, magnitude] of [['int8', 127], ['int8', 64], ['uint8', 127]]) {
    const [exact, integer] = largest_outputs(kind, settings, { type, magnitude });
    console.log(`| ${kind} | ${type}, magnitude ${magnitude} | ${exact} | ${integer}${exact === integer ? '' : ' (saturated)'} |`);
  }
}
