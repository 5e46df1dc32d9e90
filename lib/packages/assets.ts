import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Files of packages that are read at run time; the build copies them beside this file. */
export const ASSETS = [
  '@resvg/resvg-wasm/index_bg.wasm',
  'dejavu-fonts-ttf/ttf/DejaVuSansCondensed.ttf',
  'dejavu-fonts-ttf/ttf/DejaVuSansCondensed-Bold.ttf',
  '@fastify/swagger-ui/static/swagger-ui-bundle.js',
  '@fastify/swagger-ui/static/swagger-ui.css',
] as const

/** Path of an asset: beside this file in a build, in node_modules where TypeScript runs directly. */
export function assetPath(name: string): string {
  const beside = fileURLToPath(new URL(name, import.meta.url))
  if (existsSync(beside)) return beside
  return createRequire(import.meta.url).resolve(ASSETS.find((path) => basename(path) === name)!)
}
