import { readFileSync } from 'node:fs'
import { VERSION } from '../lib/libtorch/pins.js'

/** The folder of the package: above dist/ once compiled, above bin/ when run from source. */
export const packageRoot = new URL(import.meta.url.includes('/dist/bin/') ? '../../' : '../', import.meta.url)

/** Versions of this package, Node and the pinned libtorch, one per line. */
export function versions(): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', packageRoot), 'utf8')) as { version: string }
  return `lvm-torch ${version}\nnode ${process.version}\nlibtorch ${VERSION} (pinned)`
}
