import type { Facts } from './facts.js'
import type { Finding } from './findings.js'
import {
  ablation,
  above,
  below,
  blurred,
  figure,
  flipped,
  isFlat,
  matters,
  narrow,
  peak,
  percent,
  signed,
  span,
  spreadShare,
  times,
} from './signs.js'

interface Pattern {
  readonly code: string
  readonly level: Finding['level']
  readonly holds: (f: Facts) => boolean
  /** Looked for only on windows that were not trained on. */
  readonly unseen?: true
  readonly what: (f: Facts) => string
  readonly why: string
  readonly fix: string
}

/** Every failure that is known by its figures. The order is that of the page: what makes other findings meaningless comes first. */
export const PATTERNS: readonly Pattern[] = [
  {
    code: 'foreign-forward',
    level: 'fail',
    holds: (f) => f.recorded !== null && !f.recorded.equal,
    what: ({ recorded: r }) => `the history says cosine ${figure(r!.cosine)} on these rows, but it is ${figure(r!.measured)}`,
    why: 'the weights are run through another forward than they were trained with, or the files are of different trainings',
    fix: 'use the version that the manifest names, or train again; believe no figure of this run',
  },
  {
    code: 'flat',
    level: 'fail',
    holds: isFlat,
    what: (f) =>
      `the cosine is that of strangers: ${signed(f.gain.mean)} from the floor ${figure(f.floor)} at the target, at most ${figure(peak(f))} at any offset, where ${f.reference.name} gains ${figure(f.reference.gain)}`,
    why: 'weights that were not loaded, a foreign forward, or vectors of another encoder',
    fix: 'check where the weights come from (import names every tensor) and that the data has the space of the training',
  },
  {
    code: 'sign-flipped',
    level: 'fail',
    holds: flipped,
    what: (f) =>
      `predictions point away from their targets: cosine ${figure(f.cosine.value)}, with the sign turned ${figure(-f.cosine.value)}`,
    why: 'a sign was lost in the head or in the loss',
    fix: 'look for a loss that is maximised, or a head that negates',
  },
  {
    code: 'off-by-one',
    level: 'fail',
    holds: (f) => f.ahead !== null && above(f.ahead, Math.max(0, f.ahead_reference!)) && f.ahead.mean > 0.02,
    what: (f) => `the vector after the target is met better than the target, by ${figure(f.ahead!.mean)}`,
    why: 'it was trained on targets that are one row late',
    fix: 'run: lvm-torch data audit; the target must be the row right after the context',
  },
  {
    code: 'reads-backwards',
    level: 'fail',
    holds: (f) => {
      const drop = ablation(f, 'reverse')?.drop
      const far = f.behind !== null && above(f.behind, 0) && f.behind.mean - f.behind_reference! > 0.1 * f.reference.gain
      return far && above(f.gain, 0) && drop !== undefined && drop.value < 0 && matters(f, drop.value)
    },
    what: (f) =>
      `the oldest vector of the context is met better than the newest, by ${figure(f.behind!.mean)}, and turning the context round gains ${figure(-ablation(f, 'reverse')!.drop.value)}`,
    why: 'the context is fed in the opposite order to that of the training',
    fix: 'feed the oldest vector first, in training and when serving',
  },
  {
    code: 'mean-seeking',
    level: 'fail',
    holds: (f) => narrow(f) && f.to_mean > 0.9,
    what: (f) =>
      `every prediction is nearly the mean vector: cosine ${figure(f.to_mean)} to it, spread ${percent(spreadShare(f))} of that of ${f.reference.name}`,
    why: 'the loss is met best by the mean when nothing of the context gets through: too much regularisation, or a dead layer',
    fix: 'look at the gradient norms; use less weight decay or dropout, a higher --lr, or --residual mean',
  },
  {
    code: 'collapse',
    level: 'fail',
    holds: (f) => (narrow(f) && f.to_mean <= 0.9) || (!narrow(f) && blurred(f) && !isFlat(f)),
    what: (f) =>
      `predictions are too alike to be told apart: spread ${percent(spreadShare(f))} of that of ${f.reference.name}, and ${percent(f.identification.value)} of other targets are further away than the true one (${f.reference.name}: ${percent(f.reference.identification)}, chance: 50 %)`,
    why: 'the cosine rises by moving to where most targets are, and retrieval falls',
    fix: 'judge by retrieval, not by cosine; train with a smaller --lr or less regularisation',
  },
  {
    code: 'copying',
    level: 'fail',
    holds: (f) => f.margin.copying > 0.5 && below(f.margin.difference, 0),
    what: (f) =>
      `it repeats the last vector: its cosine with it is ${figure(-f.margin.value)} higher than with the target, where ${figure(-f.margin.expected)} is expected (${f.margin.against}), and copying has ${figure(-f.margin.copy_last)}`,
    why: 'copying is easy and gives a cosine far above chance without predicting anything',
    fix: 'compare with copy_last in the table; --residual mean or decay starts from a better guess',
  },
  {
    code: 'leak',
    level: 'fail',
    unseen: true,
    holds: (f) => (f.twins !== null && f.twins > 0.05) || f.leaky,
    what: (f) =>
      f.leaky
        ? 'windows were split at random, so contexts of the training hold targets that are judged here'
        : `${percent(f.twins!)} of the judged targets are among the vectors it was trained on`,
    why: 'what was seen in training is remembered, not predicted; every figure is too good',
    fix: 'train with --split articles, and remove duplicates: lvm-torch data audit names them',
  },
  {
    code: 'val-above-ood',
    level: 'warn',
    unseen: true,
    holds: ({ other: o }) =>
      o !== null &&
      o.loss.ci95 !== null &&
      o.loss.ci95[0] > 0 &&
      o.advantage.value < 0.5 * o.advantage_judged.value &&
      o.loss.value > 0.02,
    what: ({ other: o, reference }) =>
      `against ${reference.name} it is ${signed(o!.advantage_judged.value)} on the judged rows but ${signed(o!.advantage.value)} on ${o!.path}`,
    why: 'a leak between training and judged rows, or a model that learned these articles rather than language',
    fix: 'run lvm-torch data audit on both files; trust the lower figure',
  },
  {
    code: 'norm-explosion',
    level: 'fail',
    holds: (f) => (f.output === 'raw' ? f.norm.mean > 1.5 : f.norm.mean > 1e4 || (f.past.output_norm_growth ?? 1) > 100),
    what: (f) =>
      `outputs are ${figure(f.norm.mean)} long where targets have length 1${f.output === 'raw' ? ', and the best predictor is never longer than its targets' : ''}`,
    why: 'training is unstable, or inputs are scaled otherwise than in training',
    fix: 'use a smaller --lr, --clip 1, or --loss cosine',
  },
  {
    code: 'gradient-peak',
    level: 'warn',
    holds: ({ past }) => (past.grad_norm_peak ?? 1) > 100,
    what: ({ past }) => `the gradient of one epoch was ${times(past.grad_norm_peak!)} the usual one`,
    why: 'one bad batch can undo an epoch',
    fix: 'use --clip 1 or a smaller --lr',
  },
  {
    code: 'below-baseline',
    level: 'warn',
    unseen: true,
    holds: ({ skill }) => skill !== null && skill.ci95 !== null && skill.ci95[1] < 0,
    what: ({ skill }) => `${skill!.against} predicts better, by ${figure(-skill!.value)}${span(skill!)}`,
    why: 'the recipe does not get as much out of the context as a fit of one line',
    fix: 'use the baseline, or train with --recipe strong',
  },
  {
    code: 'no-skill',
    level: 'warn',
    unseen: true,
    holds: ({ skill }) => skill !== null && skill.ci95 !== null && skill.ci95[0] <= 0 && skill.ci95[1] >= 0,
    what: ({ skill }) => `not told apart from ${skill!.against}: ${signed(skill!.value)}${span(skill!)}`,
    why: 'the interval holds zero',
    fix: 'use the simpler one of the two, or judge on more articles',
  },
  {
    code: 'nothing-learned',
    level: 'warn',
    holds: ({ past }) => past.gain !== null && past.epochs > 0 && past.gain <= 0.001,
    what: ({ past }) => `training added ${signed(past.gain!)} to the cosine of the untrained model`,
    why: 'the learning rate is far off, the gradient does not reach the weights, or the initial guess is all there is',
    fix: 'look at train_cosine: if it rose, this is scarcity; if not, try another --lr',
  },
  {
    code: 'best-at-first',
    level: 'warn',
    holds: ({ past }) => past.best_epoch === 1 && past.epochs >= 3,
    what: ({ past }) =>
      `the first of ${past.epochs} epochs was the best; the last has cosine ${figure(past.cosine_last!)}, the best ${figure(past.cosine_best!)}`,
    why: 'scarcity: there are too few windows for so many parameters, or the learning rate is too high',
    fix: 'use a smaller model or --lr, --recipe strong, or more text',
  },
  {
    code: 'overfit',
    level: 'warn',
    unseen: true,
    holds: ({ generalisation: g }) =>
      g !== null && g.gap.ci95 !== null && g.gap.ci95[0] > 0 && g.share > 0.25 && g.share > 1.5 * g.reference_share,
    what: ({ generalisation: g }) =>
      `${percent(g!.share)} of what it knows of its training rows is not there on others: cosine ${figure(g!.train)} against ${figure(g!.judged)}`,
    why: 'it remembers its training rows',
    fix: 'use a smaller model, dropout, --early-stop, or more text',
  },
  {
    code: 'still-improving',
    level: 'note',
    holds: ({ past }) => past.epochs >= 2 && past.best_epoch === past.epochs,
    what: ({ past }) => `the last of ${past.epochs} epochs was the best`,
    why: 'training ended before it stopped to improve',
    fix: 'train with more --epochs',
  },
  {
    code: 'order-blind',
    level: 'note',
    holds: (f) => {
      const drop = ablation(f, 'shuffle')?.drop
      return drop !== undefined && !narrow(f) && !matters(f, drop.value)
    },
    what: (f) => `shuffling the context changes the cosine by ${signed(-ablation(f, 'shuffle')!.drop.value)}`,
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
