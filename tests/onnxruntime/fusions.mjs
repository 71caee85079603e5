#!/usr/bin/env node
// Which Q/DQ patterns ONNX Runtime's CPU provider turns into integer operators: one line for each pattern of patterns.mjs.
// usage: node fusions.mjs [NAME]... [--types uint8,int8] [--level all] [--opset N] [--domain com.microsoft]
//        [--ir-version N] [--json]; docs/onnxruntime_fusions.md explains.
import { describe_graph, read_optimized } from './graph.mjs';
import { PatternBuilder, patterns } from './patterns.mjs';
import { onnxruntime_version } from './session.mjs';

/// The graph that ONNX Runtime runs for one pattern: {nodes: 'QLinearConv, ...', fused, float}.
export function try_pattern(name, { level = 'all', ...options }) {
  const { build, opset = 13 } = patterns[name];
  const builder = new PatternBuilder({ ...options, opset: options.opset ?? opset });
  try {
    const model = read_optimized(builder.finish(build(builder)), { level });
    const report = describe_graph(model);
    return { nodes: model.graph.nodes.map((node) => short_name(node, model.graph)), float: report.float_between_quantized.length };
  } catch (error) {
    return { nodes: [], error: String(error.message ?? error).split('\n')[0] };
  }
}

// Q and DQ with their type; an integer operator with the type of its input's zero point where it is a constant.
function short_name({ op_type, domain, inputs }, { constant_types }) {
  const letters = { 2: 'u8', 3: 's8', 4: 'u16', 5: 's16', 6: 's32' };
  const type = letters[constant_types[inputs[2]]];
  const stem = { QuantizeLinear: 'Q', DequantizeLinear: 'DQ' }[op_type] ?? op_type;
  const prefix = domain.endsWith('nchwc') ? 'nchwc.' : '';
  return prefix + (type && /^(Q|DQ|QLinear.*)$/.test(stem) ? `${stem}(${type})` : stem);
}

function verdict({ nodes, float, error }) {
  if (error) return 'refused';
  if (float === 0) return 'integer';
  return nodes.some((name) => /^QLinear|^Q(?!\()/.test(name)) ? 'partly float' : 'float';
}

function main(words) {
  const option = (name, absent) => (words.includes(name) ? words[words.indexOf(name) + 1] : absent);
  const types = option('--types', 'uint8,int8').split(',');
  const number = (name) => (option(name) ? Number(option(name)) : undefined);
  const settings = { level: option('--level', 'all'), opset: number('--opset'), domain: option('--domain', ''),
    ir_version: number('--ir-version') };
  const names = words.filter((word) => word in patterns);
  const rows = (names.length ? names : Object.keys(patterns)).flatMap((name) =>
    types.map((type) => ({ name, type, ...try_pattern(name, { type, ...settings }) })));
  if (words.includes('--json')) return console.log(JSON.stringify({ onnxruntime: onnxruntime_version, rows }, null, 1));
  console.log(`| pattern | activations | runs in | what ONNX Runtime ${onnxruntime_version} runs |\n|---|---|---|---|`);
  for (const row of rows) console.log(`| ${row.name} | ${row.type} | ${verdict(row)} | ${row.error ?? row.nodes.join(', ')} |`);
}

if (process.argv[1].endsWith('fusions.mjs')) main(process.argv.slice(2));
