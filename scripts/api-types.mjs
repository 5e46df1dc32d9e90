// Reads the declarations of the package with TypeScript's checker and writes them as text.
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const entry = fileURLToPath(new URL('../dist/lib/index.d.ts', import.meta.url))
const specEntry = fileURLToPath(new URL('../dist/lib/spec/index.d.ts', import.meta.url))
const program = ts.createProgram([entry, specEntry], {
  strict: true,
  exactOptionalPropertyTypes: true,
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  typeRoots: [fileURLToPath(new URL('../node_modules/@types', import.meta.url))],
  types: ['node'],
  skipLibCheck: true,
})
export const checker = program.getTypeChecker()
export const { NoTruncation: Full, InTypeAlias: Expand } = ts.TypeFormatFlags
/** Symbols that a module exports, by name. */
const exportsOf = (file) =>
  new Map(
    checker
      .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)))
      .map((symbol) => [symbol.name, symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol]),
  )
export const exported = exportsOf(entry)
export const ownParts = exportsOf(specEntry)
export const isValue = (symbol) => (symbol.flags & ts.SymbolFlags.Value) !== 0
export const isClass = (symbol) => (symbol.flags & ts.SymbolFlags.Class) !== 0
const isOptional = (symbol) => (symbol.flags & ts.SymbolFlags.Optional) !== 0
export const isOurs = (symbol) => symbol?.declarations?.[0].getSourceFile().fileName.includes('/dist/lib/') === true
export const isPublic = (symbol) =>
  isOurs(symbol) &&
  !/^(__|#)/.test(symbol.name) &&
  !symbol.declarations[0].getSourceFile().fileName.endsWith('/operator-types.d.ts') && // operators.md lists them
  !(ts.getCombinedModifierFlags(symbol.declarations[0]) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected))

const sorted = (union) => union.split(' | ').sort().join()
/** Names of long unions by their sorted members. */
const unions = new Map(
  ['ErrorCode', 'ModelName'].map((name) => {
    const type = checker.getDeclaredTypeOfSymbol(exported.get(name))
    return [sorted(checker.typeToString(type, undefined, Full | Expand).replaceAll('"', "'")), name]
  }),
)
/** A union of names in the order of the alphabet, because that of the checker changes with any file. */
const ordered = (union) => sorted(union).replaceAll(',', ' | ')
/** Writes a type as source code. */
export const written = (type, flags = 0) =>
  checker
    .typeToString(type, undefined, Full | flags)
    .replaceAll('<ArrayBufferLike>', '')
    .replaceAll(', void, void>', '>')
    .replaceAll('readonly ', '')
    .replaceAll('; }', ' }')
    .replaceAll(/(\?: [^;,)]*) \| undefined/g, '$1')
    .replaceAll('"', "'")
    .replaceAll(/('\w+' \| ){12,}'\w+'/g, (union) => unions.get(sorted(union)) ?? '…')
    .replaceAll(/'[^'|]*'(?: \| '[^'|]*')+/g, ordered)
const typeOf = (key) => {
  const text = written(checker.getTypeOfSymbol(key))
  return isOptional(key) ? text.replace(/ \| undefined$/, '').replace(/^\((.*=>.*)\)$/, '$1') : text
}
const label = (key) => `${key.name}${isOptional(key) ? '?' : ''}`

/** Writes a type; short types that are not exported are expanded. */
export function inline(type) {
  const symbol = type.aliasSymbol ?? type.symbol
  const isHidden = isOurs(symbol) && !exported.has(symbol.name) && !(type.aliasTypeArguments ?? type.typeArguments)?.length
  if (!isHidden || type.isUnion() || symbol.name === '__type') return written(type)
  if (type.aliasSymbol) return written(type, Expand)
  const keys = checker.getPropertiesOfType(type)
  return keys.length > 6 ? symbol.name : `{ ${keys.map((key) => `${label(key)}: ${typeOf(key)}`).join('; ')} }`
}

export function signature(name, call) {
  const parameters = call.parameters.map((parameter) => {
    const declaration = parameter.valueDeclaration
    const optional = checker.isOptionalParameter(declaration)
    const type = checker.getTypeOfSymbol(parameter)
    const title = parameter.name.startsWith('__') ? 'options' : parameter.name
    return `${declaration.dotDotDotToken ? '...' : ''}${title}${optional ? '?' : ''}: ${inline(optional ? checker.getNonNullableType(type) : type)}`
  })
  const promised = promisedBy(call)
  return `${name}(${parameters.join(', ')}): ${promised ? `Promise<${inline(promised)}>` : inline(call.getReturnType())}`
}
export const promisedBy = (call) => {
  const type = call.getReturnType()
  return type.symbol?.name === 'Promise' ? checker.getTypeArguments(type)[0] : undefined
}

export const code = (text) => `\`${text}\``
export const block = (text) => `\`\`\`ts\n${text}\n\`\`\``
/** Docstring of a declaration; `Errors:` and similar parts begin a line of their own. */
export const about = (symbol) =>
  ts
    .displayPartsToString(symbol.getDocumentationComment(checker))
    .trim()
    .replaceAll(/\s*\n?(?<!^)\b((?:Shapes|Units|Errors|Source): )/g, '\n\n$1')
const cell = (text) => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ')
export const table = (titles, rows) =>
  [titles, titles.map(() => '---'), ...rows.map((row) => row.map(cell))].map((row) => `| ${row.join(' | ')} |`).join('\n')

/** Sorts keys as they are declared, those of the type's own file first: the order of the checker changes with any file. */
function placeOf({ declarations: [first] }, home) {
  const { fileName } = first.getSourceFile()
  return `${fileName === home ? ' ' : fileName}:${String(first.pos).padStart(9, '0')}`
}

/** Members of a class or type; of a union, the members that all its types share. */
export function members(type, { declarations: [first] }) {
  const isShared = (key) => new Set(key.declarations).size === 1
  const known = checker.getPropertiesOfType(type).filter((key) => isPublic(key) && (!type.isUnion() || isShared(key)))
  const home = first.getSourceFile().fileName
  known.sort((a, b) => (placeOf(a, home) < placeOf(b, home) ? -1 : 1))
  const calls = (key) => checker.getTypeOfSymbol(key).getCallSignatures()
  const shown = (key) =>
    calls(key).length > 0 && key.flags & ts.SymbolFlags.Method
      ? calls(key).map((call) => code(signature(key.name, call)))
      : [code(`${label(key)}: ${typeOf(key)}`)]
  return known.map((key) => [shown(key).join('<br>'), about(key)]).filter(([text]) => !/\bNative|__@/.test(text)) // handles of the addon
}
