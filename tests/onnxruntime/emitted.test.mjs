// ONNX Runtime runs every kind of model that edgeopt writes: `fuse` and `optimize` over the sample models, and over the
// shared ones where they are; the sample models in every scheme, and with weights of 4 and 8 bits for a size, too. Fused outputs stay within 1e-4 of their scale; integer models are fused wholly; the
// accuracy in the report is what ONNX Runtime gives for the emitted file.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { node, read_model, write_model } from './proto.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '../..');
const samples = path.join(root, 'sample_models');
const shared = process.env.EDGEOPT_SHARED ?? path.join(root, '../shared');
const program = path.resolve(process.env.EDGEOPT ?? path.join(root, 'build/dev/edgeopt'));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'emitted-'));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

// What edgeopt promises for fused models: it drops a pass that exceeds it (recipes/comparison.h).
const fused_tolerance = 1e-4;
// Points of top-1 between edgeopt's report and ONNX Runtime: integer kernels round ties differently in single values.
const accuracy_tolerance = 0.2;

const data = (name) => path.join(shared, 'data', name);
const normalization = { cifar: { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } };
const sample = (model, set) => ({ file: path.join(samples, `${model}.onnx`), set,
  calibration: path.join(samples, `${set}_calibration.toml[0:100]`), test: path.join(samples, `${set}_test.toml`) });
const real = (model, options) => ({ file: path.join(shared, 'models', `${model}.onnx`), ...options });

const imagenet = ['--resize', '256', '--crop'];
const sample_models = [sample('residual_cnn', 'shapes'), sample('ds_cnn', 'keywords'), sample('vision_transformer', 'shapes')];
const schemes = ['w4a8', 'w4a4', 'w8a16'];
const models = [
  ...sample_models, ...sample_models.map((model) => ({ ...model, goal: 'size=4.5x' })), ...sample_models.flatMap((model) => schemes.map((scheme) => ({ ...model, scheme }))),
  real('resnet20-cifar10', { calibration: `${data('cifar10-train.npz')}[0:100]`, test: `${data('cifar10-test.npz')}[0:1000]`,
    array: 'images', npz: data('cifar10-test.npz'), to: 1000, ...normalization.cifar }),
  real('kws-dscnn', { calibration: `${data('kws-300.npz')}[0:100]`, test: `${data('kws-300.npz')}[100:300]`,
    npz: data('kws-300.npz'), from: 100, to: 300 }),
  real('mnist-cntk', { calibration: `${data('mnist-1000.npz')}[0:100]`, test: `${data('mnist-1000.npz')}[100:600]` }),
  real('squeezenet-imagenet', { calibration: `${data('imagenet-300')}[0:20]`, test: `${data('imagenet-300')}[20:40]`,
    options: [...imagenet, '227', '--color', 'bgr', '--scale', '1', '--mean', '104,117,123'] }),
  real('mobilenet_v1_025-imagenet', { calibration: `${data('imagenet-300')}[0:20]`, test: `${data('imagenet-300')}[20:40]`,
    options: [...imagenet, '224', '--scale', `${1 / 127.5}`, '--mean', '1'] }),
  real('ultraface-slim320', { calibration: 'random[0:4]' }),
  real('nanodet-m-320', { calibration: 'random[0:4]' }),
  real('ppocr-cls', { calibration: 'random[0:4]', shapes: ['x=1,3,48,192'] }),
  real('dtln-1', { calibration: 'random[0:4]' }),
  real('silero-vad', { shapes: ['input=1,512', 'state=2,1,128'], fill: ['sr=16000'] }),
].filter(({ file }) => fs.existsSync(file));

const execute = promisify(execFile);
const edgeopt = (...words) => execute(program, words, { maxBuffer: 2 ** 26 });

async function judge(...words) {
  const { stdout } = await execute(process.execPath, [path.join(here, 'judge.mjs'), ...words], { maxBuffer: 2 ** 28 });
  return JSON.parse(stdout);
}

const shape_options = ({ shapes = [], fill = [] }) =>
  [...shapes.flatMap((shape) => ['--input-shape', shape]), ...fill.flatMap((value) => ['--fill', value])];

// The preprocessing in a sample model's .toml, for the judge.
function judge_options(model) {
  if (!model.set) {
    if (!model.npz) return null;
    const numbers = model.scale ? ['--scale', model.scale, '--mean', model.mean.join(), '--std', model.std.join()] : [];
    const range = [...(model.from ? ['--from', model.from] : []), '--to', model.to];
    return ['--data', model.npz, ...(model.array ? ['--array', model.array] : []), ...range, ...numbers].map(String);
  }
  const text = fs.readFileSync(model.test, 'utf8');
  const value = (key) => text.match(new RegExp(`^${key} = \\[?([^\\]\\n]*)`, 'm'))?.[1].replaceAll(' ', '');
  const given = ['scale', 'mean', 'std'].filter(value);
  return ['--data', path.join(samples, `${model.set}_test.npz`), ...given.flatMap((key) => [`--${key}`, value(key)])];
}

function edgeopt_options({ scale, mean, std, options, scheme, goal }) {
  if (options) return options;
  const widths = [...(scheme ? ['--scheme', scheme] : []), ...(goal ? ['--goal', goal] : [])];
  return [...widths, ...(scale ? ['--scale', `${scale}`, '--mean', mean.join(), '--std', std.join()] : [])];
}

// Adds in float on a chain of Adds that starts at a dequantized value and ends at a quantized one.
function float_adds_between_integers(graph) {
  const adds = graph.float_between_quantized.filter(({ op_type }) => op_type === 'Add');
  const readers = (add) => adds.filter(({ inputs }) => inputs.some((name) => add.outputs.includes(name)));
  const ends_in_integers = (add) => add.quantized_outputs.length > 0 || readers(add).some(ends_in_integers);
  return adds.filter((add) => add.dequantized_inputs.length > 0 && ends_in_integers(add));
}

const metric = (report, name) => report.accuracy.metrics.find((entry) => entry.name === name);

for (const model of models) {
  const name = path.basename(model.file, '.onnx') + (model.scheme ? `.${model.scheme}` : '') + (model.goal ? '.sized' : '');
  describe(name, () => {
    const fused = path.join(folder, `${name}.fused.onnx`);
    const small = path.join(folder, `${name}.small.onnx`);
    let report = null;

    it('fused, it gives the original outputs', async () => {
      await edgeopt('fuse', model.file, '-o', fused);
      const comparison = await judge('compare', model.file, fused, ...shape_options(model));
      assert.ok(comparison.same_shapes);
      assert.equal(comparison.nonfinite_mismatch_count, 0);
      assert.ok(comparison.max_relative <= fused_tolerance, `outputs moved by ${comparison.max_relative} of their scale`);
    });

    it('pruned, it runs, or says why it cannot be', async () => {
      const pruned = path.join(folder, `${name}.pruned.onnx`);
      const shrink = ['prune', model.file, '-o', pruned, '--keep', 'macs=0.7', '--json', '-'];
      const { stdout } = await edgeopt(...shrink).catch((error) => {
        if (error.stderr?.includes('no channel can be removed')) return { stdout: null };
        throw error;
      });
      if (stdout === null) return;
      assert.ok(JSON.parse(stdout).multiply_adds.kept <= 0.7);
      assert.ok((await judge('run', pruned, ...shape_options(model))).outputs.length > 0);
    });

    it('optimized, it runs', async () => {
      const data_options = model.calibration ? ['--data', model.calibration] : [];
      const test_options = model.test ? ['--test-data', model.test] : [];
      await edgeopt('optimize', model.file, ...data_options, ...test_options, ...edgeopt_options(model), '-o', small, '--runs', '10',
        '--report', path.join(folder, name));
      report = JSON.parse(fs.readFileSync(path.join(folder, name, 'report.json')));
      const { outputs } = await judge('run', small, ...shape_options(model));
      assert.ok(outputs.length > 0);
    });

    it('is fused wholly to integers where it is quantized', async (context) => {
      if (!report?.quantization) return context.skip('not quantized');
      if (model.scheme === 'w8a16') return context.skip('16-bit activations run in float everywhere');
      const graph = await judge('graph', small);
      const kept = new Set(report.quantization.kept_float.map(({ node }) => node));
      const has_weights = ({ name, op_type }) => /Conv|MatMul|Gemm/.test(op_type) && !kept.has(name);
      assert.deepEqual(graph.float_between_quantized.filter(has_weights), []);
      assert.deepEqual(float_adds_between_integers(graph), []);
    });

    it('has the accuracy that its report says', async (context) => {
      const options = judge_options(model);
      if (!options || !report || !metric(report, 'top1')) return context.skip('no labels, or images that the judge cannot read');
      for (const [file, key] of [[model.file, 'original'], [small, 'result']]) {
        const measured = await judge('accuracy', file, ...options);
        const difference = measured.top1 - metric(report, 'top1')[key].value;
        assert.ok(Math.abs(difference) <= accuracy_tolerance, `${key}: ONNX Runtime differs by ${difference} points of top-1`);
      }
    });
  });
}

describe('sparse weights', () => {
  it('stored as sparse initializers, ONNX Runtime computes what it computes with dense ones', async () => {
    const [dense, sparse] = ['dense', 'sparse'].map((storage) => path.join(folder, `weights.${storage}.onnx`));
    const prune = ['prune', path.join(samples, 'residual_cnn.onnx'), '--sparsity', '0.9', '--criterion', 'magnitude'];
    await edgeopt(...prune, '-o', dense);
    await edgeopt(...prune, '--sparse-storage', '-o', sparse);
    assert.ok(fs.statSync(sparse).size < 0.5 * fs.statSync(dense).size);
    const comparison = await judge('compare', dense, sparse);
    assert.equal(comparison.max_relative, 0);
  });
});

// y = the spectrogram, made coarse, through one of two layers: one has its weight as an initializer of its branch, the other as a Constant node.
function model_with_branches(phase) {
  const tensor = (name, dims, scale) => ({ name, type: 1, dims,
    data: Float32Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => scale * Math.sin(phase + 1.7 * i)) });
  const output = (name) => [{ name, type: 1, dims: [1, 12] }];
  const then_branch = { outputs: output('p'), constants: [tensor('w', [14, 12], 0.3), tensor('b', [12], 0.2)],
    nodes: [node('Gemm', ['f', 'w', 'b'], ['p'])] };
  const else_branch = { outputs: output('q'), nodes: [
    node('Constant', [], ['v'], { value: { tensor: tensor('v', [14, 12], 0.3) } }),
    node('MatMul', ['f', 'v'], ['m']), node('Tanh', ['m'], ['q'])] };
  return write_model({
    nodes: [node('AveragePool', ['input'], ['a'], { kernel_shape: [7, 5], strides: [7, 5] }), node('Flatten', ['a'], ['f']), node('ReduceMean', ['f'], ['mean'], { keepdims: 0 }),
      node('Greater', ['mean', 'middle'], ['is_loud']),
      node('If', ['is_loud'], ['y'], { then_branch: { graph: then_branch }, else_branch: { graph: else_branch } })],
    inputs: [{ name: 'input', type: 1, dims: [1, 1, 49, 10] }], outputs: output('y'),
    constants: [{ name: 'middle', type: 1, dims: [], data: Float32Array.of(0) }], opsets: { '': 17 },
  });
}

describe('weights in the branches of If', () => {
  it('learned, they stand where they stood, and ONNX Runtime computes what edgeopt says', async () => {
    const [teacher, student, learned] = ['teacher', 'student', 'learned'].map((name) => path.join(folder, `branches.${name}.onnx`));
    fs.writeFileSync(teacher, model_with_branches(0));
    fs.writeFileSync(student, model_with_branches(0.3));
    const samples_of = (set) => path.join(samples, `keywords_${set}.toml`);
    await edgeopt('distill', student, '--teacher', teacher, '--data', samples_of('calibration'), '--steps', '60', '--learning-rate',
      '0.03', '--no-augmentation', '-o', learned);
    const graph_of = (file) => read_model(fs.readFileSync(file)).graph;
    assert.deepEqual(graph_of(learned), graph_of(student));

    const told = async (file) => {
      const evaluation = path.join(folder, 'branches.json');
      await edgeopt('evaluate', file, '--reference', teacher, '--data', `${samples_of('test')}[0:100]`, '--json', evaluation);
      return JSON.parse(fs.readFileSync(evaluation)).metrics.find(({ name }) => name === 'sqnr').model.value;
    };
    const after = await told(learned);
    assert.ok(after > await told(student) + 3, 'it learned nothing');
    const measured = await judge('accuracy', learned, '--reference', teacher, ...judge_options(sample('ds_cnn', 'keywords')), '--to', '100');
    // Float sums in another order, against an error of 1 % to 10 %.
    assert.ok(Math.abs(measured.sqnr_db - after) < 0.01, `ONNX Runtime gives ${measured.sqnr_db} dB, edgeopt ${after}`);
  });
});

describe('weights in blocks of 4 bits', () => {
  const model = sample('vision_transformer', 'shapes');
  const ways = [['qdq', []], ['matmulnbits', []], ['qdq', ['--data', model.calibration]]];
  for (const [format, rounded_for] of ways) {
    const rounding = rounded_for.length > 0 ? ', rounded for samples' : '';
    it(`as ${format}${rounding}, ONNX Runtime computes them with MatMulNBits, as accurately as edgeopt says`, async () => {
      const file = path.join(folder, `blocks.${format}.${rounded_for.length}.onnx`);
      await edgeopt('quantize', model.file, '--scheme', 'w4', '--format', format, ...rounded_for, '-o', file);
      const graph = await judge('graph', file);
      assert.ok(JSON.stringify(graph).includes('MatMulNBits'), 'no MatMulNBits runs');
      const evaluation = path.join(folder, 'blocks.json');
      await edgeopt('evaluate', file, '--data', model.test, '--json', evaluation);
      const told = JSON.parse(fs.readFileSync(evaluation)).metrics.find(({ name }) => name === 'top1');
      const measured = await judge('accuracy', file, ...judge_options(model));
      // ONNX Runtime may round activations to 8 bits inside MatMulNBits, which moves single decisions of 1200.
      assert.ok(Math.abs(measured.top1 - told.model.value) <= 0.5, `ONNX Runtime gives ${measured.top1}, edgeopt ${told.model.value}`);
    });
  }
});
