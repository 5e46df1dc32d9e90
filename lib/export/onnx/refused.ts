import { LvmError } from '../../errors.js'

/** Error of a runtime that does not load or compute an exported file. */
export const refused = (reason: string, cause: unknown): LvmError =>
  new LvmError('FOREIGN_FORWARD', `export: ONNX Runtime refused the file: ${reason}`, {
    cause,
    hint: 'this is a bug in lvm-torch, or this ONNX Runtime is older than 1.12; nothing was written',
  })
