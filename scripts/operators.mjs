// Writes operator-forms.ts and operator-types.ts in lib/torch/operators from the schemas of libtorch: `node scripts/operators.mjs`; with --check it
// only says whether they are current.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { operatorSchemas } from '../dist/lib/torch/operators/operator-schemas.js'
import { FUNCTIONS_ONLY, OPERATORS } from './operators/names.mjs'

const FOLDER = 'lib/torch/operators'
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const camel = (name) => name.replaceAll(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter) => letter.toUpperCase())

/** Types of arguments in TypeScript; forms with any other required argument are left out. */
const TYPES = {
  Tensor: 'T',
  'Tensor[]': 'readonly T[]',
  'Tensor?[]': 'readonly (T | null)[]',
  Scalar: 'number | bigint | boolean',
  'Scalar[]': 'readonly number[]',
  float: 'number',
  'float[]': 'readonly number[]',
  int: 'number',
  bool: 'boolean',
  str: 'string',
  ScalarType: 'DType',
  Device: 'string',
  Generator: 'Generator',
}
const REDUCTION = "'none' | 'mean' | 'sum'"
function typeOf({ type, name }) {
  const optional = type.endsWith('?')
  const plain = (optional ? type.slice(0, -1) : type).replace(/\(.*?\)/, '').replaceAll('SymInt', 'int')
  if (name === 'reduction') return REDUCTION
  const known = /^int\[\d*\]$/.test(plain)
    ? 'number | readonly number[]'
    : TYPES[plain.replace(/^(float|Scalar)\[\d+\]$/, '$1[]')]
  return known === undefined ? undefined : optional ? `${known} | null` : known
}
const RESULTS = { Tensor: 'T', 'Tensor[]': 'T[]', bool: 'boolean', int: 'number' }
/** The result of a form in TypeScript; undefined if it is not a tensor, tensors or a number. */
function resultOf(text) {
  const parts = text.replaceAll(/\([a-z]!?(?: ?-> ?\*)?\)/g, '').replaceAll('SymInt', 'int')
  if (!parts.startsWith('(')) return RESULTS[parts]
  const items = parts
    .slice(1, -1)
    .split(', ')
    .map((item) => item.split(' '))
  if (items.some(([type]) => type !== 'Tensor')) return undefined
  return items.length === 0 ? undefined : `[${items.map(([, name], i) => `${camel(name ?? `part${i + 1}`)}: T`).join(', ')}]`
}

/** Splits at commas outside brackets. */
function split(text) {
  const parts = []
  let depth = 0
  for (const letter of text) {
    if ('[('.includes(letter)) depth++
    if ('])'.includes(letter)) depth--
    if (letter === ',' && depth === 0) parts.push('')
    else parts[Math.max(parts.length - 1, 0)] = (parts.at(-1) ?? '') + letter
  }
  return parts.map((part) => part.trim()).filter(Boolean)
}
/** Reads `aten::sum.dim_IntList(Tensor self, int[1]? dim, *, ScalarType? dtype=None) -> Tensor`. */
function parsed(schema) {
  const [, full, inner, result] = /^aten::([\w.]+)\((.*)\) -> (.*)$/.exec(schema) ?? []
  if (full === undefined) return undefined
  let keyword = false
  const given = []
  for (const part of split(inner)) {
    if (part === '*') keyword = true
    else {
      const [, type, name, , fallback] = /^(\S+(?: -> \*\)\S*)?) (\w+)(=(.*))?$/.exec(part) ?? []
      if (type === undefined) return undefined
      given.push({
        type: type.replaceAll(/\([a-z]!?(?: -> \*)?\)/g, ''),
        name,
        keyword,
        optional: fallback !== undefined,
        out: /!\)/.test(part),
      })
    }
  }
  const [name, form = ''] = full.split('.')
  return { full, name, form, given, result: resultOf(result), schema }
}
const isOffered = ({ name, given, result }) =>
  result !== undefined &&
  given.every(
    (one, i) => (one.out ? i === 0 && name.endsWith('_') : true) && one.type !== 'Dimname' && !/Dimname|complex/.test(one.type),
  ) &&
  given.every((one) => typeOf(one) !== undefined || one.optional) &&
  (result.includes('T') || given[0]?.type === 'Tensor')

/** Signatures of a form: arguments in order and then named ones, and all optional ones by name. */
function signatures({ given, name, result }, isMethod) {
  const usable = given.filter((one) => typeOf(one) !== undefined).slice(isMethod ? 1 : 0)
  const positional = usable.filter((one) => !one.keyword)
  const argument = (one, optional) => `${camel(one.name)}${optional ? '?' : ''}: ${typeOf(one)}`
  const makes = !isMethod && given.every(({ type }) => !type.startsWith('Tensor')) && given.some((one) => one.name === 'dtype')
  const like = /_like$/.test(name)
  const extra = makes || like ? ['requiresGrad?: boolean'] : []
  const options = (keys, isRequired) =>
    keys.length + extra.length === 0
      ? []
      : [`options${isRequired ? '' : '?'}: { ${[...keys.map((one) => argument(one, one.optional)), ...extra].join('; ')} }`]
  const named = usable.filter((one) => one.keyword)
  const required = named.some((one) => !one.optional)
  const back = name.endsWith('_') ? (isMethod ? 'this' : 'T') : result
  const write = (parts) => `(${parts.join(', ')}): ${back}`
  const firstOptional = positional.findIndex((one) => one.optional)
  if (required) {
    return [
      write([
        ...positional.filter((one) => !one.optional).map((one) => argument(one, false)),
        ...options([...positional.filter((one) => one.optional), ...named], true),
      ]),
    ]
  }
  const all = write([...positional.map((one) => argument(one, one.optional)), ...options(named, false)])
  if (firstOptional < 0) return [all]
  const before = positional.slice(0, firstOptional)
  const after = positional.slice(firstOptional)
  const mixed = write([...before.map((one) => argument(one, false)), ...options([...after, ...named], false)])
  return [all, mixed]
}

const schemas = operatorSchemas()
  .map(parsed)
  .filter((one) => one !== undefined && isOffered(one))
const lists = ({ given }) => given.filter(({ type, keyword }) => !keyword && /int\[\]|SymInt\[\]/i.test(type)).length
/**
 * Forms of an operator in the order in which they are tried: those with few arguments first, and lists of integers last, as one integer
 * may stand for a list.
 */
const formsOf = (wanted) =>
  schemas
    .filter(({ name }) => name === wanted)
    .sort(
      (a, b) =>
        Number(a.form !== '') - Number(b.form !== '') ||
        lists(a) - lists(b) ||
        a.given.length - b.given.length ||
        (a.form < b.form ? -1 : 1),
    )

/** Every offered operator: its topic, its name in JavaScript and its forms. */
const operators = Object.entries(OPERATORS).flatMap(([topic, names]) =>
  names.split(/\s+/).flatMap((base) =>
    [base, `${base}_`].flatMap((name) => {
      const forms = formsOf(name)
      if (forms.length === 0 && name === base && formsOf(`${base}_`).length === 0)
        throw new Error(`libtorch has no operator ${base}`)
      return forms.length === 0 ? [] : [{ topic, name: camel(name), base: name, forms }]
    }),
  ),
)
const unique = (list) => [...new Set(list)]
const isMethod = ({ base, forms }) => !FUNCTIONS_ONLY.includes(base) && forms.some(({ given }) => given[0]?.type === 'Tensor')
const linesOf = (chosen, method) =>
  chosen.flatMap(({ name, forms }) =>
    unique(forms.filter(({ given }) => !method || given[0]?.type === 'Tensor').flatMap((form) => signatures(form, method))).map(
      (text) => `  ${name}${text}`,
    ),
  )

const head = '// Made by scripts/operators.mjs from the schemas of libtorch; change that and run: node scripts/operators.mjs\n'
const forms = `${head}
/** Forms of each operator in the order in which they are tried. */
export const FORMS: Readonly<Record<string, readonly string[]>> = {
${operators.map(({ name, forms }) => `  ${name}: [${forms.map(({ full }) => `'aten::${full}'`).join(', ')}],`).join('\n')}
}

/** Operators that are also methods of a tensor. */
export const METHODS: readonly string[] = [${operators
  .filter(isMethod)
  .map(({ name }) => `'${name}'`)
  .join(', ')}]
`
const types = `${head}
import type { DType } from '../../native.js'
import type { Generator } from '../generator.js'

/** Operators as methods of a tensor; \`T\` is the class Tensor. */
export interface TensorMethods<T> {
${linesOf(operators.filter(isMethod), true).join('\n')}
}

/** Operators as functions. */
export interface TorchFunctions<T> {
${linesOf(operators, false).join('\n')}
}
`

/** Formats a source as the linter does. */
function formatted(name, text) {
  const folder = mkdtempSync(join(root, 'lib', '.operators-'))
  try {
    const path = join(folder, name)
    writeFileSync(path, text)
    spawnSync(process.execPath, [join(root, 'node_modules/@biomejs/biome/bin/biome'), 'format', '--write', path], { cwd: root })
    return readFileSync(path, 'utf8')
  } finally {
    rmSync(folder, { recursive: true })
  }
}
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const stale = Object.entries({ 'operator-forms.ts': forms, 'operator-types.ts': types }).filter(([name, text]) => {
    const path = join(root, FOLDER, name)
    const wanted = formatted(name, text)
    const isStale = readFileSync(path, { encoding: 'utf8', flag: 'a+' }) !== wanted
    if (isStale && !process.argv.includes('--check')) writeFileSync(path, wanted)
    return isStale
  })
  for (const [name] of stale) process.stdout.write(`${process.argv.includes('--check') ? 'stale' : 'wrote'}: ${FOLDER}/${name}\n`)
  if (process.argv.includes('--check') && stale.length > 0) process.exitCode = 1
}
