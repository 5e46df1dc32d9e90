// Completes the public entries of the package: `node scripts/public-types.mjs DIST`. Writes the one that require() gets, and deletes the
// compiled declarations that no entry leads to.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

const dist = process.argv[2]
const { exports } = JSON.parse(readFileSync('package.json', 'utf8'))
const entries = Object.values(exports).flatMap((entry) => (entry.import === undefined ? [] : [entry.import.types]))
const seen = new Set(entries.map((path) => join(dist, path.replace('./dist/', ''))))
for (const file of seen) {
  for (const { fileName } of ts.preProcessFile(readFileSync(file, 'utf8')).importedFiles) {
    const path = join(dirname(file), fileName.replace(/\.js$/, '.d.ts'))
    if (fileName.startsWith('.') && existsSync(path)) seen.add(path)
  }
}
for (const name of readdirSync(dist, { recursive: true })) {
  const path = join(dist, name)
  if (path.endsWith('.d.ts') && !seen.has(path)) rmSync(path)
}

for (const { require: common } of Object.values(exports)) {
  if (common === undefined) continue
  const [types, code] = [common.types, common.default].map((path) => join(dist, path.replace('./dist/', '')))
  const module = `./${code
    .split(/[\\/]/)
    .at(-1)
    .replace(/\.cjs$/, '.js')}`
  writeFileSync(code, `module.exports = require('${module}') // Node 20.19 and newer can\n`)
  writeFileSync(
    types,
    `// @ts-ignore: with node16, TypeScript does not know that Node 20.19 and newer can require() this\nexport * from '${module}'\n`,
  )
}
