// Makes the compiled lib/packages complete: each module takes in the packages that it re-exports, without the parts that nothing
// uses, so that an installation brings no packages with it: `node scripts/bundle-packages.mjs DIST`.
import { copyFileSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const folder = join(process.argv[2], 'lib', 'packages')
const require = createRequire(import.meta.url)
const { PACKED, SERVED } = await import(pathToFileURL(join(process.cwd(), folder, 'assets.js')))

/** CommonJS packages use these names, which modules lack. */
const banner = `import { createRequire as lvmRequire } from 'node:module'
import { dirname as lvmDirname } from 'node:path'
import { fileURLToPath as lvmPath } from 'node:url'
const require = lvmRequire(import.meta.url), __filename = lvmPath(import.meta.url), __dirname = lvmDirname(__filename);`

const modules = readdirSync(folder).filter((name) => name.endsWith('.js') && name !== 'assets.js')
const staged = join(folder, 'staged')
const { metafile } = await build({
  entryPoints: modules.map((name) => join(folder, name)),
  outdir: staged,
  bundle: true,
  splitting: true, // packages that several modules need are written once
  chunkNames: 'shared-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minify: true,
  keepNames: true, // prom-client and typebox show names of classes
  legalComments: 'none', // LICENSES.txt holds them
  banner: { js: banner },
  metafile: true,
  logLevel: 'warning',
})
for (const name of readdirSync(staged)) renameSync(join(staged, name), join(folder, name))
rmSync(staged, { recursive: true })
for (const file of SERVED) copyFileSync(require.resolve(file), join(folder, basename(file)))
for (const file of PACKED)
  writeFileSync(join(folder, `${basename(file)}.gz`), gzipSync(readFileSync(require.resolve(file)), { level: 9 }))

/** Folders of all packages of which something was taken. */
const taken = new Set(
  [...Object.keys(metafile.inputs), ...[...SERVED, ...PACKED].map((file) => `node_modules/${file}`)].flatMap(
    (path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? [],
  ),
)
const held = [...taken].sort().map((path) => {
  const { name, version, license, repository } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
  const files = readdirSync(path).filter(
    (one) => /^(licen[cs]e|copying|notice)(\.\w+)?$/i.test(one) && statSync(join(path, one)).isFile(),
  )
  const source = repository?.url ?? repository ?? `https://www.npmjs.com/package/${name}`
  const text = files.map((file) => `\n${readFileSync(join(path, file), 'utf8').trim()}\n`).join('')
  return { name, version, licence: license ?? null, text: `${name} ${version} (${source}), licence: ${license}\n${text}` }
})
writeFileSync(join(folder, 'LICENSES.txt'), held.map(({ text }) => text).join(`\n${'-'.repeat(80)}\n\n`))
writeFileSync(join(folder, 'packages.json'), `${JSON.stringify(held.map(({ text, ...about }) => about))}\n`)
