// Deletes the compiled declarations that no public entry of the package leads to: `node scripts/public-types.mjs DIST`.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

const dist = process.argv[2]
const { exports } = JSON.parse(readFileSync('package.json', 'utf8'))
const entries = Object.values(exports).flatMap(({ types }) => (types === undefined ? [] : [types]))
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
