import { advice, type Pattern } from './pattern.js'
import { NOTES } from './patterns-notes.js'
import { TRAINING } from './patterns-training.js'
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
  spreadShare,
  undertrained,
} from './signs.js'

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
    holds: (f) => isFlat(f) && !undertrained(f),
    what: (f) =>
      `the cosine is that of unrelated targets: ${signed(f.gain.mean)} from the floor ${figure(f.floor)} at the target, at most ${figure(peak(f))} at any offset, where ${f.reference.name} gains ${figure(f.reference.gain)}`,
    // A run that was trained here has given its golden rows again when it was loaded.
    why: ({ past }) =>
      past.epochs > 0
        ? 'the weights are those of the training, so these vectors are of another encoder or unlike those of the training'
        : 'weights that were not loaded, a foreign forward, or vectors of another encoder',
    fix: ({ past }) =>
      past.epochs > 0
        ? 'check that the data has the space of the training'
        : 'check where the weights come from (import names every tensor) and that the data has the space of the training',
  },
  {
    code: 'undertrained',
    level: 'warn',
    holds: undertrained,
    what: (f) =>
      `the cosine is hardly above the floor: ${figure(f.cosine.value)}, where targets of other articles have ${figure(f.floor)} and ${f.reference.name} has ${figure(f.reference.cosine)}`,
    why: (f) =>
      `the training had no better figure (best epoch: ${figure(f.past.cosine_best!)}), so nothing points to other weights or another forward: it has learned too little yet`,
    fix: 'train with more --epochs or another --lr; lvm-torch ceiling says what is reachable at least',
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
    holds: (f) => !flipped(f) && f.ahead !== null && above(f.ahead, Math.max(0, f.ahead_reference!)) && f.ahead.mean > 0.02,
    what: (f) => `the vector after the target is met better than the target, by ${figure(f.ahead!.mean)}`,
    why: 'it was trained on targets that are one row late; predictions show that only where both rows can be told apart, and never where the judged data has the same shift',
    fix: 'run: lvm-torch data audit, which sees a shift in the data itself; the target must be the row right after the context',
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
    fix: (f) => advice(f, 'look at the gradient norms', 'less weight decay or dropout', 'a higher --lr', '--residual decay'),
  },
  {
    code: 'collapse',
    level: 'fail',
    holds: (f) => !undertrained(f) && (narrow(f) ? f.to_mean <= 0.9 : blurred(f) && !isFlat(f)),
    what: (f) =>
      `${narrow(f) ? 'predictions are nearly the same vector' : 'predictions do not tell their targets apart'}: spread ${percent(spreadShare(f))} of that of ${f.reference.name}, and ${percent(f.identification.value)} of other targets are further away than the true one (${f.reference.name}: ${percent(f.reference.identification)}, chance: 50 %)`,
    why: 'predictions that move to where most targets are can gain cosine, but they lose retrieval',
    fix: 'judge by retrieval, not by cosine; train with a smaller --lr or less regularisation',
  },
  {
    code: 'copying',
    level: 'fail',
    holds: (f) => !flipped(f) && f.margin.copying > 0.5 && below(f.margin.difference, 0),
    what: (f) =>
      `it repeats the last vector: its cosine with it is ${figure(-f.margin.value)} higher than with the target, where ${figure(-f.margin.expected)} is expected (${f.margin.against}), and copying has ${figure(-f.margin.copy_last)}`,
    why: 'copying is easy and gives a cosine far above chance without predicting anything',
    fix: (f) => advice(f, 'compare with copy_last in the table', '--residual decay'),
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
    // Outputs that were as long before the training did not explode in it.
    holds: (f) =>
      !(undertrained(f) && (f.past.output_norm_growth ?? 2) < 1.5) &&
      (f.output === 'raw' ? f.norm.mean > 1.5 : f.norm.mean > 1e4 || (f.past.output_norm_growth ?? 1) > 100),
    what: (f) =>
      `outputs are ${figure(f.norm.mean)} long where targets have length 1${f.output === 'raw' ? ', and the best predictor is never longer than its targets' : ''}`,
    why: 'training is unstable, or inputs are scaled otherwise than in training',
    fix: (f) => advice(f, 'a smaller --lr', '--clip 1', '--loss cosine'),
  },
  ...TRAINING,
  ...NOTES,
]
