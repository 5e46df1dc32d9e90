import type { TrainSettings } from './recipe.js'

/** Weight of the contrastive loss; 0 without one. */
export const contrastiveWeight = ({ loss, contrastiveWeight: weight }: TrainSettings): number =>
  loss === 'contrastive' ? 1 : loss === 'mse+contrastive' ? weight : 0
