#!/usr/bin/env node
// The native engine beside ONNX Runtime: both time the same models in turn, on one machine, in one run.
//   node bench/engines.mjs [--program FILE] [--rounds N] [--runs N] [--threads N] [--limit RATIO] MODEL...
// prints one line per model: median over all rounds, and native / ONNX Runtime; with --limit, exit 1 if a ratio exceeds it.
// ONNX Runtime's times are those of its Node binding less what the binding itself costs (a model that copies one float).
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { measure_latency } from '../tests/onnxruntime/latency.mjs';
import { quantile } from '../tests/onnxruntime/metrics.mjs';

const options = { program: 'build/release/edgeopt', rounds: 5, runs: 50, threads: 1, limit: Infinity };

function parse_arguments(words) {
  const models = [];
  for (let i = 0; i < words.length; ++i) {
    if (!words[i].startsWith('--')) {
      models.push(words[i]);
      continue;
    }
    const name = words[i].slice(2);
    if (!(name in options) || ++i >= words.length) throw new Error(`unknown option or missing value: --${name}`);
    options[name] = name === 'program' ? words[i] : Number(words[i]);
  }
  if (models.length === 0) throw new Error('which models?');
  return models;
}

function native_times(model) {
  const words = ['bench', model, '--engine', 'native', '--runs', options.runs, '--threads', options.threads, '--quiet',
    '--json', '-'];
  return JSON.parse(execFileSync(options.program, words.map(String), { encoding: 'utf8' })).times_ms;
}

function judge_times(model) {
  const measured = measure_latency([model], { runs: options.runs, warmup: 10, threads: options.threads });
  return measured.models[0].times_ms.map((time) => Math.max(0, time - measured.overhead_ms));
}

const median = (times) => quantile([...times].sort((a, b) => a - b), 0.5);

function compare_engines(model) {
  const [native, judge] = [[], []];
  for (let round = 0; round < options.rounds; ++round) {
    native.push(...native_times(model));
    judge.push(...judge_times(model));
  }
  return { native_ms: median(native), judge_ms: median(judge), ratio: median(native) / median(judge) };
}

function main() {
  const models = parse_arguments(process.argv.slice(2));
  console.log('model                                    native ms   onnxruntime ms   native / onnxruntime');
  let worst = 0;
  for (const model of models) {
    const { native_ms, judge_ms, ratio } = compare_engines(model);
    worst = Math.max(worst, ratio);
    const name = path.basename(model).padEnd(40);
    console.log(`${name} ${native_ms.toFixed(4).padStart(9)} ${judge_ms.toFixed(4).padStart(16)} ${ratio.toFixed(2).padStart(22)}`);
  }
  if (worst > options.limit) process.exitCode = 1;
}

try {
  main();
} catch (error) {
  console.error(String(error.message ?? error));
  process.exitCode = 2;
}
