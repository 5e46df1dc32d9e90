import { integer, real } from '../options.js'

const group = 'Model'

// Options shared by many architectures, so that a name means the same in all of them.
export const width = (channels: number, min = 1) =>
  integer({ default: channels, min, about: 'hidden dimension of the model', group })
export const layers = (count: number, about: string, max = 96) => integer({ default: count, min: 1, max, about, group })
export const heads = (count: number) => integer({ default: count, min: 1, about: 'attention heads', group })
export const dropout = (rate: number, where: string) =>
  real({ default: rate, min: 0, max: 0.95, about: `dropout ${where}`, group })

/** An option that is derived from others unless given; `about` describes the rule. */
export const derived = (about: string, min = 1) => integer({ default: undefined, min, about: `${about} unless given`, group })
export const headDim = (min = 1) => derived('dimension of an attention head; width / heads', min)
export const ffn = derived('hidden dimension of the feed-forward layer; 4 × width')
