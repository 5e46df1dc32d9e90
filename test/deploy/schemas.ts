import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv2019 } from 'ajv/dist/2019.js'

const here = dirname(fileURLToPath(import.meta.url))
export const schema = (name: string) => JSON.parse(readFileSync(join(here, 'schemas', `${name}.json`), 'utf8'))

/** Faults of a document, in words. */
export const checker = (schema: object) => {
  const check = new Ajv2019({
    strict: false,
    validateSchema: false,
    allErrors: true,
    formats: { int32: true, int64: true, 'date-time': true, duration: true },
  }).compile(schema)
  return (document: unknown): string[] =>
    check(document)
      ? []
      : check.errors!.map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`)
}
export const kubernetes = schema('kubernetes')
export const checkKind = (document: { kind: string }) =>
  checker({ $defs: kubernetes.$defs, $ref: `#/$defs/${kubernetes.kinds[document.kind]}` })(document)
