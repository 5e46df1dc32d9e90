/** Stages of a verb in their order: those of every round, such as one run after the other, and those after the last round. */
export interface Plan {
  readonly each: readonly string[]
  readonly last?: readonly string[]
}

const OPEN = ['load the run', 'open the data'] as const

/** Outermost stages of every verb that shows them. */
export const PLANS: Readonly<Record<string, Plan>> = {
  plan: { each: ['make vectors', 'train some steps', 'measure products'] },
  evaluate: { each: [...OPEN, 'baselines', 'predict and score', 'latency', 'sentences'], last: ['write'] },
  retrieve: { each: [...OPEN, 'queries without a run', 'predictions', 'failures', 'intervals'] },
  compare: { each: ['measure', 'pairs'] },
  doctor: {
    each: [
      ...OPEN,
      'rollout',
      'fit the baselines',
      'probe',
      'baselines',
      'offsets',
      'ablations',
      'spread',
      'training rows',
      'near-duplicates',
    ],
  },
  analyze: {
    each: [...OPEN, 'predict and compare', 'clusters', 'project', 'csv', 'groups', 'examples', 'sentences'],
  },
  ceiling: {
    each: [
      'open the data',
      'memory curve',
      'means and lags',
      'ridge',
      'neighbours',
      'mlp',
      'mlp_dropout',
      'combine',
      'score',
      'interval of the best',
    ],
  },
  arrow: { each: ['open the data', 'reverse', 'fit ridge', 'networks, forward', 'networks, reversed'] },
  synth: { each: ['write the articles'] },
  bundle: { each: ['verify the runs', 'hash the files', 'pack the files'] },
  selftest: { each: ['predictors', 'trials'] },
  quantize: {
    each: [...OPEN, 'score the run', 'each matrix alone', 'write a candidate', 'score a candidate', 'latency', 'publish'],
  },
  export: { each: ['load the run', 'write', 'compare in another process'] },
  report: { each: ['read the runs', 'figures and pages'] },
  predict: { each: [...OPEN, 'predict'] },
  rollout: { each: [...OPEN, 'roll out'] },
  next: { each: [...OPEN, 'open the encoder', 'encode', 'predict', 'search'] },
  abtest: { each: [...OPEN, 'search', 'latency'] },
  verify: { each: ['read every file', 'figures and pages', 'evaluate again'] },
  'data audit': {
    each: [
      'open the data',
      'neighbours and lags',
      'cosines in windows',
      'spectrum',
      'order',
      'duplicates',
      'borders',
      'mixed',
      'targets',
      'split',
    ],
  },
  'bank push': { each: ['open the data', 'push the rows', 'index'] },
  'bank verify': { each: ['open the data', 'compare the rows'] },
  benchmark: { each: ['fresh process', 'load the run', 'time', 'energy'] },
}
