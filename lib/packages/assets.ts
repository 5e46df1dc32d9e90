import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'

/** Files of packages that are read at run time; the build copies them beside this file, those of `PACKED` with gzip. */
export const SERVED = ['@fastify/swagger-ui/static/swagger-ui-bundle.js', '@fastify/swagger-ui/static/swagger-ui.css'] as const
export const PACKED = [
  '@resvg/resvg-wasm/index_bg.wasm',
  'dejavu-fonts-ttf/ttf/DejaVuSansCondensed.ttf',
  'dejavu-fonts-ttf/ttf/DejaVuSansCondensed-Bold.ttf',
] as const

const beside = (name: string) => fileURLToPath(new URL(name, import.meta.url))
/** Path in node_modules, where TypeScript runs directly. */
const installed = (name: string) =>
  createRequire(import.meta.url).resolve([...SERVED, ...PACKED].find((path) => basename(path) === name)!)

/** Path of a file that is served. */
export const assetPath = (name: string): string => (existsSync(beside(name)) ? beside(name) : installed(name))

/** Content of a packed file. */
export async function asset(name: string): Promise<Buffer> {
  const packed = beside(`${name}.gz`)
  return existsSync(packed) ? promisify(gunzip)(await readFile(packed)) : readFile(installed(name))
}
