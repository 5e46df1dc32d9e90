import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import ts from 'typescript'
import { expect, test } from 'vitest'

const about = JSON.parse(readFileSync('package.json', 'utf8'))
const imported = (file: string) => ts.preProcessFile(readFileSync(file, 'utf8')).importedFiles.map(({ fileName }) => fileName)

test('an installation brings no other packages, and no script that runs at installation', () => {
  const scripts = Object.keys(about.scripts).filter((name) => /^(pre|post)?(un)?install$|^prepare$/.test(name))
  expect([about.dependencies, about.optionalDependencies, scripts]).toEqual([undefined, undefined, []])
  const unasked = Object.keys(about.peerDependencies).filter((name) => about.peerDependenciesMeta[name]?.optional !== true)
  expect(unasked).toEqual([])
})

test('only lib/packages imports values from packages', () => {
  const files = ['lib', 'bin'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  )
  const outside = files.filter((file) => file.endsWith('.ts') && dirname(file) !== join('lib', 'packages'))
  const values = /^(?:import|export) (?!type )[^;]*? from '([^'.][^']*)'|\bawait import\(\s*'([^'.][^']*)'/gm
  const found = outside.flatMap((file) =>
    Array.from(readFileSync(file, 'utf8').matchAll(values), ([, one, other]) => `${file}: ${one ?? other}`),
  )
  expect(found.filter((line) => !line.includes(': node:'))).toEqual([])
})

test('the compiled program imports nothing but itself and modules of Node', async () => {
  const names = readdirSync('dist', { recursive: true, encoding: 'utf8' })
  const programs = ['bin/lvm.js', 'lib/index.js', ...names.filter((name) => /(child|thread|worker|trial)\.js$/.test(name))]
  const { metafile } = await build({
    entryPoints: programs.map((name) => join('dist', name)),
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    write: false,
    outdir: 'unused',
    metafile: true,
    logLevel: 'silent',
  })
  const outside = Object.entries(metafile.inputs).flatMap(([file, { imports }]) =>
    imports
      .filter(({ external, path }) => external && !builtinModules.includes(path.replace(/^node:/, '')))
      .map(({ path }) => `${file}: ${path}`),
  )
  expect(outside).toEqual([])
})

test('the public declarations need no types but those of Node, and no other declarations are shipped', () => {
  const seen = new Set(
    Object.values<{ import?: { types: string } }>(about.exports).flatMap((entry) =>
      entry.import ? [join(entry.import.types)] : [],
    ),
  )
  const outside: string[] = []
  for (const file of seen) {
    for (const name of imported(file)) {
      if (!name.startsWith('.')) outside.push(`${file}: ${name}`)
      else if (existsSync(join(dirname(file), name.replace(/\.js$/, '.d.ts'))))
        seen.add(join(dirname(file), name.replace(/\.js$/, '.d.ts')))
    }
  }
  expect(outside.filter((line) => !line.includes(': node:'))).toEqual([])
  const shipped = readdirSync('dist', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.d.ts'))
  expect(shipped.map((name) => join('dist', name)).sort()).toEqual([...seen].sort())
})
