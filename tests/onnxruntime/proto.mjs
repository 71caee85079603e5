// ONNX messages as plain objects, read and written: enough of onnx.proto to hand tensors to ONNX Runtime, to look into
// the graph it optimized, and to write small models for experiments. A tensor is {name, type, dims, data}.
import { append_numbers, fields, MessageWriter, signed, to_number, to_text } from './wire.mjs';

/// TensorProto.DataType: [name used by onnxruntime-node, array type, bits of an element].
export const element_types = new Map([
  [1, ['float32', Float32Array, 32]],
  [2, ['uint8', Uint8Array, 8]],
  [3, ['int8', Int8Array, 8]],
  [4, ['uint16', Uint16Array, 16]],
  [5, ['int16', Int16Array, 16]],
  [6, ['int32', Int32Array, 32]],
  [7, ['int64', BigInt64Array, 64]],
  [8, ['string', Array, 0]],
  [9, ['bool', Uint8Array, 8]],
  [10, ['float16', Uint16Array, 16]],
  [11, ['float64', Float64Array, 64]],
  [12, ['uint32', Uint32Array, 32]],
  [13, ['uint64', BigUint64Array, 64]],
  [16, ['bfloat16', Uint16Array, 16]],
  [21, ['uint4', Uint8Array, 4]],
  [22, ['int4', Uint8Array, 4]],
]);

/// The number of a data type by its name: `type_code('float32') === 1`.
export function type_code(name) {
  for (const [code, [type_name]] of element_types) if (type_name === name) return code;
  throw new Error(`unknown element type '${name}'`);
}

export const element_count = (dims) => dims.reduce((product, dim) => product * dim, 1);

/// A TensorProto's bytes -> {name, type, dims, data}. Throws for external data and types without an array type.
export function read_tensor(bytes) {
  const tensor = { name: '', type: 0, dims: [] };
  const parts = { raw: null, floats: [], varints: [], doubles: [], strings: [] };
  for (const field of fields(bytes)) read_tensor_field(tensor, parts, field);
  const known = element_types.get(tensor.type);
  if (!known) throw new Error(`tensor '${tensor.name}': element type ${tensor.type} is not supported by the judge`);
  if (parts.external) throw new Error(`tensor '${tensor.name}': external data is not supported by the judge`);
  tensor.data = tensor_data(known, parts);
  return tensor;
}

function read_tensor_field(tensor, parts, field) {
  if (field.number === 1) append_numbers(tensor.dims, field, 'varint');
  else if (field.number === 2) tensor.type = to_number(field.value);
  else if (field.number === 4) append_numbers(parts.floats, field, 'float');
  else if ([5, 7, 11].includes(field.number)) append_numbers(parts.varints, field, 'varint');
  else if (field.number === 6) parts.strings.push(to_text(field.value));
  else if (field.number === 8) tensor.name = to_text(field.value);
  else if (field.number === 9) parts.raw = field.value;
  else if (field.number === 10) append_numbers(parts.doubles, field, 'double');
  else if (field.number === 14) parts.external = to_number(field.value) === 1;
  tensor.dims = tensor.dims.map(Number);
}

function tensor_data([, ArrayType], parts) {
  if (ArrayType === Array) return parts.strings;
  if (parts.raw) return new ArrayType(new Uint8Array(parts.raw).buffer);
  if (parts.floats.length) return ArrayType.from(parts.floats);
  if (parts.doubles.length) return ArrayType.from(parts.doubles);
  if (ArrayType === BigInt64Array || ArrayType === BigUint64Array) return ArrayType.from(parts.varints);
  return ArrayType.from(parts.varints, (value) => Number(signed(value)));
}

/// {name, type, dims, data} -> a TensorProto's bytes.
export function write_tensor({ name, type, dims, data }) {
  const writer = new MessageWriter().varints(1, dims).varint(2, type);
  if (type === 8) for (const value of data) writer.text(6, value);
  writer.text(8, name);
  if (type !== 8) writer.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return writer.finish();
}

/// A ModelProto's bytes -> {ir_version, opsets: {domain: version}, graph}; graph = {nodes, inputs, outputs, constants},
/// constants = names, constant_types = {name: element type}, node = {name, op_type, domain, inputs, outputs, attributes: {name: value}}; a nested graph is an attribute's value.
export function read_model(bytes) {
  const model = { ir_version: 0, opsets: {}, graph: null };
  for (const { number, value } of fields(bytes)) {
    if (number === 1) model.ir_version = to_number(value);
    if (number === 7) model.graph = read_graph(value);
    if (number === 8) Object.assign(model.opsets, read_opset(value));
  }
  if (!model.graph) throw new Error('the file holds no ONNX graph');
  return model;
}

function read_opset(bytes) {
  let [domain, version] = ['', 0];
  for (const { number, value } of fields(bytes)) {
    if (number === 1) domain = to_text(value);
    if (number === 2) version = to_number(value);
  }
  return { [domain]: version };
}

function read_graph(bytes) {
  const graph = { nodes: [], inputs: [], outputs: [], constants: [], constant_types: {} };
  for (const { number, value } of fields(bytes)) {
    if (number === 1) graph.nodes.push(read_node(value));
    if (number === 5) read_constant(graph, value);
    if (number === 11) graph.inputs.push(read_name(value, 1));
    if (number === 12) graph.outputs.push(read_name(value, 1));
  }
  return graph;
}

function read_constant(graph, bytes) {
  let [name, type] = ['', 0];
  for (const { number, value } of fields(bytes)) {
    if (number === 2) type = to_number(value);
    if (number === 8) name = to_text(value);
  }
  graph.constants.push(name);
  graph.constant_types[name] = type;
}

function read_name(bytes, name_field) {
  for (const { number, value } of fields(bytes)) if (number === name_field) return to_text(value);
  return '';
}

function read_node(bytes) {
  const node = { name: '', op_type: '', domain: '', inputs: [], outputs: [], attributes: {} };
  for (const { number, value } of fields(bytes)) {
    if (number === 1) node.inputs.push(to_text(value));
    if (number === 2) node.outputs.push(to_text(value));
    if (number === 3) node.name = to_text(value);
    if (number === 4) node.op_type = to_text(value);
    if (number === 5) Object.assign(node.attributes, read_attribute(value));
    if (number === 7) node.domain = to_text(value);
  }
  return node;
}

function read_attribute(bytes) {
  let [name, result] = ['', null];
  const ints = [];
  for (const field of fields(bytes)) {
    if (field.number === 1) name = to_text(field.value);
    if (field.number === 3) result = to_number(field.value);
    if (field.number === 4) result = to_text(field.value);
    if (field.number === 6) result = read_graph(field.value);
    if (field.number === 8) append_numbers(ints, field, 'varint');
  }
  return { [name]: ints.length ? ints.map(to_number) : result };
}

/// Writes a model. `nodes` are made by `node()`, `constants` are tensors, inputs and outputs are
/// {name, type, dims} with a string for a symbolic dim; `opsets` is {domain: version}.
export function write_model({ nodes, inputs, outputs, constants = [], opsets = { '': 13 }, ir_version = 8 }) {
  const graph = write_graph({ nodes, inputs, outputs, constants });
  const writer = new MessageWriter().varint(1, ir_version).bytes(7, graph);
  for (const [domain, version] of Object.entries(opsets))
    writer.bytes(8, new MessageWriter().text(1, domain).varint(2, version).finish());
  return writer.finish();
}

function write_graph({ nodes, inputs = [], outputs, constants = [] }) {
  return new MessageWriter()
    .messages(1, nodes).text(2, 'g').messages(5, constants.map(write_tensor))
    .messages(11, inputs.map(write_value)).messages(12, outputs.map(write_value)).finish();
}

function write_value({ name, type, dims }) {
  const shape = new MessageWriter();
  for (const dim of dims ?? [])
    shape.bytes(1, typeof dim === 'string' ? new MessageWriter().text(2, dim).finish()
      : new MessageWriter().varint(1, dim).finish());
  const tensor_type = new MessageWriter().varint(1, type).bytes(2, dims && shape.finish()).finish();
  return new MessageWriter().text(1, name).bytes(2, new MessageWriter().bytes(1, tensor_type).finish()).finish();
}

/// One node's bytes: `node('Conv', ['x', 'w'], ['y'], {pads: [1, 1, 1, 1]})`. Integers, lists of integers and text are
/// written as such; a float is given as {float: 0.1}, a tensor as {tensor: {...}}, a graph as {graph: {nodes, outputs, constants}}.
export function node(op_type, inputs, outputs, attributes = {}, domain = '') {
  const writer = new MessageWriter();
  for (const name of inputs) writer.text(1, name);
  for (const name of outputs) writer.text(2, name);
  writer.text(3, `${op_type}_${outputs[0]}`).text(4, op_type);
  writer.messages(5, Object.entries(attributes).map(write_attribute));
  return writer.text(7, domain || undefined).finish();
}

function write_attribute([name, value]) {
  const writer = new MessageWriter().text(1, name);
  if (Array.isArray(value)) writer.varints(8, value).varint(20, 7);
  else if (typeof value === 'number') writer.varint(3, value).varint(20, 2);
  else if (typeof value === 'string') writer.text(4, value).varint(20, 3);
  else if (value.tensor) writer.bytes(5, write_tensor(value.tensor)).varint(20, 4);
  else if (value.graph) writer.bytes(6, write_graph(value.graph)).varint(20, 5);
  else writer.float(2, value.float).varint(20, 1);
  return writer.finish();
}
