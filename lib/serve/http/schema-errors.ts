import { LvmError, shown } from '../../errors.js'
import { nearestWord } from '../../show.js'

/** An error as TypeBox reports it. */
export interface SchemaError {
  readonly keyword: string
  readonly instancePath: string
  readonly params: object
  readonly message: string
}

/** The value at a JSON pointer. */
const valueAt = (value: unknown, pointer: string): unknown =>
  pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value)

const ARTICLED: Readonly<Record<string, string>> = {
  array: 'a list',
  integer: 'an integer',
  number: 'a number',
  object: 'an object',
  string: 'text',
}

/** Describes an allowed value, from the keyword that failed. */
function expected({ keyword, params, message }: SchemaError): string {
  const { type, limit, allowedValue } = params as { type?: string; limit?: number; allowedValue?: unknown }
  if (keyword === 'type' && type !== undefined) return ARTICLED[type] ?? type
  if (keyword === 'const') return shown(allowedValue)
  if (keyword === 'minimum') return `a number ≥ ${limit}`
  if (keyword === 'maximum') return `a number ≤ ${limit}`
  if (keyword === 'minItems' || keyword === 'minLength')
    return `at least ${limit} ${keyword === 'minItems' ? 'items' : 'characters'}`
  if (keyword === 'maxItems' || keyword === 'maxLength')
    return `at most ${limit} ${keyword === 'maxItems' ? 'items' : 'characters'}`
  return `a value that ${message}`
}

/** Makes the error of a part of a request that does not fit its schema; `keys` are those of the schema. */
export function schemaError(error: SchemaError, value: unknown, part: string, keys: readonly string[]): LvmError {
  const path = `${part}${error.instancePath}`.split('/').join('.')
  const bad = (sentence: string) => new LvmError('BAD_REQUEST', `request: ${sentence}`)
  if (error.keyword === 'required') {
    const { requiredProperties = [] } = error.params as { requiredProperties?: string[] }
    return bad(
      `expected "${requiredProperties.join('" and "')}" in "${path}" but received ${shown(valueAt(value, error.instancePath))}`,
    )
  }
  if (error.keyword === 'boolean') {
    const word = error.instancePath.split('/').at(-1)!
    const meant = nearestWord(word.slice(0, 64), keys)
    return bad(
      `there is no key ${shown(word)} in "${part}"${meant === undefined ? `; there are: ${keys.join(', ')}` : `; did you mean "${meant}"?`}`,
    )
  }
  return bad(`expected ${expected(error)} for "${path}" but received ${shown(valueAt(value, error.instancePath))}`)
}
