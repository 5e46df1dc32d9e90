// Writes the description of every option from the field tables into the compiled declarations, so that editors show it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = resolve(process.argv[2] ?? 'dist', 'lib')
const TABLE = /^export declare const (\w+): [^\n]*\{\n((?: .*\n)*)\}/gm
const FIELD = /(?<!\*\/\n)^ {4}(?:readonly )?(\w+): [^\n]*\bField</gm

/** Returns a field's docstring: its description, the accepted values unless the type has them, and the default. */
function comment({ kind, about, expected, default: preset }) {
  const accepts = ['integer', 'real'].includes(kind) || (kind === 'text' && expected !== 'text') ? ` (${expected})` : ''
  const unless = preset === undefined ? '' : `\n     * @default ${typeof preset === 'string' ? `'${preset}'` : preset}`
  return `    /**\n     * ${about}${accepts}${unless}\n     */\n`
}

for (const name of readdirSync(root, { recursive: true })) {
  const path = join(root, name)
  const text = path.endsWith('.d.ts') ? readFileSync(path, 'utf8') : ''
  if (!/: [^\n]*\{\n {4}[^\n]*\bField</.test(text)) continue
  const module = await import(pathToFileURL(path.replace(/\.d\.ts$/, '.js')))
  const documented = text.replaceAll(TABLE, (table, constant, body) => {
    const fields = module[constant].fields ?? module[constant]
    return table.replace(
      body,
      body.replaceAll(FIELD, (line, key) => `${comment(fields[key])}${line}`),
    )
  })
  if (documented !== text) writeFileSync(path, documented)
}
