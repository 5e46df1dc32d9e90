import { choice, flag, text } from '../options.js'

/** Options of `export` beside the run. */
export const exportFields = {
  format: choice(['torchscript', 'safetensors'], {
    default: 'torchscript',
    about: 'a program for torch.jit.load, or the weights by name',
    group: 'Run',
  }),
  out: text({ default: undefined, about: 'file to write; in the folder of the run unless given', group: 'Run' }),
  overwrite: flag({ default: false, about: 'replace an existing file', group: 'Run' }),
} as const
export type Format = 'torchscript' | 'safetensors'
