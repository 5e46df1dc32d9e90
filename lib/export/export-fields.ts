import { choice, flag, text } from '../options.js'

export const FORMATS = ['torchscript', 'safetensors', 'onnx'] as const
export type Format = (typeof FORMATS)[number]

/** Options of `export` beside the run. */
export const exportFields = {
  format: choice(FORMATS, {
    default: undefined,
    about:
      'a program for torch.jit.load, the weights by name, or a model for ONNX Runtime; by the ending of --out, else torchscript',
    group: 'Run',
  }),
  out: text({
    default: undefined,
    about: 'file to write, whose ending .onnx, .safetensors or .pt chooses the format; in the folder of the run unless given',
    group: 'Run',
  }),
  overwrite: flag({ default: false, about: 'replace an existing file; --force says the same', alias: 'force', group: 'Run' }),
  unchecked: flag({
    default: false,
    about: 'write an ONNX file without comparing it in ONNX Runtime; the file says so',
    group: 'Run',
  }),
} as const
