// Runs every .test file of this folder: a shell script, and what must come of it. README.md describes the format.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '../..');
const program = path.resolve(process.env.EDGEOPT ?? path.join(root, 'build/dev/edgeopt'));
const environment = { ...process.env, PATH: `${path.dirname(program)}:${process.env.PATH}`, CASES: here,
  SAMPLES: path.join(root, 'sample_models'), SHARED: process.env.EDGEOPT_SHARED ?? path.join(root, '../shared'), TERM: 'dumb' };
const longest_run_ms = 300_000;

const expectations = {
  exit: (result, text) => assert.equal(result.exit, Number(text), `exit code; stderr: ${result.stderr}`),
  stdout: (result, text) => assert.ok(result.stdout.includes(text), `'${text}' not in stdout:\n${result.stdout}`),
  stderr: (result, text) => assert.ok(result.stderr.includes(text), `'${text}' not in stderr:\n${result.stderr}`),
  'stdout empty': (result) => assert.equal(result.stdout, ''),
  'stderr empty': (result) => assert.equal(result.stderr, ''),
  'one line on stderr': (result) => assert.match(result.stderr, /^edgeopt: [^\n]+\n$/),
  file: (result, text) => assert.ok(fs.existsSync(path.join(result.folder, text)), `${text} is missing`),
  'no file': (result, text) => assert.ok(!fs.existsSync(path.join(result.folder, text)), `${text} exists`),
  'same files': (result, text) => {
    const [first, ...rest] = text.split(/\s+/).map((name) => fs.readFileSync(path.join(result.folder, name)));
    for (const bytes of rest) assert.ok(first.equals(bytes), `${text} differ`);
  },
  'no leftovers': (result) => assert.deepEqual(fs.readdirSync(result.folder).filter((name) => !result.kept.has(name)), []),
};

function parse_case(file) {
  const test = { file, name: '', script: [], checks: [], kept: new Set(), needs: [] };
  let in_script = false;
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    if (in_script && (line.startsWith('  ') || line === '')) { test.script.push(line.slice(2)); continue; }
    in_script = line === 'run:';
    const [key, value] = line.includes(': ') ? [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)] : [line, ''];
    if (line.startsWith('#')) test.name ||= line.slice(1).trim();
    else if (key === 'keep') test.kept.add(value);
    else if (key === 'needs') test.needs.push(value);
    else if (expectations[key]) test.checks.push([key, value]);
    else if (!in_script && line !== '') throw new Error(`${file}: '${line}' is no line of a .test file`);
  }
  if (!test.checks.some(([key]) => key === 'exit')) test.checks.unshift(['exit', '0']);
  return test;
}

function run_script(script, folder) {
  return new Promise((resolve) => {
    // --norc: with a socket as standard input bash takes itself for a remote shell and reads the machine's start-up files.
    const child = spawn('bash', ['--norc', '-u', '-c', script.join('\n')], { cwd: folder, env: environment, timeout: longest_run_ms });
    const result = { folder, stdout: '', stderr: '' };
    child.stdout.on('data', (text) => { result.stdout += text; });
    child.stderr.on('data', (text) => { result.stderr += text; });
    child.on('close', (code, signal) => resolve({ ...result, exit: code ?? signal }));
  });
}

function unmet_need({ needs }) {
  for (const need of needs) {
    if (need === 'root' && process.getuid() !== 0) return 'needs root';
    const file = need.startsWith('file ') && need.slice(5).replace(/\$(\w+)/g, (_, name) => environment[name]);
    if (file && !fs.existsSync(file)) return `needs ${need.slice(5)}`;
  }
  return false;
}

async function check_case(test) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'edgeopt-cli-'));
  try {
    const result = { ...await run_script(test.script, folder), kept: test.kept };
    for (const [key, value] of test.checks) expectations[key](result, value);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const cases = fs.readdirSync(here).filter((name) => name.endsWith('.test')).sort().map((name) => parse_case(path.join(here, name)));
describe('the command line', { concurrency: 2 }, () => {
  for (const test of cases)
    it(`${path.basename(test.file)}: ${test.name}`, { skip: unmet_need(test) }, () => check_case(test));
});
