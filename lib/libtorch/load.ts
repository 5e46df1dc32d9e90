import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)

/** Temporary thin thread: replaced by lib/libtorch/{find,load}.ts. */
export function loadLibtorch(): { addon: string; libtorch: string } {
  let root = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(root, 'package.json'))) root = dirname(root)
  const libtorch = process.env.LVM_TORCH_LIBTORCH ?? ''
  require(join(root, 'build/loader/loader.node')).load(join(libtorch, 'lib'))
  return { addon: join(root, 'build/Release/lvm_torch.node'), libtorch }
}
