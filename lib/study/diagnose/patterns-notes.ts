import type { Pattern } from './pattern.js'
import { ablation, figure, matters, narrow, percent, signed } from './signs.js'

/** Patterns of level note. */
export const NOTES: readonly Pattern[] = [
  {
    code: 'order-blind',
    level: 'note',
    holds: (f) => {
      const drop = ablation(f, 'shuffle')?.drop
      return drop !== undefined && !narrow(f) && !matters(f, drop.value)
    },
    what: (f) => `shuffling the context changes the cosine by only ${signed(-ablation(f, 'shuffle')!.drop.value)}`,
    why: 'the model ignores the order of the context',
    fix: 'no fix needed, but the mean of the context may predict as well',
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
    why: 'the model uses only the last vector',
    fix: 'no fix needed, but a context of one vector is enough',
  },
  {
    code: 'drifts-to-mean',
    level: 'note',
    holds: (f) => f.rollout_to_mean !== null && f.rollout_to_mean > 0.9 && f.rollout_to_mean > f.to_mean + 0.1,
    what: (f) => `fed with its own predictions it converges to the mean vector: cosine ${figure(f.rollout_to_mean!)}`,
    why: 'the mean of possible continuations is no continuation; each step carries less information',
    fix: 'replace each prediction by its nearest real vector before feeding it back',
  },
  {
    code: 'trained-on',
    level: 'note',
    holds: ({ trained_on: share }) => share !== null && share > 0,
    what: ({ trained_on: share }) => `${percent(share!)} of these windows were used for training: only failures show on them`,
    why: 'a model may have memorised its training rows, so these figures do not carry over to other text',
    fix: 'leave out --rows to evaluate on the validation rows, or train with --test 0.1 and use --rows test',
  },
  {
    code: 'few-articles',
    level: 'note',
    unseen: true,
    holds: (f) => f.cosine.ci95 === null,
    what: (f) => `only ${f.articles} article${f.articles === 1 ? '' : 's'}: no intervals, and findings need four standard errors`,
    why: 'windows of one article are not independent',
    fix: 'evaluate on at least 20 articles that were not used for training: another file with --data, or train on more articles: a tenth of them is held out (--test 0.1 holds out another tenth)',
  },
]
