import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isArchitecture } from '../architectures/own.js'
import { cut, fileError, LvmError, shown } from '../errors.js'
import { shellWord } from '../show.js'
import type { Architecture } from '../spec/architecture.js'
import { requireOwn } from './own-model.js'

const EXPORT = 'end the file with: export default architecture({ … })'

/** Line of a file that an error comes from, as `:12`; empty where the error does not say. */
function lineIn(path: string, error: Error): string {
  const stack = String(error.stack)
  const place = [pathToFileURL(path).href, path].find((place) => stack.includes(`${place}:`))
  return place === undefined ? '' : (/^:\d+/.exec(stack.slice(stack.indexOf(`${place}:`) + place.length))?.[0] ?? '')
}

/** What to do about a module that did not load. */
function fixOf(path: string, error: Error & { code?: unknown }): string {
  const missing = /^Cannot find package '([^']+)'/.exec(error.message)?.[1]
  if (missing !== undefined) return `run: npm install ${missing}; in the folder ${dirname(path)} or one above it`
  if (error.code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[cm]?ts$/.test(path))
    return 'compile it to JavaScript, or use Node 22.18 or later, which reads TypeScript'
  if (error instanceof SyntaxError) return `run: node --check ${shellWord(path)}; shows the place`
  return 'correct the file; docs/own-architectures.md has an example'
}

/** Error for a module that did not load; one of this package, such as from architecture(), keeps its code. */
function loadError(path: string, thrown: unknown): LvmError {
  const error = thrown instanceof Error ? thrown : new Error(shown(thrown))
  const place = `${path}${lineIn(path, error)}`
  if (error.name === 'LvmError') {
    const { code, message, commandHint } = error as LvmError // possibly of another copy of this package
    return new LvmError(code, `${place}: ${message}`, { hint: commandHint, cause: error })
  }
  const said = cut(`${error.name}: ${error.message}`.replaceAll('\n', ' '), 200)
  return new LvmError('BAD_SPEC', `${place}: expected a module that loads but received ${said}`, {
    hint: fixOf(path, error),
    cause: error,
  })
}

/** Imports a module. Errors: BAD_SPEC, also for one that waits for ever, after which Node would end without a word. */
async function imported(path: string): Promise<Readonly<Record<string, unknown>>> {
  const { href } = pathToFileURL(path)
  let onIdle = () => {}
  const idle = new Promise<never>((_, reject) => {
    onIdle = () => reject(new Error('a wait that never ends'))
  })
  process.once('beforeExit', onIdle)
  try {
    return await Promise.race([import(href) as Promise<Record<string, unknown>>, idle])
  } catch (error) {
    throw loadError(path, error)
  } finally {
    process.off('beforeExit', onIdle)
  }
}

/**
 * Returns the architecture that a JavaScript file has as its default export.
 *
 * Errors: FILE_MISSING, FILE_ACCESS; BAD_SPEC for a file that does not load or exports none.
 */
export async function readModelFile(file: string): Promise<Architecture> {
  const path = resolve(file)
  try {
    if (!(await stat(path)).isFile())
      throw new LvmError('BAD_SPEC', `${path}: expected a JavaScript file but it is none`, { hint: EXPORT })
  } catch (error) {
    throw fileError(error, 'could not read the file of an architecture')
  }
  const module = await imported(path)
  const made = [module.default, (module.default as { default?: unknown } | undefined)?.default].find(isArchitecture)
  if (made !== undefined) return requireOwn(made)
  const named = Object.keys(module).find((key) => key !== 'default' && isArchitecture(module[key]))
  throw new LvmError(
    'BAD_SPEC',
    `${path}: expected what architecture() of lvm-torch/spec returns as default export but received ${shown(module.default)}`,
    { hint: named === undefined ? EXPORT : `add the line: export default ${named}` },
  )
}
