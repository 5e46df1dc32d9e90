import { advice, type Pattern } from './pattern.js'
import { averageLags, figure, percent, signed, span, times } from './signs.js'

/** Patterns in the history of a run, and in its comparison with baselines and training rows. */
export const TRAINING: readonly Pattern[] = [
  {
    code: 'gradient-peak',
    level: 'warn',
    holds: ({ past }) => (past.grad_norm_peak ?? 1) > 100,
    what: ({ past }) => `the gradient norm of one epoch was ${times(past.grad_norm_peak!)} the median`,
    why: 'one bad batch can undo an epoch',
    fix: (f) => advice(f, '--clip 1', 'a smaller --lr'),
  },
  {
    code: 'below-baseline',
    level: 'warn',
    unseen: true,
    holds: ({ skill }) => skill !== null && skill.ci95 !== null && skill.ci95[1] < 0,
    what: ({ skill }) => `${skill!.against} predicts better, by ${figure(-skill!.value)}${span(skill!)}`,
    why: ({ skill }) => `the run extracts less from the context than ${skill!.against} does`,
    fix: (f) => advice(f, 'the baseline itself', '--recipe strong', 'more text'),
  },
  {
    code: 'no-skill',
    level: 'warn',
    unseen: true,
    holds: ({ skill }) => skill !== null && skill.ci95 !== null && skill.ci95[0] <= 0 && skill.ci95[1] >= 0,
    what: ({ skill }) => `no significant difference from ${skill!.against}: ${signed(skill!.value)}${span(skill!)}`,
    why: 'the interval contains zero',
    fix: 'use the simpler of the two, or evaluate on more articles',
  },
  {
    code: 'nothing-learned',
    level: 'warn',
    holds: ({ past }) => past.gain !== null && past.epochs > 0 && past.gain <= 0.001 && !averageLags(past),
    what: ({ past }) => `training added ${signed(past.gain!)} to the cosine of the untrained model`,
    why: 'the learning rate is far off, the gradient does not reach the weights, or nothing beyond the untrained prediction can be learned',
    fix: 'look at train_cosine: if it rose, there is too little data; if not, try another --lr',
  },
  {
    code: 'average-lags',
    level: 'warn',
    holds: ({ past }) => averageLags(past),
    what: ({ past }) =>
      `the running loss ${past.running_loss_change! < 0 ? 'fell' : 'rose'} by ${percent(Math.abs(past.running_loss_change!))}, but the evaluated loss on training rows rose by ${percent(past.judged_loss_change!)}`,
    why: ({ settings }) =>
      Number(settings?.ema ?? 0) > 0
        ? `the averaged weights (--ema ${settings!.ema}) still contain those of the first steps: the average is too slow for so short a run`
        : 'the evaluated model differs from the trained one: averaged weights (--ema) that are too slow for so short a run, or too much dropout',
    fix: ({ settings }) =>
      Number(settings?.ema ?? 0) > 0
        ? 'train with --ema 0 or a smaller --ema, or with more --epochs'
        : 'train with less dropout, or with more --epochs',
  },
  {
    code: 'best-at-first',
    level: 'warn',
    holds: ({ past }) => past.best_epoch === 1 && past.epochs >= 3 && !averageLags(past),
    what: ({ past }) =>
      `the first of ${past.epochs} epochs was the best; the last has cosine ${figure(past.cosine_last!)}, the best ${figure(past.cosine_best!)}`,
    why: 'there are too few windows for so many parameters, or the learning rate is too high',
    fix: (f) => advice(f, 'a smaller model or --lr', '--recipe strong', 'more text'),
  },
  {
    code: 'overfit',
    level: 'warn',
    unseen: true,
    holds: ({ generalisation: g }) =>
      g !== null &&
      g.gap.ci95 !== null &&
      g.gap.ci95[0] > 0 &&
      g.share !== null &&
      g.share > Math.max(0.25, 1.5 * (g.reference_share ?? 0)),
    what: ({ generalisation: g }) =>
      `${percent(g!.share!)} of its gain on training rows is lost on other rows: cosine ${figure(g!.train)} against ${figure(g!.judged)}`,
    why: 'the model has memorised its training rows',
    fix: (f) => advice(f, 'a smaller model', 'dropout', '--early-stop 3', 'more text'),
  },
  {
    code: 'still-improving',
    level: 'note',
    holds: ({ past }) => past.epochs >= 2 && past.best_epoch === past.epochs,
    what: ({ past }) => `the last of ${past.epochs} epochs was the best`,
    why: 'training ended before it stopped improving',
    fix: 'train with more --epochs',
  },
]
