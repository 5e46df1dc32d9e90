import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { point, renewTop } from '../../lib/checkpoint/generation.js'
import { type FileRecord, manifestText, recordOf, seal } from '../../lib/checkpoint/manifest.js'
import type { RunManifest } from '../../lib/checkpoint/run-manifest.js'
import { verifyRun } from '../../lib/checkpoint/run-store.js'
import { clone } from './run.js'

/** A manifest that a test may modify. */
export type Forged = { -readonly [K in keyof RunManifest]: RunManifest[K] } & { files: Record<string, FileRecord> }

/** Copies a run and changes its manifest or a file, with matching hashes. */
export async function forged(
  run: string,
  to: string,
  change: { manifest?: (manifest: Forged) => void; files?: Record<string, (path: string) => Promise<unknown>> },
): Promise<string> {
  clone(run, to)
  const { path, generation, manifest } = await verifyRun(to)
  const { digest: _, ...fields } = structuredClone(manifest) as Forged
  for (const [name, write] of Object.entries(change.files ?? {})) {
    await rm(join(path, name), { force: true })
    await write(join(path, name))
    fields.files[name] = await recordOf(join(path, name))
  }
  change.manifest?.(fields as Forged)
  const sealed = seal(fields)
  await writeFile(join(path, 'manifest.json'), manifestText(sealed))
  const checkpoint = { generation, path, manifest: sealed }
  await point(to, checkpoint)
  await renewTop(to, checkpoint)
  return to
}
