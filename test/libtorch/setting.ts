import { join } from 'node:path'
import { type InstallOptions, install } from '../../lib/libtorch/install.js'
import type { Progress } from '../../lib/libtorch/sources.js'
import { folder } from './fake.js'

/** Makes an installer with an empty cache. */
export function setting(options: InstallOptions = {}) {
  const cache = folder()
  const env = { LVM_TORCH_CACHE: cache, ...options.env }
  const store = join(cache, 'lvm-torch', 'libtorch')
  const seen: Progress[] = []
  const run = (more: InstallOptions = {}) =>
    install({ progress: (p) => seen.push(p), ...options, ...more, env: { ...env, ...more.env } })
  return { store, env, seen, run }
}
/** Path of a file in the installation that `wheels` produces. */
export const path = (store: string, name: string) => join(store, '2.13.0-cpu', name)
