#!/usr/bin/env node
// ONNX Runtime as the judge of ONNX models, for tests and benchmarks: one JSON document on stdout; exit 2 and one line on
// stderr when it cannot. `node judge.mjs` lists the commands.
import fs from 'node:fs';
import path from 'node:path';
import { list_arrays, read_array } from './arrays.mjs';
import { compare_tensors, numbers_of } from './metrics.mjs';
import { element_types, write_tensor } from './proto.mjs';

const usage = `usage: node judge.mjs COMMAND ... ; one JSON document on stdout
  run MODEL [--inputs DIR|FILE]... [--outputs DIR]     run once; writes output_K.pb (and says where output K is from)
  compare MODEL_A MODEL_B [--inputs DIR|FILE]...       both on the same inputs; differences relative to max|a|
  accuracy MODEL --data FILE.npz | --raw-inputs DIR    top-1, top-5; with --reference MODEL also agreement and SQNR
      [--array NAME] [--input NAME] [--output NAME] [--labels FILE] [--from I] [--to J] [--batch N]
      [--scale S] [--mean A,B,C] [--std A,B,C] [--layout nchw|nhwc] [--reverse-channels]   x = (raw * S - mean) / std
  graph MODEL [--level all|extended|basic]             operators of the optimized graph; what stayed float
  latency MODEL... [--runs N] [--warmup N]             times of synchronous runs, models in turn
Inputs that are not given are random: [--seed S] [--batch N] [--input-shape NAME=1,3,8,8]... [--fill NAME=VALUE]...
Everywhere: [--threads N] (1)`;

const list_options = new Set(['inputs', 'input-shape', 'fill']);
const flag_options = new Set(['reverse-channels']);
const known_options = new Set([...list_options, ...flag_options, 'outputs', 'seed', 'batch', 'data', 'raw-inputs', 'array',
  'input', 'output', 'labels', 'from', 'to', 'scale', 'mean', 'std', 'layout', 'reference', 'level', 'provider', 'runs',
  'warmup', 'threads']);
const number_options = ['seed', 'batch', 'from', 'to', 'scale', 'runs', 'warmup', 'threads'];

function parse_arguments(words) {
  const [positional, options] = [[], { inputs: [], input_shape: [], fill: [] }];
  for (let i = 0; i < words.length; ++i) {
    if (!words[i].startsWith('--')) {
      positional.push(words[i]);
      continue;
    }
    const name = words[i].slice(2);
    if (!known_options.has(name)) throw new Error(`unknown option --${name}`);
    const key = name.replace('-', '_');
    if (flag_options.has(name)) options[key] = true;
    else if (++i >= words.length) throw new Error(`--${name} needs a value`);
    else if (list_options.has(name)) {
      options[key].push(words[i]);
      while (name === 'inputs' && i + 1 < words.length && !words[i + 1].startsWith('--')) options[key].push(words[++i]);
    } else options[key] = words[i];
  }
  return { positional, options: with_types(options) };
}

function with_types(options) {
  for (const name of number_options) {
    if (options[name] === undefined) continue;
    if (!Number.isFinite(Number(options[name]))) throw new Error(`--${name} '${options[name]}' is not a number`);
    options[name] = Number(options[name]);
  }
  for (const name of ['mean', 'std']) if (options[name]) options[name] = options[name].split(',').map(Number);
  const pairs = (list) => Object.fromEntries(list.map((text) => {
    const at = text.lastIndexOf('=');
    return [text.slice(0, at), text.slice(at + 1)];
  }));
  const shapes = Object.entries(pairs(options.input_shape));
  options.shapes = Object.fromEntries(shapes.map(([name, dims]) => [name, dims ? dims.split(',').map(Number) : []]));
  options.fill = pairs(options.fill);
  if (options.layout === 'nchw') delete options.layout;
  return options;
}

// Files are given to inputs by name where the names fit, else by place; the rest is random.
function choose_inputs(session, options, random_inputs) {
  const given = list_arrays(options.inputs).map(read_array);
  if (given.length > session.inputs.length)
    throw new Error(`${given.length} input files for ${session.inputs.length} inputs`);
  const names = new Set(session.inputs.map(({ name }) => name));
  const by_name = given.every(({ name }) => names.has(name));
  const chosen = Object.fromEntries(given.map((tensor, i) => [by_name ? tensor.name : session.inputs[i].name, tensor]));
  const missing = session.inputs.filter(({ name }) => !chosen[name]);
  const tensors = { ...chosen, ...random_inputs({ inputs: missing }, options) };
  for (const [name, value] of Object.entries(options.fill)) {
    if (!tensors[name]) throw new Error(`--fill: the model has no input '${name}'`);
    tensors[name].data.fill(typeof tensors[name].data[0] === 'bigint' ? BigInt(value) : Number(value));
  }
  return tensors;
}

async function run([model], options) {
  const { Session, random_inputs, onnxruntime_version } = await import('./session.mjs');
  const session = new Session(model, options);
  const results = session.run(choose_inputs(session, options, random_inputs));
  if (options.outputs) fs.mkdirSync(options.outputs, { recursive: true });
  const outputs = Object.values(results).map((tensor, i) => {
    const file = options.outputs && path.join(options.outputs, `output_${i}.pb`);
    if (file) fs.writeFileSync(file, write_tensor(tensor));
    return { name: tensor.name, type: element_types.get(tensor.type)[0], dims: tensor.dims, file,
      first: tensor.type === 8 ? tensor.data.slice(0, 4) : Array.from(numbers_of(tensor).slice(0, 4)) };
  });
  return { onnxruntime: onnxruntime_version, model, outputs };
}

async function compare([model_a, model_b], options) {
  const { Session, random_inputs, onnxruntime_version } = await import('./session.mjs');
  const [a, b] = [new Session(model_a, options), new Session(model_b, options)];
  const inputs = choose_inputs(a, options, random_inputs);
  const absent = b.inputs.filter(({ name }) => !inputs[name]).map(({ name }) => name);
  if (absent.length) throw new Error(`${model_b}: input '${absent[0]}' is not an input of ${model_a}`);
  const [results_a, results_b] = [a.run(inputs), b.run(inputs)];
  const outputs = Object.values(results_a).map((tensor) => {
    const other = results_b[tensor.name];
    if (!other) throw new Error(`${model_b}: no output '${tensor.name}'`);
    return { name: tensor.name, ...compare_tensors(tensor, other) };
  });
  const worst = Math.max(0, ...outputs.map(({ error, max_relative }) => (error ? Infinity : max_relative)));
  return { onnxruntime: onnxruntime_version, seed: options.seed ?? 1,
    same_shapes: outputs.every(({ error }) => !error), max_relative: Number.isFinite(worst) ? worst : null,
    nonfinite_mismatch_count: outputs.reduce((sum, output) => sum + (output.nonfinite_mismatch_count ?? 0), 0), outputs };
}

async function accuracy([model], options) {
  if (!options.data === !options.raw_inputs) throw new Error('accuracy needs either --data or --raw-inputs');
  const { measure_accuracy } = await import('./accuracy.mjs');
  const { onnxruntime_version } = await import('./session.mjs');
  return { onnxruntime: onnxruntime_version, model, reference: options.reference, ...measure_accuracy(model, options) };
}

async function graph([model], options) {
  if (options.provider && options.provider !== 'cpu') throw new Error(`provider '${options.provider}': only cpu is known`);
  if (!fs.existsSync(model)) throw new Error(`${model}: no such file`);
  const { inspect_optimized } = await import('./graph.mjs');
  const { onnxruntime_version } = await import('./session.mjs');
  const level = options.level ?? 'all';
  return { onnxruntime: onnxruntime_version, model, level, ...inspect_optimized(model, level) };
}

async function latency(models, options) {
  const { measure_latency } = await import('./latency.mjs');
  const { Session, onnxruntime_version, random_inputs } = await import('./session.mjs');
  const named = options.inputs.length || Object.keys(options.fill).length
    ? choose_inputs(new Session(models[0], options), options, random_inputs) : {};
  return { onnxruntime: onnxruntime_version, ...measure_latency(models, { ...options, inputs: named }) };
}

const commands = { run: [run, 1], compare: [compare, 2], accuracy: [accuracy, 1], graph: [graph, 1], latency: [latency, 0] };

async function main(words) {
  const [handler, model_count] = commands[words[0]] ?? [];
  if (!handler) throw new Error(words.length ? `unknown command '${words[0]}'; try: node judge.mjs --help` : usage);
  const { positional, options } = parse_arguments(words.slice(1));
  if (positional.length === 0 || (model_count && positional.length !== model_count))
    throw new Error(`${words[0]} takes ${model_count || 'one or more'} model file(s), not ${positional.length}`);
  return handler(positional, options);
}

if (['--help', '-h', 'help'].includes(process.argv[2])) {
  console.log(usage);
} else {
  try {
    console.log(JSON.stringify(await main(process.argv.slice(2)), null, 1));
  } catch (error) {
    console.error(`judge: ${String(error.message ?? error).replace(/\s*\n\s*/g, ' ')}`);
    process.exitCode = 2;
  }
}
