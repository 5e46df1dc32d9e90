import { contrastiveWeight } from './contrastive-weight.js'
import type { TrainSettings } from './recipe.js'

/** Validation figures of an epoch that can decide which one is the best. */
export interface Selected {
  readonly val_loss: number
  readonly val_cosine: number
  readonly val_top10?: number
  readonly val_mrr?: number
}

/** What chooses the best epoch: `select`, or the loss, or with a contrastive loss the share of targets found. */
export const selection = (train: TrainSettings): 'loss' | 'cosine' | 'top10' =>
  train.select ?? (contrastiveWeight(train) > 0 ? 'top10' : 'loss')

/** Whether each epoch ranks the validation targets in a pool. */
export const ranks = (train: TrainSettings): boolean =>
  train.valRetrieval || contrastiveWeight(train) > 0 || train.select === 'top10'

/** Whether one epoch is better than another; equal shares of found targets are decided by their mean reciprocal rank. */
export function isBetter(train: TrainSettings, a: Selected, b: Selected): boolean {
  const by = selection(train)
  if (by === 'loss') return a.val_loss < b.val_loss
  if (by === 'cosine') return a.val_cosine > b.val_cosine
  const [found, before] = [a.val_top10 ?? -1, b.val_top10 ?? -1]
  return found === before ? (a.val_mrr ?? -1) > (b.val_mrr ?? -1) : found > before
}
