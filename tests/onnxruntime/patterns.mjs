// Small quantized models, one for each Q/DQ pattern that a quantizer may write: what `fusions.mjs` shows to ONNX Runtime.
import { element_count, node, type_code, write_model } from './proto.mjs';

const integer_arrays = { uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array, int32: Int32Array };

/// Builds one model: float in, Q/DQ around what a pattern adds, float out. `type` is the activations' integer type.
export class PatternBuilder {
  nodes = [];
  constants = [];
  inputs = [];
  count = 0;

  /// `domain` is that of every QuantizeLinear and DequantizeLinear: '' or 'com.microsoft'.
  constructor({ type = 'uint8', opset = 13, domain = '', ir_version } = {}) {
    Object.assign(this, { type, opset, domain, ir_version: ir_version ?? (opset >= 21 ? 10 : 8) });
  }

  fresh(stem) {
    return `${stem}_${this.count++}`;
  }

  constant(type, dims, value) {
    const name = this.fresh('c');
    const make = typeof value === 'function' ? value : () => value;
    const ArrayType = { float32: Float32Array, int64: BigInt64Array, ...integer_arrays }[type];
    const data = ArrayType.from({ length: element_count(dims) }, (_, i) => (type === 'int64' ? BigInt(make(i)) : make(i)));
    this.constants.push({ name, type: type_code(type), dims, data });
    return name;
  }

  float_input(dims) {
    const name = this.fresh('x');
    this.inputs.push({ name, type: 1, dims });
    return name;
  }

  /// An activation that arrives quantized: the DequantizeLinear's output.
  input(dims, options) {
    return this.qdq(this.float_input(dims), options);
  }

  op(op_type, inputs, attributes, domain) {
    const name = this.fresh(op_type.toLowerCase());
    this.nodes.push(node(op_type, inputs, [name], attributes, domain));
    return name;
  }

  /// x -> QuantizeLinear -> DequantizeLinear.
  qdq(x, { scale = 0.02, zero_point, type = this.type } = {}) {
    const middle = { uint8: 100, int8: -5, uint16: 30000, int16: 0 }[type];
    const scale_name = this.constant('float32', [], scale);
    const zero = this.constant(type, [], zero_point ?? middle);
    const quantized = this.op('QuantizeLinear', [x, scale_name, zero], {}, this.domain);
    return this.op('DequantizeLinear', [quantized, scale_name, zero], {}, this.domain);
  }

  /// A constant that is stored quantized; `axis` for one scale per slice.
  weight(dims, { type = 'int8', axis, zero_point = type === 'uint8' ? 128 : 0, scale = 0.01 } = {}) {
    const size = axis === undefined ? [] : [dims[axis]];
    const low = type.startsWith('u') ? 0 : -100;
    const values = this.constant(type, dims, (i) => low + ((i * 37) % 200));
    const scales = this.constant('float32', size, (i) => scale * (1 + i / 64));
    const zeros = zero_point === null ? [] : [this.constant(type, size, zero_point)];  // null: left out
    return this.op('DequantizeLinear', [values, scales, ...zeros], axis === undefined ? {} : { axis }, this.domain);
  }

  /// 4-bit weights, packed, one scale per channel; `cast` to int8 in front of DequantizeLinear.
  weight4(dims, { axis = 0, cast = true } = {}) {
    const name = this.fresh('c');
    const data = Uint8Array.from({ length: Math.ceil(element_count(dims) / 2) }, (_, i) => (i * 37) % 256);
    this.constants.push({ name, type: type_code('int4'), dims, data });
    const integers = cast ? this.op('Cast', [name], { to: type_code('int8') }) : name;
    const scales = this.constant('float32', [dims[axis]], (i) => 0.01 * (1 + i / 64));
    const zeros = cast ? [this.constant('int8', [dims[axis]], 0)] : [];
    return this.op('DequantizeLinear', [integers, scales, ...zeros], { axis });
  }

  /// x -> QuantizeLinear -> Clip to 4 bits -> DequantizeLinear, in uint8.
  qdq4(x, scale) {
    const [scale_name, zero] = [this.constant('float32', [], scale), this.constant('uint8', [], 0)];
    const quantized = this.op('QuantizeLinear', [x, scale_name, zero]);
    const saturated = this.op('Clip', [quantized, this.constant('uint8', [], 0), this.constant('uint8', [], 15)]);
    return this.op('DequantizeLinear', [saturated, scale_name, zero]);
  }

  /// An int32 bias with scale = activation scale * weight scale, as ONNX Runtime wants it.
  bias(size, { per_channel = true, scale = 0.02 * 0.01 } = {}) {
    const values = this.constant('int32', [size], (i) => i * 10 - 50);
    const scales = this.constant('float32', per_channel ? [size] : [], (i) => scale * (1 + i / 64));
    const zero = this.constant('int32', per_channel ? [size] : [], 0);
    return this.op('DequantizeLinear', [values, scales, zero], per_channel ? { axis: 0 } : {}, this.domain);
  }

  /// A 3x3 convolution of 16 to 16 channels with int8 weights per channel and an int32 bias.
  conv(x, { weight = {}, bias = 'int32', channels = 16, group = 1, kernel = [3, 3], attributes = {} } = {}) {
    const w = this.weight([channels, channels / group, ...kernel], { axis: 0, ...weight });
    const inputs = [x, w];
    if (bias === 'int32') inputs.push(this.bias(channels));
    if (bias === 'float') inputs.push(this.constant('float32', [channels], (i) => i / 10));
    const pads = [...kernel, ...kernel].map((size) => (size - 1) / 2);
    return this.op('Conv', inputs, { pads, group, ...attributes });
  }

  finish(outputs) {
    return write_model({
      nodes: this.nodes, constants: this.constants, inputs: this.inputs,
      outputs: [outputs].flat().map((name) => ({ name, type: 1 })),
      opsets: { '': this.opset, 'com.microsoft': 1 }, ir_version: this.ir_version,
    });
  }
}

const image = [1, 16, 12, 12];
const float = (value) => ({ float: value });
const tail = { scale: 0.03 }; // a scale other than the input's
const implied = { uint8: { scale: 6 / 255, zero_point: 0 }, int8: { scale: 6 / 255, zero_point: -128 } }; // [0, 6]

// One operator between Q/DQ: x -> DQ -> op -> Q. `same` keeps the input's scale at the output.
const unary = (op_type, { attributes, dims = image, extra = () => [], same = false, opset, domain } = {}) => ({
  opset,
  build: (b) => b.qdq(b.op(op_type, [b.input(dims), ...extra(b)], attributes, domain), same ? {} : tail),
});
const binary = (op_type, opset) => ({ opset, build: (b) => b.qdq(b.op(op_type, [b.input(image), b.input(image)]), tail) });
const after_conv = (add) => ({ build: (b) => b.qdq(...[add(b, b.conv(b.input(image)))].flat()) });
const ints = (...values) => (b) => [b.constant('int64', [values.length], (i) => values[i])];
const matmul = (options, dims = [1, 8, 32]) => ({
  build: (b) => b.qdq(b.op('MatMul', [b.input(dims), b.weight([32, 24], options)]), tail),
});
const gemm = (attributes, bias) => ({
  build: (b) => b.qdq(b.op('Gemm', [b.input([4, 32]), b.weight([24, 32], { axis: 0 }), ...bias(b)],
    { transB: 1, ...attributes }), tail),
});

const conv4 = (b, x, { cast, scale = 0.02 } = {}) =>
  b.op('Conv', [x, b.weight4([16, 16, 3, 3], { cast }), b.bias(16, { scale: scale * 0.01 })], { pads: [1, 1, 1, 1] });

/// {name: {build, opset, note}}: `build(builder)` returns the names of the model's outputs.
export const patterns = {
  // Conv: weights, bias, kinds
  conv: { build: (b) => b.qdq(b.conv(b.input(image)), tail) },
  conv_no_bias: { build: (b) => b.qdq(b.conv(b.input(image), { bias: 'none' }), tail) },
  conv_float_bias: { build: (b) => b.qdq(b.conv(b.input(image), { bias: 'float' }), tail) },
  conv_per_tensor_no_bias: { build: (b) => b.qdq(b.conv(b.input(image), { weight: { axis: undefined }, bias: 'none' }), tail) },
  conv_weight_int8_zero_point_3: { build: (b) => b.qdq(b.conv(b.input(image), { weight: { zero_point: 3 }, bias: 'none' }), tail) },
  conv_weight_uint8_per_tensor: { build: (b) => b.qdq(b.conv(b.input(image), { weight: { type: 'uint8', axis: undefined }, bias: 'none' }), tail) },
  conv_weight_uint8_per_channel: { build: (b) => b.qdq(b.conv(b.input(image), { weight: { type: 'uint8' }, bias: 'none' }), tail) },
  conv_weight_without_zero_point: { build: (b) => b.qdq(b.conv(b.input(image), { weight: { zero_point: null }, bias: 'none' }), tail) },
  conv_depthwise: { build: (b) => b.qdq(b.conv(b.input(image), { group: 16 }), tail) },
  conv_grouped: { build: (b) => b.qdq(b.conv(b.input(image), { group: 4 }), tail) },
  conv_1d: { build: (b) => b.qdq(b.conv(b.input([1, 16, 12]), { kernel: [3] }), tail) },
  conv_output_float: { build: (b) => b.conv(b.input(image)) },
  conv_input_float: { build: (b) => b.qdq(b.conv(b.float_input(image)), tail) },
  conv_output_other_type: { build: (b) => b.qdq(b.conv(b.input(image)), { ...tail, type: b.type === 'uint8' ? 'int8' : 'uint8' }) },
  conv_output_used_twice: { build: (b) => { const c = b.conv(b.input(image)); return [b.qdq(c, tail), b.op('Relu', [c])]; } },
  conv_two_readers_of_dq: { build: (b) => { const x = b.input(image); return [b.qdq(b.conv(x), tail), b.qdq(b.conv(x), tail)]; } },
  conv_transpose: { build: (b) => b.qdq(b.op('ConvTranspose', [b.input(image), b.weight([16, 8, 3, 3], { axis: 1 })], {}), tail) },

  // Conv and an activation, no Q/DQ between the two
  conv_relu_zero_point_at_zero: after_conv((b, c) => [b.op('Relu', [c]), implied[b.type]]),
  conv_relu_zero_point_inside: after_conv((b, c) => [b.op('Relu', [c]), tail]),
  conv_clip_range_is_clip: after_conv((b, c) => [b.op('Clip', [c, b.constant('float32', [], 0), b.constant('float32', [], 6)]), implied[b.type]]),
  conv_clip_range_inside_clip: after_conv((b, c) => [b.op('Clip', [c, b.constant('float32', [], 0), b.constant('float32', [], 6)]), { ...implied[b.type], scale: 3 / 255 }]),
  conv_clip_range_beyond_clip: after_conv((b, c) => [b.op('Clip', [c, b.constant('float32', [], 0), b.constant('float32', [], 6)]), { ...implied[b.type], scale: 8 / 255 }]),
  conv_clip6_attributes_opset10: { opset: 10, build: (b) => b.qdq(b.op('Clip', [b.conv(b.input(image), { weight: { axis: undefined }, bias: 'none' })], { min: float(0), max: float(6) }), implied[b.type]) },
  conv_leaky_relu: after_conv((b, c) => [b.op('LeakyRelu', [c], { alpha: float(0.1) }), tail]),
  conv_sigmoid: after_conv((b, c) => [b.op('Sigmoid', [c]), tail]),
  conv_hard_swish: { opset: 14, ...after_conv((b, c) => [b.op('HardSwish', [c]), tail]) },
  conv_qdq_leaky_relu: after_conv((b, c) => [b.op('LeakyRelu', [b.qdq(c, tail)], { alpha: float(0.1) }), tail]),
  conv_qdq_silu: after_conv((b, c) => { const d = b.qdq(c, tail); return [b.op('Mul', [d, b.qdq(b.op('Sigmoid', [d]), { scale: 1 / 256, zero_point: b.type === 'uint8' ? 0 : -128 })]), tail]; }),
  conv_batch_norm: after_conv((b, c) => [b.op('BatchNormalization', [c, ...[1, 2, 3, 4].map((v) => b.constant('float32', [16], v))]), tail]),

  // Residual connections
  conv_add_relu_bare: after_conv((b, c) => [b.op('Relu', [b.op('Add', [c, b.input(image)])]), implied[b.type]]),
  conv_qdq_add_relu: after_conv((b, c) => [b.op('Relu', [b.op('Add', [b.qdq(c, tail), b.input(image)])]), implied[b.type]]),
  conv_qdq_add_relu_zero_point_inside: after_conv((b, c) => [b.op('Relu', [b.op('Add', [b.qdq(c, tail), b.input(image)])]), tail]),
  conv_qdq_add_qdq_relu: after_conv((b, c) => [b.op('Relu', [b.qdq(b.op('Add', [b.qdq(c, tail), b.input(image)]), tail)]), implied[b.type]]),
  add: binary('Add'), sub: binary('Sub'), mul: binary('Mul'), div: binary('Div'), min: binary('Min'), max: binary('Max'), pow: binary('Pow'),
  add_constant_quantized: { build: (b) => b.qdq(b.op('Add', [b.input(image), b.weight([16, 1, 1], { type: b.type })]), tail) },
  add_constant_float: { build: (b) => b.qdq(b.op('Add', [b.input(image), b.constant('float32', [16, 1, 1], 0.5)]), tail) },
  mul_constant_quantized: { build: (b) => b.qdq(b.op('Mul', [b.input(image), b.weight([16, 1, 1], { type: b.type })]), tail) },
  mul_channel_gate: { build: (b) => b.qdq(b.op('Mul', [b.input(image), b.input([1, 16, 1, 1])]), tail) },

  // Matrix products
  matmul: matmul({}), matmul_weight_per_column: matmul({ axis: 1 }), matmul_weight_uint8: matmul({ type: 'uint8' }),
  matmul_activations: { build: (b) => b.qdq(b.op('MatMul', [b.input([2, 8, 16]), b.input([2, 16, 8])]), tail) },
  matmul_output_float: { build: (b) => b.op('MatMul', [b.input([1, 8, 32]), b.weight([32, 24], { axis: 1 })]) },
  matmul_add_float_bias: { build: (b) => b.qdq(b.op('Add', [b.op('MatMul', [b.input([1, 8, 32]), b.weight([32, 24], { axis: 1 })]), b.constant('float32', [24], 0.5)]), tail) },
  matmul_add_float_bias_2d: { build: (b) => b.qdq(b.op('Add', [b.op('MatMul', [b.input([8, 32]), b.weight([32, 24], { axis: 1 })]), b.constant('float32', [24], 0.5)]), tail) },
  matmul_qdq_add_quantized_bias: { build: (b) => b.qdq(b.op('Add', [b.qdq(b.op('MatMul', [b.input([1, 8, 32]), b.weight([32, 24], { axis: 1 })]), tail), b.weight([24], { type: b.type })]), tail) },
  gemm_bias: gemm({}, (b) => [b.bias(24)]), gemm_no_bias: gemm({}, () => []),
  gemm_float_bias: gemm({}, (b) => [b.constant('float32', [24], 0.5)]),
  gemm_alpha: gemm({ alpha: float(0.5) }, (b) => [b.bias(24)]), gemm_beta: gemm({ beta: float(0.5) }, (b) => [b.bias(24)]),
  gemm_relu: { build: (b) => b.qdq(b.op('Relu', [b.op('Gemm', [b.input([4, 32]), b.weight([24, 32], { axis: 0 }), b.bias(24)], { transB: 1 })]), implied[b.type]) },
  gemm_output_float: { build: (b) => b.op('Gemm', [b.input([4, 32]), b.weight([24, 32], { axis: 0 }), b.bias(24)], { transB: 1 }) },
  gemm_weight_without_zero_point: { build: (b) =>
    b.qdq(b.op('Gemm', [b.input([4, 32]), b.weight([24, 32], { axis: 0, zero_point: null }), b.bias(24)], { transB: 1 }), tail) },
  gemm_weight_not_transposed: { build: (b) => b.qdq(b.op('Gemm', [b.input([4, 32]), b.weight([32, 24], { axis: 1 }), b.bias(24)]), tail) },

  // Pooling, joining, splitting
  max_pool: unary('MaxPool', { attributes: { kernel_shape: [2, 2], strides: [2, 2] }, same: true, opset: 12 }),
  max_pool_other_scale: unary('MaxPool', { attributes: { kernel_shape: [2, 2], strides: [2, 2] }, opset: 12 }),
  max_pool_opset11: { opset: 11, build: (b) => b.qdq(b.op('MaxPool', [b.input(image)], { kernel_shape: [2, 2] })) },
  average_pool: unary('AveragePool', { attributes: { kernel_shape: [2, 2], strides: [2, 2] } }),
  average_pool_padded: unary('AveragePool', { attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } }),
  global_average_pool: unary('GlobalAveragePool'), global_max_pool: unary('GlobalMaxPool', { same: true }),
  reduce_mean_spatial: unary('ReduceMean', { attributes: { axes: [2, 3] } }),
  concat_one_scale: { build: (b) => b.qdq(b.op('Concat', [b.input(image), b.input(image)], { axis: 1 })) },
  concat_three_scales: { build: (b) => b.qdq(b.op('Concat', [b.input(image), b.input(image, tail)], { axis: 1 }), { scale: 0.05 }) },
  split: { build: (b) => { const [s, t] = [b.fresh('s'), b.fresh('s')]; b.nodes.push(node('Split', [b.input(image), ...ints(8, 8)(b)], [s, t], { axis: 1 })); return [b.qdq(s), b.qdq(t)]; } },
  slice: unary('Slice', { extra: (b) => [...ints(0)(b), ...ints(8)(b), ...ints(1)(b)], same: true }),
  gather: unary('Gather', { extra: ints(1, 3), attributes: { axis: 1 }, same: true }),
  pad: unary('Pad', { extra: ints(0, 0, 1, 1, 0, 0, 1, 1), same: true }),
  where: { build: (b) => { b.inputs.push({ name: 'mask', type: 9, dims: image }); return b.qdq(b.op('Where', ['mask', b.input(image), b.input(image)])); } },

  // Moving data
  reshape: unary('Reshape', { extra: ints(1, -1), same: true }), reshape_other_scale: unary('Reshape', { extra: ints(1, -1) }),
  transpose: unary('Transpose', { attributes: { perm: [0, 2, 3, 1] }, same: true }), transpose_other_scale: unary('Transpose', { attributes: { perm: [0, 2, 3, 1] } }),
  flatten: unary('Flatten', { same: true }), squeeze: unary('Squeeze', { dims: [1, 16, 1, 1], extra: ints(2, 3), same: true }),
  unsqueeze: unary('Unsqueeze', { extra: ints(0), same: true }), expand: unary('Expand', { dims: [1, 16, 1, 1], extra: ints(1, 16, 4, 4), same: true }),
  tile: unary('Tile', { extra: ints(1, 1, 2, 2), same: true }), depth_to_space: unary('DepthToSpace', { attributes: { blocksize: 2 }, same: true }),
  identity: unary('Identity', { same: true }), dropout: unary('Dropout', { same: true }),
  resize_nearest: { build: (b) => b.qdq(b.op('Resize', [b.input(image), '', b.constant('float32', [4], (i) => (i < 2 ? 1 : 2))], { mode: 'nearest' })) },
  resize_linear: { build: (b) => b.qdq(b.op('Resize', [b.input(image), '', b.constant('float32', [4], (i) => (i < 2 ? 1 : 2))], { mode: 'linear' })) },

  // Activations and normalizations alone between Q/DQ
  relu: unary('Relu', {}), relu_same_scale_zero_point_at_zero: { build: (b) => b.qdq(b.op('Relu', [b.input(image, tail)]), implied[b.type]) },
  clip: { build: (b) => b.qdq(b.op('Clip', [b.input(image), b.constant('float32', [], 0), b.constant('float32', [], 6)]), implied[b.type]) },
  leaky_relu: unary('LeakyRelu', { attributes: { alpha: float(0.1) } }), prelu: unary('PRelu', { extra: (b) => [b.weight([16, 1, 1])] }),
  sigmoid: unary('Sigmoid'), tanh: unary('Tanh'), elu: unary('Elu'), hard_sigmoid: unary('HardSigmoid'), hard_swish: unary('HardSwish', { opset: 14 }),
  softmax: unary('Softmax', { attributes: { axis: 1 } }), softmax_last_axis: unary('Softmax', { attributes: { axis: -1 } }),
  erf: unary('Erf'), gelu_opset20: unary('Gelu', { opset: 20 }), exp: unary('Exp'), sqrt: unary('Sqrt'), neg: unary('Neg'),
  gelu_pattern: { build: (b) => { const x = b.input(image); const e = b.op('Erf', [b.op('Div', [x, b.constant('float32', [], Math.SQRT2)])]); return b.qdq(b.op('Mul', [b.op('Mul', [x, b.op('Add', [e, b.constant('float32', [], 1)])]), b.constant('float32', [], 0.5)]), tail); } },
  layer_norm: unary('LayerNormalization', { opset: 17, extra: (b) => [b.constant('float32', [12], 1), b.constant('float32', [12], 0)] }),
  batch_norm: unary('BatchNormalization', { extra: (b) => [1, 2, 3, 4].map((v) => b.constant('float32', [16], v)) }),
  instance_norm: unary('InstanceNormalization', { extra: (b) => [1, 2].map((v) => b.constant('float32', [16], v)) }),
  argmax: { build: (b) => b.op('Cast', [b.op('ArgMax', [b.input(image)], { axis: 1 })], { to: 1 }) },

  // Chains
  conv_conv: { build: (b) => b.qdq(b.conv(b.qdq(b.op('Relu', [b.conv(b.input(image))]), { zero_point: b.type === 'uint8' ? 0 : -128 })), tail) },
  max_pool_of_conv_without_qdq_between: { opset: 12, build: (b) => b.qdq(b.op('MaxPool', [b.op('Relu', [b.conv(b.input(image), { weight: { axis: undefined }, bias: 'none' })])], { kernel_shape: [2, 2] }), implied[b.type]) },
  relu_between_qdq_pairs: after_conv((b, c) => [b.op('Relu', [b.qdq(c, tail)]), implied[b.type]]),

  // 4 bits
  conv_int4_cast: { opset: 21, build: (b) => b.qdq(conv4(b, b.input(image)), tail) },
  conv_int4: { opset: 21, build: (b) => b.qdq(conv4(b, b.input(image), { cast: false }), tail) },
  gemm_int4_cast: { opset: 21, build: (b) => b.qdq(b.op('Gemm', [b.input([4, 32]), b.weight4([24, 32]), b.bias(24)], { transB: 1 }), tail) },
  matmul_int4_cast: { opset: 21, build: (b) => b.qdq(b.op('MatMul', [b.input([1, 8, 32]), b.weight4([32, 24], { axis: 1 })]), tail) },
  conv_clip4_conv: { opset: 21, build: (b) => b.qdq(conv4(b, b.qdq4(conv4(b, b.input(image)), 0.2), { scale: 0.2 }), tail) },
  conv_clip4_add: { opset: 21, build: (b) => { const x = b.qdq4(conv4(b, b.input(image)), 0.2); return b.qdq4(b.op('Add', [x, b.qdq4(conv4(b, x, { scale: 0.2 }), 0.3)]), 0.4); } },
  two_qdq_pairs: { build: (b) => b.qdq(b.conv(b.qdq(b.input(image), tail)), tail) },
};
