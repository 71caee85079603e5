#!/usr/bin/env node
// How well the estimate from gradients ranks layers: Spearman's rank correlation with the measured damage, and both times.
// usage: node bench/sensitivity.mjs MODEL [options of edgeopt sensitivity, --data first of all]
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const program = process.env.EDGEOPT ?? path.join(root, 'build/release/edgeopt');

function sensitivity(method) {
  const start = performance.now();
  const words = ['sensitivity', ...process.argv.slice(2), '--method', method, '--json', '-'];
  const answer = JSON.parse(execFileSync(program, words, { maxBuffer: 2 ** 28 }));
  return { ...answer, seconds: (performance.now() - start) / 1000 };
}

// Ranks from 1; equal numbers share the mean of theirs.
function ranks(numbers) {
  return numbers.map((x) => {
    const less = numbers.filter((y) => y < x).length;
    const equal = numbers.filter((y) => y === x).length;
    return less + (equal + 1) / 2;
  });
}

function correlation(a, b) {
  const mean = (list) => list.reduce((sum, x) => sum + x, 0) / list.length;
  const [mean_a, mean_b] = [mean(a), mean(b)];
  const sum = (term) => a.reduce((total, _, i) => total + term(a[i] - mean_a, b[i] - mean_b), 0);
  return sum((x, y) => x * y) / Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y));
}

const measured = sensitivity('measured');
const estimated = sensitivity('gradient');
const estimate_of = new Map(estimated.layers.map(({ node, damage }) => [node, damage]));
const damages = measured.layers.map(({ node, damage }) => [node, damage, estimate_of.get(node)]);
for (const [node, damage, estimate] of damages) console.log(`${damage.toExponential(3)}  ${estimate.toExponential(3)}  ${node}`);
const spearman = correlation(ranks(damages.map(([, damage]) => damage)), ranks(damages.map(([, , estimate]) => estimate)));
console.log(`${damages.length} layers, ${measured.sample_count} samples: Spearman ${spearman.toFixed(4)}; ` +
  `measured in ${measured.seconds.toFixed(1)} s, estimated in ${estimated.seconds.toFixed(1)} s (calibration included)`);
