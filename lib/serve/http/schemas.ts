import type { FastifySchemaCompiler } from 'fastify'
import { ERRORS, type ErrorCode } from '../../error-codes.js'
import { Compile, type TSchema, Type } from '../../packages/typebox.js'
import { PROBLEM } from './problem.js'
import { schemaError } from './schema-errors.js'

const READ = 'x-shape'

/** Nested lists of numbers with these axes. The validator leaves them to read-vectors.ts, which checks and copies them in one pass. */
export const numbers = (axes: readonly string[], description: string) => {
  const nested =
    axes.length === 0 ? Type.Array(Type.Unknown()) : axes.reduceRight<TSchema>((items) => Type.Array(items), Type.Number())
  return Type.Unsafe<unknown>({ ...nested, [READ]: axes, description })
}

/** Little-endian float32 values. */
export const bytes = (description: string) =>
  Type.Unsafe<Buffer>({ type: 'string', contentMediaType: 'application/octet-stream', description })

export const JSON_TYPE = 'application/json'
export const BYTES_TYPE = 'application/octet-stream'

/** A body that comes as JSON or as bytes. */
export const either = (json: TSchema, raw: TSchema) => ({
  content: { [JSON_TYPE]: { schema: json }, [BYTES_TYPE]: { schema: raw } },
})

/** An object with these keys and no others. */
export const exactly = <P extends Record<string, TSchema>>(keys: P, description?: string) =>
  Type.Object(keys, { additionalProperties: false, ...(description === undefined ? {} : { description }) })

const CODES = Object.keys(ERRORS) as ErrorCode[]

export const problemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.Enum(CODES),
    hint: Type.String(),
    instance: Type.Optional(Type.String()),
    request_id: Type.String(),
  },
  { description: 'An error, as RFC 9457 defines it' },
)

/** The answers of a route: that of success, and a problem for every error. */
export const answers = (success: TSchema | { description: string; content: unknown }, status = 200) => ({
  [status]: success,
  default: { description: 'Error', content: { [PROBLEM]: { schema: problemSchema } } },
})

export const modelName = Type.Optional(
  Type.String({ maxLength: 256, description: 'Name of the run, where several are served; the header X-Model says the same' }),
)

/** Copy of a schema in which the lists that read-vectors.ts checks are plain arrays. */
function outline(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(outline)
  if (typeof schema !== 'object' || schema === null) return schema
  if (READ in schema) return { type: 'array' }
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, outline(value)]))
}

/** Compiles a schema to a check whose error is ours. */
export const compileCheck: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  if ('contentMediaType' in schema) return (value: unknown) => ({ value })
  const check = Compile(outline(schema) as TSchema)
  return (value: unknown) => {
    if (check.Check(value)) return { value }
    const [first] = check.Errors(value)
    const { properties = {} } = schema as { properties?: object }
    return { error: schemaError(first!, value, httpPart ?? 'request', Object.keys(properties)) }
  }
}
