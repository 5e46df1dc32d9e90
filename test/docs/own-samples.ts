import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../lib/libtorch/paths.js'
import type { Collector } from './collector.js'

const MODEL = `import { architecture, linear, named } from 'lvm-torch/spec'
export default architecture({ name: 'mine', causal: true, width: () => 8, trunk: ({ dim }) => named('up', linear({ in: dim, out: 8 })) })
`

/** Trains an architecture of one's own; its file is left for a sweep. */
export async function ownArchitectures({ folder, keep, events, read, run }: Collector): Promise<void> {
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(packageRoot(), join(folder, 'node_modules', 'lvm-torch'), 'junction') // the file imports the package by its name
  writeFileSync(join(folder, 'mine.mjs'), MODEL)
  const short = '--data data --epochs 1 --threads 1 --max-windows 64'
  await events(`train --model-file mine.mjs ${short}`)
  keep('manifest.json', read(run('mine', 'manifest.json')))
}
