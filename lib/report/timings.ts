import { isBusy } from '../libtorch/cpu-share.js'

/** Whether a part of the training was measured on a busy machine, so that its time says little. */
export const wasBusy = ({ cpu_share }: { readonly cpu_share: number | null }): boolean => isBusy(cpu_share)

/** Smallest of the known shares; null without any. */
export function leastShare(shares: readonly (number | null | undefined)[]): number | null {
  const known = shares.filter((share) => typeof share === 'number')
  return known.length === 0 ? null : Math.min(...known)
}
