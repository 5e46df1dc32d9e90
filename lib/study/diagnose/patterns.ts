import { advice, type Pattern } from './pattern.js'
import { NOTES } from './patterns-notes.js'
import { TRAINING } from './patterns-training.js'
import {
  ablation,
  above,
  below,
  blurred,
  contrastiveCollapse,
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

/** All patterns, in the order of the page: those that invalidate other findings come first. */
export const PATTERNS: readonly Pattern[] = [
  {
    code: 'foreign-forward',
    level: 'fail',
    holds: (f) => f.recorded !== null && !f.recorded.equal,
    what: ({ recorded: r }) => `the history says cosine ${figure(r!.cosine)} on these rows, but it is ${figure(r!.measured)}`,
    why: 'the weights are run through another forward than in training, or the files are from different runs',
    fix: 'use the version named in the manifest, or train again; no figure of this run is valid',
  },
  {
    code: 'flat',
    level: 'fail',
    holds: (f) => isFlat(f) && !undertrained(f),
    what: (f) =>
      `the cosine equals that of unrelated targets: ${signed(f.gain.mean)} from the floor ${figure(f.floor)} at the target, at most ${figure(peak(f))} at any offset, where ${f.reference.name} gains ${figure(f.reference.gain)}`,
    // The golden rows of a run trained here were checked when it was loaded.
    why: ({ past }) =>
      past.epochs > 0
        ? 'the weights are those of the training, so these vectors are from another encoder or differ from the training data'
        : 'weights that were not loaded, a foreign forward, or vectors of another encoder',
    fix: ({ past }) =>
      past.epochs > 0
        ? 'check that the data is in the space of the training data'
        : 'check the origin of the weights (import lists every tensor), and that the data is in the space of the training data',
  },
  {
    code: 'undertrained',
    level: 'warn',
    holds: undertrained,
    what: (f) =>
      `the cosine is hardly above the floor: ${figure(f.cosine.value)}, where targets of other articles have ${figure(f.floor)} and ${f.reference.name} has ${figure(f.reference.cosine)}`,
    why: (f) =>
      `training never had a higher cosine (best epoch: ${figure(f.past.cosine_best!)}), so other weights or another forward are not indicated: the model has not learned enough yet`,
    fix: 'train with more --epochs or another --lr; lvm-torch ceiling gives a lower bound of the reachable cosine',
  },
  {
    code: 'sign-flipped',
    level: 'fail',
    holds: flipped,
    what: (f) =>
      `predictions point away from their targets: cosine ${figure(f.cosine.value)}, with the sign flipped ${figure(-f.cosine.value)}`,
    why: 'a sign was lost in the head or in the loss',
    fix: 'check for a loss that is maximised, or a head that negates',
  },
  {
    code: 'off-by-one',
    level: 'fail',
    holds: (f) => !flipped(f) && f.ahead !== null && above(f.ahead, Math.max(0, f.ahead_reference!)) && f.ahead.mean > 0.02,
    what: (f) => `predictions are closer to the vector after the target than to the target, by ${figure(f.ahead!.mean)}`,
    why: 'it was trained on targets one row too late; predictions show this only when the two rows differ, and never when the evaluated data has the same shift',
    fix: 'run: lvm-torch data audit, which detects a shift in the data itself; the target must be the row right after the context',
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
      `predictions are closer to the oldest context vector than to the newest, by ${figure(f.behind!.mean)}, and reversing the context gains ${figure(-ablation(f, 'reverse')!.drop.value)}`,
    why: 'the context is fed in the reverse order of training',
    fix: 'feed the oldest vector first, in training and when serving',
  },
  {
    code: 'mean-seeking',
    level: 'fail',
    holds: (f) => !contrastiveCollapse(f) && narrow(f) && f.to_mean > 0.9,
    what: (f) =>
      `every prediction is nearly the mean vector: cosine ${figure(f.to_mean)} to it, spread ${percent(spreadShare(f))} of that of ${f.reference.name}`,
    why: 'the mean minimises the loss when no information from the context reaches the output: too much regularisation, or a dead layer',
    fix: (f) => advice(f, 'look at the gradient norms', 'less weight decay or dropout', 'a higher --lr', '--residual decay'),
  },
  {
    code: 'contrastive-collapse',
    level: 'fail',
    holds: contrastiveCollapse,
    what: ({ dispersion: { predictions, targets } }) =>
      `the contrastive loss has collapsed: the predictions have dispersion ${figure(predictions.dispersion)} and effective rank ${predictions.effective_rank.toFixed(1)}, the targets ${figure(targets.dispersion)} and ${targets.effective_rank.toFixed(1)}`,
    why: 'predictions that share one direction, or few, cannot find different targets: too few negatives, a learning rate that is too large, or a temperature at its upper limit',
    fix: (f) => advice(f, '--loss mse+contrastive', 'more --negatives', 'a smaller --lr'),
  },
  {
    code: 'collapse',
    level: 'fail',
    holds: (f) => !contrastiveCollapse(f) && !undertrained(f) && (narrow(f) ? f.to_mean <= 0.9 : blurred(f) && !isFlat(f)),
    what: (f) =>
      `${narrow(f) ? 'predictions are nearly the same vector' : 'predictions do not distinguish their targets'}: spread ${percent(spreadShare(f))} of that of ${f.reference.name}, and ${percent(f.identification.value)} of other targets are farther away than the true one (${f.reference.name}: ${percent(f.reference.identification)}, chance: 50 %)`,
    why: 'predictions near the centre of the targets can gain cosine, but they lose retrieval',
    fix: 'compare by retrieval, not by cosine; train with a smaller --lr or less regularisation',
  },
  {
    code: 'copying',
    level: 'fail',
    holds: (f) => !flipped(f) && f.margin.copying > 0.5 && below(f.margin.difference, 0),
    what: (f) =>
      `it repeats the last vector: the cosine with that vector is ${figure(-f.margin.value)} higher than with the target, where ${figure(-f.margin.expected)} is expected (${f.margin.against}), and copying has ${figure(-f.margin.copy_last)}`,
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
        ? 'windows were split at random, so training contexts contain targets that are evaluated here'
        : `${percent(f.twins!)} of the evaluated targets are among the training vectors`,
    why: 'the model has memorised these targets instead of predicting them; every figure is too good',
    fix: 'train with --split articles, and remove duplicates: lvm-torch data audit lists them',
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
      `against ${reference.name} it is ${signed(o!.advantage_judged.value)} on the evaluated rows but ${signed(o!.advantage.value)} on ${o!.path}`,
    why: 'a leak between training and evaluated rows, or a model that learned these articles rather than language',
    fix: 'run lvm-torch data audit on both files; rely on the lower figure',
  },
  {
    code: 'norm-explosion',
    level: 'fail',
    // Outputs that were as long before training did not explode during it.
    holds: (f) =>
      !(undertrained(f) && (f.past.output_norm_growth ?? 2) < 1.5) &&
      (f.output === 'raw' ? f.norm.mean > 1.5 : f.norm.mean > 1e4 || (f.past.output_norm_growth ?? 1) > 100),
    what: (f) =>
      `outputs are ${figure(f.norm.mean)} long where targets have length 1${f.output === 'raw' ? ', and the best predictor is never longer than its targets' : ''}`,
    why: 'training is unstable, or inputs have another scale than in training',
    fix: (f) => advice(f, 'a smaller --lr', '--clip 1', '--loss cosine'),
  },
  ...TRAINING,
  ...NOTES,
]
