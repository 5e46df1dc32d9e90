import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../lib/libtorch/paths.js'

const native = join(packageRoot(), 'native')
/** Names that Microsoft's compiler or C library lacks, and `long`, which has another size there. */
const MISSING =
  /\bM_[A-Z]\w+|\b__builtin_\w+|\b__attribute__|\b__restrict__|\b(fseek|ftell|ssize_t|off_t)\b|\blong\b|<(unistd|sys\/\w+)\.h>/g

test('native/ uses nothing that Windows lacks, except in files that test for the system or the compiler', () => {
  const files = readdirSync(native, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(cpp|h)$/.test(name))
  const found = files.flatMap((name) => {
    const text = readFileSync(join(native, name), 'utf8')
    const code = text.replaceAll(/\/\/.*|\/\*[\s\S]*?\*\/|"(\\.|[^"\\\n])*"/g, '')
    const asks = /#if.*(_WIN32|__linux__|__GNUC__|LVM_AVX512|LVM_TORCH_GLOO)/.test(text)
    return asks ? [] : [...code.matchAll(MISSING)].map((match) => `${name}: ${match[0]}`)
  })
  expect(files.length).toBeGreaterThan(50)
  expect(found).toEqual([])
})

test('the ranks of a system without Gloo have every function of ranks.h once, and each refuses', () => {
  const [header, absent] = ['ranks.h', 'no-ranks.cpp'].map((name) => readFileSync(join(native, 'train', name), 'utf8')) as [
    string,
    string,
  ]
  const declared = header.slice(header.indexOf('class Ranks')).matchAll(/^ {2}.*?(~?\b\w+)\([^()]*\)(?: const)?;$/gm)
  const defined = Array.from(absent.matchAll(/^.*\bRanks::(~?\w+)\(.*$/gm), ([line, name]) => ({ line, name: name! }))
  expect(defined.map(({ name }) => name).sort()).toEqual(Array.from(declared, ([, name]) => name!).sort())
  expect(defined.filter(({ line, name }) => name !== '~Ranks' && !line.endsWith('{ refuse(); }'))).toEqual([])
})
