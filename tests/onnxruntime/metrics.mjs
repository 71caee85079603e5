// How far two tensors part, and how often a classifier is right.
import { element_types } from './proto.mjs';

/// A tensor's elements as numbers: float16 and bfloat16 are decoded, 64-bit integers become doubles.
export function numbers_of({ type, data }) {
  const [name] = element_types.get(type);
  if (name === 'float16') return Float64Array.from(data, half_to_number);
  if (name === 'bfloat16') return new Float32Array(Uint32Array.from(data, (bits) => bits << 16).buffer);
  if (name === 'int64' || name === 'uint64') return Float64Array.from(data, Number);
  return data;
}

// IEEE 754 binary16: 1 sign bit, 5 exponent bits with bias 15, 10 mantissa bits.
function half_to_number(bits) {
  const [sign, exponent, mantissa] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 0x3ff];
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? NaN : sign * Infinity;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/// Compares tensor b with the reference a. scale = max|a|; max_relative = max|a-b| / scale (max|a-b| when a is all zero);
/// sqnr_db = 10 log10(sum a^2 / sum (a-b)^2), null when nothing differs. An element pair of which one is NaN or infinite
/// and the other is not the same is counted in nonfinite_mismatch_count and nowhere else.
export function compare_tensors(a, b) {
  const shape = { dims: a.dims, type: element_types.get(a.type)[0] };
  if (a.dims.join() !== b.dims.join()) return { ...shape, error: `shapes differ: [${a.dims}] and [${b.dims}]` };
  if (a.type === 8 || b.type === 8) {
    const differing = a.data.filter((text, i) => text !== b.data[i]).length;
    return { ...shape, differing_count: differing, max_relative: differing ? 1 : 0 };
  }
  return { ...shape, ...compare_numbers(numbers_of(a), numbers_of(b)) };
}

function compare_numbers(a, b) {
  let [scale, max_absolute, dot, power_a, power_b, power_error, nonfinite] = [0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < a.length; ++i) {
    if (!Number.isFinite(a[i]) || !Number.isFinite(b[i])) {
      nonfinite += Object.is(a[i], b[i]) ? 0 : 1;
      continue;
    }
    const error = a[i] - b[i];
    scale = Math.max(scale, Math.abs(a[i]));
    max_absolute = Math.max(max_absolute, Math.abs(error));
    dot += a[i] * b[i];
    power_a += a[i] * a[i];
    power_b += b[i] * b[i];
    power_error += error * error;
  }
  const norms = Math.sqrt(power_a * power_b);
  return {
    scale, max_absolute, max_relative: scale > 0 ? max_absolute / scale : max_absolute,
    cosine: norms > 0 ? dot / norms : power_a === power_b ? 1 : 0,
    sqnr_db: decibels(power_a, power_error), nonfinite_mismatch_count: nonfinite,
  };
}

/// 10 log10(signal / error); null for no error (JSON has no infinity).
export function decibels(signal, error) {
  return error > 0 ? 10 * Math.log10(Math.max(signal, Number.MIN_VALUE) / error) : null;
}

/// The indices of the `count` largest of `scores`, largest first; of equal ones the lower index first.
export function top_indices(scores, count) {
  const best = [];
  for (let i = 0; i < scores.length; ++i) {
    if (best.length === count && !(scores[i] > scores[best[count - 1]])) continue;
    let at = best.length;
    while (at > 0 && scores[i] > scores[best[at - 1]]) --at;
    best.splice(at, 0, i);
    best.length = Math.min(best.length, count);
  }
  return best;
}

/// Wilson's 95 % interval of a proportion, in percent. Source: Wilson, JASA 22 (1927), with z = 1.959964.
export function wilson_interval(hits, count) {
  const z = 1.959964;
  const p = hits / count;
  const middle = p + (z * z) / (2 * count);
  const half = z * Math.sqrt((p * (1 - p)) / count + (z * z) / (4 * count * count));
  const divisor = 1 + (z * z) / count;
  return [(100 * (middle - half)) / divisor, (100 * (middle + half)) / divisor];
}

/// The value below which `share` of the sorted list lies, linearly interpolated.
export function quantile(sorted, share) {
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}
