// A classifier over labelled samples: top-1, top-5, and agreement with a reference model on identical tensors.
import fs from 'node:fs';
import path from 'node:path';
import { list_arrays, read_array, read_npz } from './arrays.mjs';
import { decibels, numbers_of, top_indices, wilson_interval } from './metrics.mjs';
import { element_count } from './proto.mjs';
import { Session } from './session.mjs';

/// options: data (.npz) or raw_inputs (folder of .npy), labels, array, input, output, from, to, batch, scale, mean, std,
/// layout, reverse_channels, reference, threads. Returns the JSON report's object.
export function measure_accuracy(model, options) {
  const session = new Session(model, options);
  const reference = options.reference && new Session(options.reference, options);
  const input = find_named(session.inputs, options.input, 'input');
  const samples = load_samples(input, options);
  const tally = { count: 0, labelled: 0, top1: 0, top5: 0, agree: 0, signal: 0, error: 0, sample_db: 0, db_count: 0 };
  const fixed = typeof input.dims[0] === 'number' ? input.dims[0] : 0;
  const step = fixed || options.batch || 1;
  for (let at = samples.from; at < samples.to; at += step) {
    const count = Math.min(step, samples.to - at);
    if (fixed && count < fixed) throw new Error(`the model's batch ${fixed} does not divide the samples`);
    const tensor = make_batch(samples, input, { at, count, options });
    const scores = scores_of(session, tensor, options);
    const wanted = reference && scores_of(reference, tensor, options);
    for (let i = 0; i < count; ++i) add_sample(tally, scores[i], { wanted: wanted?.[i], label: samples.labels?.[at + i] });
  }
  return summarize(tally, Boolean(reference));
}

function find_named(list, name, kind) {
  const found = name === undefined ? list[0] : list.find((value) => value.name === name);
  if (!found) throw new Error(`the model has no ${kind} '${name}'; it has ${list.map((value) => value.name).join(', ')}`);
  return found;
}

function load_samples(input, options) {
  const { data, labels } = options.data ? from_npz(input, options) : from_folder(input, options);
  const total = data.dims[0];
  const to = Math.min(options.to ?? total, total);
  const from = options.from ?? 0;
  if (!(from < to)) throw new Error(`no samples in [${from}:${to}] of ${total}`);
  return { data, labels, from, to };
}

function from_npz(input, options) {
  const arrays = read_npz(options.data);
  const names = Object.keys(arrays).filter((name) => name !== 'labels');
  const name = options.array ?? (names.includes(input.name) ? input.name : names[0]);
  if (!arrays[name]) throw new Error(`${options.data} has no array '${name}'; it has ${names.join(', ')}`);
  return { data: arrays[name], labels: arrays.labels && Array.from(arrays.labels.data, Number) };
}

// A file of the folder is a batch ([n, ...]) or, with one dim less than the input, one sample.
function from_folder(input, options) {
  const arrays = list_arrays([options.raw_inputs]).map(read_array)
    .map((array) => (array.dims.length < input.dims.length ? { ...array, dims: [1, ...array.dims] } : array));
  if (!arrays.length) throw new Error(`${options.raw_inputs}: no .npy or .pb files`);
  const [first] = arrays;
  const data = new first.data.constructor(arrays.reduce((sum, { data: part }) => sum + part.length, 0));
  let at = 0;
  for (const { data: part } of arrays) {
    data.set(part, at);
    at += part.length;
  }
  const count = arrays.reduce((sum, { dims }) => sum + dims[0], 0);
  return { data: { ...first, dims: [count, ...first.dims.slice(1)], data }, labels: read_labels(options) };
}

function read_labels({ labels, raw_inputs }) {
  const file = labels ?? ['labels.npy', 'labels.csv'].map((name) => path.join(raw_inputs, name)).find(fs.existsSync);
  if (!file) return undefined;
  if (file.endsWith('.npy')) return Array.from(read_array(file).data, Number);
  const lines = fs.readFileSync(file, 'utf8').trim().split('\n').slice(1);
  return lines.map((line) => Number(line.slice(line.lastIndexOf(',') + 1)));
}

// x = (raw * scale - mean) / std per channel; layout nhwc moves the last axis of the data in front of the two before it.
function make_batch({ data }, input, { at, count, options }) {
  const sample_dims = data.dims.slice(1);
  const size = element_count(sample_dims);
  const raw = data.data.subarray(at * size, (at + count) * size);
  const plain = !options.mean && !options.std && options.scale === undefined && !options.layout && !options.reverse_channels;
  if (plain) return { type: input.type, dims: [count, ...sample_dims], data: as_type(input, raw) };
  const nhwc = options.layout === 'nhwc';
  const channels = nhwc ? sample_dims[2] : sample_dims[0];
  const area = size / channels;
  const values = new Float32Array(count * size);
  for (let i = 0; i < values.length; ++i) {
    const [sample, channel, pixel] = [Math.floor(i / size), Math.floor((i % size) / area), i % area];
    const source = options.reverse_channels ? channels - 1 - channel : channel;
    const value = raw[sample * size + (nhwc ? pixel * channels + source : source * area + pixel)];
    values[i] = (value * (options.scale ?? 1) - pick(options.mean, channel, 0)) / pick(options.std, channel, 1);
  }
  const dims = nhwc ? [channels, sample_dims[0], sample_dims[1]] : sample_dims;
  return { type: input.type, dims: [count, ...dims], data: values };
}

const pick = (list, channel, absent) => list?.[list.length === 1 ? 0 : channel] ?? absent;

function as_type({ type, name }, raw) {
  if (type !== 1) throw new Error(`input '${name}' is not float32; accuracy has no rule for its type`);
  return raw instanceof Float32Array ? raw : Float32Array.from(raw, Number);
}

// One list of class scores for each sample of the batch, all dims but the first taken together.
function scores_of(session, tensor, options) {
  const input = find_named(session.inputs, options.input, 'input');
  const output = find_named(session.outputs, options.output, 'output');
  const result = session.run({ [input.name]: tensor })[output.name];
  const scores = numbers_of(result);
  const [count, size] = [tensor.dims[0], scores.length / tensor.dims[0]];
  return Array.from({ length: count }, (_, i) => scores.subarray(i * size, (i + 1) * size));
}

function add_sample(tally, scores, { wanted, label }) {
  const best = top_indices(scores, 5);
  tally.count += 1;
  if (label !== undefined) {
    tally.labelled += 1;
    tally.top1 += best[0] === label ? 1 : 0;
    tally.top5 += best.includes(label) ? 1 : 0;
  }
  if (!wanted) return;
  tally.agree += best[0] === top_indices(wanted, 1)[0] ? 1 : 0;
  let [signal, error] = [0, 0];
  for (let i = 0; i < scores.length; ++i) {
    signal += wanted[i] ** 2;
    error += (wanted[i] - scores[i]) ** 2;
  }
  tally.signal += signal;
  tally.error += error;
  if (error > 0) {
    tally.sample_db += decibels(signal, error);
    tally.db_count += 1;
  }
}

function summarize(tally, has_reference) {
  const percent = (hits, count) => (count ? (100 * hits) / count : null);
  const report = { samples: tally.count };
  if (tally.labelled) {
    Object.assign(report, {
      top1: percent(tally.top1, tally.labelled), top1_interval_95: wilson_interval(tally.top1, tally.labelled),
      top5: percent(tally.top5, tally.labelled),
    });
  }
  if (!has_reference) return report;
  return { ...report,
    agreement: percent(tally.agree, tally.count), agreement_interval_95: wilson_interval(tally.agree, tally.count),
    sqnr_db: decibels(tally.signal, tally.error),
    mean_sample_sqnr_db: tally.db_count ? tally.sample_db / tally.db_count : null,
  };
}
