import { checkedArguments, withFields } from '../../door.js'
import { type Fields, type Given, type Options, resolve } from '../../options.js'

/** Options that a constructor or a plain function was given, with the defaults of their table. Errors: BAD_OPTION. */
export function settled<F extends Fields>(owner: string, fields: F, given: Given<F> | undefined): Options<F> {
  const [options] = checkedArguments(owner, { options: withFields({}) }, [given])
  return resolve(owner, fields, options as Given<F>)
}
