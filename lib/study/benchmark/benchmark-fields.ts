import { integer, real, text } from '../../options.js'

/** Options of `benchmark` beside the runs. */
export const benchmarkFields = {
  device: text({
    default: 'cpu,cuda,mps',
    about: 'devices, separated by commas; missing ones are listed as absent',
    expected: 'cpu, cuda[:n] or mps, separated by commas',
    matches: /^(cpu|cuda(:\d+)?|mps)(,(cpu|cuda(:\d+)?|mps))*$/,
    group: 'Run',
  }),
  threads: integer({
    default: undefined,
    min: 1,
    max: 1024,
    about: 'processor threads, the same for every run; all available threads unless given',
    group: 'Run',
  }),
  seconds: real({
    default: 3,
    min: 0.01,
    max: 3600,
    about: 'seconds of timing for each run, device and batch size',
    group: 'Run',
  }),
  rounds: integer({
    default: 20,
    min: 5,
    max: 1000,
    about: 'rounds over which the seconds are spread; the runs take turns in each round',
    group: 'Run',
  }),
  out: text({ default: 'artifacts/lvm/evaluation', about: 'folder of the reports', group: 'Run' }),
} as const
