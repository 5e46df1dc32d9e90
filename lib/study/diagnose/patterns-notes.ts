import type { Pattern } from './pattern.js'
import { ablation, figure, matters, narrow, percent, signed } from './signs.js'

/** Good to know. */
export const NOTES: readonly Pattern[] = [
  {
    code: 'order-blind',
    level: 'note',
    holds: (f) => {
      const drop = ablation(f, 'shuffle')?.drop
      return drop !== undefined && !narrow(f) && !matters(f, drop.value)
    },
    what: (f) => `shuffling the context changes the cosine by only ${signed(-ablation(f, 'shuffle')!.drop.value)}`,
    why: 'it reads the context as a bag of vectors',
    fix: 'nothing to mend, but a mean of the context may do as well',
  },
  {
    code: 'last-only',
    level: 'note',
    holds: (f) => {
      const drop = ablation(f, 'repeat_last')?.drop
      return drop !== undefined && !narrow(f) && !matters(f, drop.value)
    },
    what: (f) =>
      `with the last vector in every position the cosine changes by ${signed(-ablation(f, 'repeat_last')!.drop.value)}`,
    why: 'it uses the last vector only',
    fix: 'nothing to mend, but a context of one vector would do',
  },
  {
    code: 'drifts-to-mean',
    level: 'note',
    holds: (f) => f.rollout_to_mean !== null && f.rollout_to_mean > 0.9 && f.rollout_to_mean > f.to_mean + 0.1,
    what: (f) => `fed with its own predictions it ends at the mean vector: cosine ${figure(f.rollout_to_mean!)}`,
    why: 'a mean of possible continuations is no continuation; each step says less',
    fix: 'look up a real vector near each prediction before feeding it back',
  },
  {
    code: 'trained-on',
    level: 'note',
    holds: ({ trained_on: share }) => share !== null && share > 0,
    what: ({ trained_on: share }) => `${percent(share!)} of these windows were trained on: only what is broken shows on them`,
    why: 'what a model remembers of its training rows tells nothing about other text',
    fix: 'leave --rows away to judge on the validation rows, or train with --test 0.1 and use --rows test',
  },
  {
    code: 'few-articles',
    level: 'note',
    unseen: true,
    holds: (f) => f.cosine.ci95 === null,
    what: (f) => `only ${f.articles} article${f.articles === 1 ? '' : 's'}: no intervals, and findings need four standard errors`,
    why: 'windows of one article are not independent',
    fix: 'judge on at least 20 articles that were not trained on: another file with --data, or a run on more articles, of which a tenth is set aside (--test 0.1: another tenth)',
  },
]
