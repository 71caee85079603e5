// How long one synchronous run takes, for several models in turn (A B A B ...): what slows the machine slows all of them.
// A turn is one untimed run, which refills the caches from the neighbour's model, and a few timed ones.
import { node, write_model } from './proto.mjs';
import { make_feeds, random_inputs, Session } from './session.mjs';
import { quantile } from './metrics.mjs';

const runs_per_turn = 5;

/// options: threads, runs, warmup, shapes, batch, seed, inputs (tensors by name). Returns one entry per model, with
/// `overhead_ms`, the median of the same call on a model that copies one float: the cost of the binding itself.
export function measure_latency(models, options) {
  const { runs = 50, warmup = 5 } = options;
  const entries = models.map((model) => prepare(model, model, options));
  const identity = prepare('identity', identity_model(), { threads: options.threads });
  const all = [...entries, identity];
  for (const entry of all) for (let i = 0; i < warmup; ++i) time_run(entry);
  for (const entry of all) entry.times_ms = [];
  for (let done = 0; done < runs; done += runs_per_turn)
    for (const entry of all) take_turn(entry, Math.min(runs_per_turn, runs - done));
  const overhead_ms = summary(identity.times_ms).median_ms;
  return { threads: options.threads ?? 1, runs, warmup, overhead_ms,
    models: entries.map(({ name, times_ms }) => ({ model: name, ...summary(times_ms), times_ms })) };
}

function prepare(name, model, options) {
  const session = new Session(model, options);
  const tensors = { ...random_inputs_unless(session, options), ...options.inputs };
  return { name, session, feeds: make_feeds(tensors), times_ms: [] };
}

function random_inputs_unless(session, options) {
  const missing = session.inputs.filter(({ name }) => !options.inputs?.[name]);
  return random_inputs({ inputs: missing }, options);
}

function take_turn(entry, count) {
  time_run(entry);
  for (let i = 0; i < count; ++i) entry.times_ms.push(time_run(entry));
}

function time_run({ session, feeds }) {
  const start = process.hrtime.bigint();
  session.run_feeds(feeds);
  return Number(process.hrtime.bigint() - start) / 1e6;
}

function identity_model() {
  const value = (name) => ({ name, type: 1, dims: [1] });
  return write_model({ nodes: [node('Identity', ['x'], ['y'])], inputs: [value('x')], outputs: [value('y')] });
}

function summary(times_ms) {
  const sorted = [...times_ms].sort((a, b) => a - b);
  return { min_ms: sorted[0], median_ms: quantile(sorted, 0.5), p90_ms: quantile(sorted, 0.9) };
}
