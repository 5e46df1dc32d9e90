import { readFileSync } from 'node:fs'

/** package.json stands beside dist/ once compiled, and beside bin/ when run from source. */
function packageVersion(): string {
  const here = import.meta.url.includes('/dist/bin/') ? '../../package.json' : '../package.json'
  return (JSON.parse(readFileSync(new URL(here, import.meta.url), 'utf8')) as { version: string }).version
}

/** Package, Node and the libtorch that this package is made for, a line each. */
export const versions = (): string => `lvm-torch ${packageVersion()}\nnode ${process.version}\nlibtorch 2.13.0 (pinned)`
