import { judged } from '../evaluate/evaluate-fields.js'
import { choice, flag, real, text } from '../options.js'

/** What may be lost at most. */
export const gateFields = {
  maxDrop: real({
    default: 0.002,
    min: 0,
    max: 2,
    about: 'largest loss of mean cosine on the validation windows; beyond it nothing is published',
    group: 'Gate',
  }),
  maxDropTop10: real({ default: 0.5, min: 0, max: 100, about: 'largest loss of Top-10 hits, in points of 100', group: 'Gate' }),
} as const

const { device: _, ...rows } = judged

/** What `quantize` takes beside the run. */
export const quantizeFields = {
  to: choice(['int8', 'int4', 'bf16'], {
    default: 'int8',
    about: 'what matrices become: 8 bits with a scale for each output, 4 bits with one for every 128 inputs, or bfloat16',
    group: 'Run',
  }),
  keep: text({
    default: 'auto',
    about:
      'matrices that stay as they are: those the gate needs (auto), none, or names and beginnings of names with commas between',
    group: 'Run',
  }),
  ...gateFields,
  ...rows,
  latency: real({ default: 1.5, min: 0.01, max: 600, about: 'seconds of timing for each batch size', group: 'Run' }),
  name: text({
    default: undefined,
    about: 'name of the new run, beside the old one; the old name with _int8, _int4 or _bf16 unless given',
    expected: 'a name without slashes',
    matches: /^[^/\\]+$/,
    group: 'Run',
  }),
  overwrite: flag({ default: false, about: 'replace a run that exists', group: 'Run' }),
} as const
