import { LvmError, shown } from '../../errors.js'
import { nearestWord } from '../../show.js'
import { operatorSchemas } from './operator-schemas.js'

const camel = (name: string) => name.replace(/(?<=.)_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
/** Names of the arguments of a schema such as `aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False) -> Tensor`. */
const argumentsOf = (schema: string): string[] =>
  schema
    .slice(schema.indexOf('(') + 1, schema.lastIndexOf(') ->'))
    .split(', ')
    .map((argument) => argument.split(' ').at(-1)!.split('=')[0]!)
    .filter((name) => name !== '*' && name !== 'self')

/** The error for a named argument that no form of an operator has; undefined when all are known. */
export function unknownName(
  name: string,
  forms: readonly string[],
  given: readonly string[],
  cause: unknown,
): LvmError | undefined {
  const schemas = operatorSchemas().filter((schema) => forms.some((form) => schema.startsWith(`${form}(`)))
  const known = [...new Set(schemas.flatMap(argumentsOf))]
  const unknown = given.find((key) => !known.includes(key))
  if (unknown === undefined) return undefined
  const names = known.map(camel)
  const meant = nearestWord(camel(unknown), names)
  const message = `${name}: expected one of the named arguments ${names.join(', ')} but received ${shown(camel(unknown))}`
  return new LvmError('BAD_ARGUMENT', message, { cause, ...(meant !== undefined && { hint: `did you mean "${meant}"?` }) })
}
