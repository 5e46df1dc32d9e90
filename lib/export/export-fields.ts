import { choice, flag, text } from '../options.js'

/** What `export` takes beside the run. */
export const exportFields = {
  format: choice(['torchscript', 'safetensors'], {
    default: 'torchscript',
    about: 'a program that torch.jit.load runs, or the weights under their names',
    group: 'Run',
  }),
  out: text({ default: undefined, about: 'the file that is written; in the folder of the run unless given', group: 'Run' }),
  overwrite: flag({ default: false, about: 'replace a file that is there', group: 'Run' }),
} as const
export type Format = 'torchscript' | 'safetensors'
