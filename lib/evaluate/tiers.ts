/** Limits of each tier. Source: the specification (PRD), «Success Criteria». */
const TIERS = {
  minimum: { val_loss: 0.001, val_cosine: 0.7, train_seconds: 4 * 3600, weights_bytes: 2e9 },
  target: { val_loss: 0.0006, val_cosine: 0.75, train_seconds: 2 * 3600 },
  stretch: { val_loss: 0.0005, val_cosine: 0.786 },
} as const

/** Criteria in the order of the table. The cosine must lie above its limit, all others below. */
const CRITERIA = ['val_loss', 'val_cosine', 'train_seconds', 'weights_bytes'] as const
export type Criterion = (typeof CRITERIA)[number]
export type TierName = keyof typeof TIERS

/** Figures that the limits of the tiers apply to; null if unknown. */
export type TierFigures = {
  /** MSE of the output that the loss was computed on, raw or unit. */
  readonly val_loss: number | null
  readonly val_cosine: number | null
  /** Units: seconds of training. */
  readonly train_seconds: number | null
  /** Units: bytes of parameters and saved buffers. */
  readonly weights_bytes: number | null
}

/** Null: undecided, because a figure is missing. */
export interface Verdict {
  readonly pass: boolean | null
  readonly criteria: Readonly<
    Partial<Record<Criterion, { readonly value: number | null; readonly limit: number; readonly pass: boolean | null }>>
  >
}

/** Judges every tier. A missing figure leaves the verdict at null unless another figure already fails. */
export function judgeTiers(figures: TierFigures): Record<TierName, Verdict> {
  const judge = (limits: Partial<Record<Criterion, number>>): Verdict => {
    const criteria: Verdict['criteria'] = Object.fromEntries(
      CRITERIA.filter((key) => limits[key] !== undefined).map((key) => {
        const value = figures[key]
        const limit = limits[key]!
        return [key, { value, limit, pass: value === null ? null : key === 'val_cosine' ? value > limit : value < limit }]
      }),
    )
    const passes = Object.values(criteria).map(({ pass }) => pass)
    return { pass: passes.includes(false) ? false : passes.includes(null) ? null : true, criteria }
  }
  return { minimum: judge(TIERS.minimum), target: judge(TIERS.target), stretch: judge(TIERS.stretch) }
}
