import { basename, resolve } from 'node:path'
import type { EncoderFolder } from './encoder-folder.js'

/** What turns texts into the vectors of one space. */
export interface SpaceParts extends Pick<EncoderFolder, 'path' | 'pools' | 'dense'> {
  readonly normalize: boolean
  readonly prompt: string
}

/** Spaces of gtr-t5-base, which decoders are trained for, by Dense and by length 1. */
const GTR: Readonly<Record<string, string>> = { 'false false': 'gtr-mean', 'true true': 'gtr-st', 'false true': 'gtr-mean-l2' }

/** Name of the space of an encoder: vectors of different names are not compared. */
export function spaceOf({ path, pools, dense, normalize, prompt }: SpaceParts): string {
  const name = basename(resolve(path))
  const gtr = GTR[`${dense.length > 0} ${normalize}`]
  if (name === 'gtr-t5-base' && gtr !== undefined && pools.join() === 'mean' && prompt === '') return gtr
  return [
    name,
    `${pools.join(' + ')} pooling`,
    ...dense.map(
      ({ config, activation }) => `dense ${config.size('out_features')}${activation === undefined ? '' : ` ${activation}`}`,
    ),
    ...(normalize ? ['L2'] : []),
    ...(prompt === '' ? [] : [`prompt ${JSON.stringify(prompt)}`]),
  ].join(' · ')
}
