import { LvmError } from '../errors.js'

/** An object whose `native` is a handle of the addon that operators take. */
export abstract class Holder<H> {
  abstract readonly native: H
  /** Refuses JSON.stringify, which cannot wait for the elements. Errors: BAD_ARGUMENT. */
  toJSON(): never {
    const { name } = this.constructor
    throw new LvmError('BAD_ARGUMENT', `JSON.stringify: expected plain data but received a ${name}`, {
      hint: 'of a tensor x write (await x.tolist())',
    })
  }
}
