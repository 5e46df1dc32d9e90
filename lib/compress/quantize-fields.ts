import { judged } from '../evaluate/evaluate-fields.js'
import { choice, flag, real, text } from '../options.js'

/** Limits of the gate. */
export const gateFields = {
  maxDrop: real({
    default: 0.002,
    min: 0,
    max: 2,
    about: 'largest allowed loss of mean cosine on the validation windows; with a larger loss nothing is published',
    group: 'Gate',
  }),
  maxDropTop10: real({
    default: 0.5,
    min: 0,
    max: 100,
    about: 'largest allowed loss of Top-10 hits, in percentage points',
    group: 'Gate',
  }),
} as const

const { device: _, ...rows } = judged

/** Options of `quantize` beside the run. */
export const quantizeFields = {
  to: choice(['int8', 'int4', 'bf16'], {
    default: 'int8',
    about: 'format of the matrices: 8 bits with a scale for each output, 4 bits with a scale for every 128 inputs, or bfloat16',
    group: 'Run',
  }),
  keep: text({
    default: 'auto',
    about:
      'matrices that stay float32: as many as the gate needs (auto), none, or names or prefixes of names, separated by commas',
    group: 'Run',
  }),
  ...gateFields,
  ...rows,
  latency: real({ default: 0.4, min: 0.01, max: 600, about: 'seconds of timing for each batch size', group: 'Run' }),
  name: text({
    default: undefined,
    about: 'name of the new run, in the folder of the old one; the old name with _int8, _int4 or _bf16 unless given',
    expected: 'a name without slashes',
    matches: /^[^/\\]+$/,
    group: 'Run',
  }),
  overwrite: flag({ default: false, about: 'replace an existing run', group: 'Run' }),
} as const
