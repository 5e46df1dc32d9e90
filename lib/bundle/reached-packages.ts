import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative } from 'node:path'

/** Static imports and exports, and packages that `require` is called with. */
const STATIC =
  /^\s*(?:import\s*|(?:import|export)\b[^'"`;=()]*?\bfrom\s*)['"]([^'"\n]+)['"]|\brequire\(\s*['"]([^'"\n]+)['"]\s*\)/gm
const DYNAMIC = /\b(?:import|require\.resolve)\(\s*['"]([^'"\n]+)['"]\s*\)/g
/** Programs that run in a process or thread of their own, which no import names. */
const PROGRAM = /(-child|-worker|trial)\.js$/

/** `@scope/name/path` → `@scope/name` */
const packageOf = (specifier: string) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
const isPackage = (specifier: string) => !/^[./]|^node:/.test(specifier) && !builtinModules.includes(specifier)

/**
 * Names of the packages that serving imports, found by following the imports of the compiled modules.
 *
 * Dynamic imports are followed from the verbs and the server only: elsewhere they load charts and projections for reports.
 */
export function reachedPackages(dist: string, verbs: readonly string[]): string[] {
  const programs = readdirSync(join(dist, 'lib'), { recursive: true, encoding: 'utf8' })
    .filter((file) => PROGRAM.test(file) || /^serve[\\/].*\.js$/.test(file))
    .map((file) => join(dist, 'lib', file))
  const commands = verbs.map((verb) => join(dist, 'bin', 'commands', `${verb}.js`))
  const seen = new Set([join(dist, 'bin', 'lvm.js'), ...commands, ...programs])
  const packages = new Set<string>()
  for (const file of seen) {
    if (!existsSync(file)) continue
    const source = readFileSync(file, 'utf8')
    const followsDynamic = commands.includes(file) || relative(dist, file).startsWith(join('lib', 'serve'))
    const found = [...source.matchAll(STATIC), ...(followsDynamic ? source.matchAll(DYNAMIC) : [])]
    for (const [, one, other] of found) {
      const specifier = (one ?? other)!
      if (specifier.startsWith('.')) seen.add(join(dirname(file), specifier))
      else if (isPackage(specifier)) packages.add(packageOf(specifier))
    }
  }
  return [...packages].sort()
}
