import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { EncoderTag } from '../../data/encoder-tag.js'
import { fileError } from '../../errors.js'
import { npyHeader } from '../../files/npy.js'
import { requireReplaceable } from '../../files/replaceable.js'
import { syncFolder, temporary, writeAll, writeNew } from '../../files/write.js'
import type { EncodedBlock } from './encode-lines.js'

/** Card of a file that `encode` writes. */
export interface EncodedCard {
  readonly space: string
  readonly encoder: EncoderTag
  readonly source: string
  readonly rows: number
}

/** Files that belong together: vectors, texts and card. */
export const pathsOf = (out: string) => {
  const stem = out.replace(/\.npy$/i, '')
  return { out, side: `${stem}.jsonl`, card: `${stem}.card.json` }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: NodeJS.ArrayBufferView) => new Uint8Array(buffer, byteOffset, byteLength)

/** Writes blocks of unknown number: the header is written again when the rows are known. Returns the rows. */
async function append(
  blocks: AsyncIterable<EncodedBlock>,
  vectors: FileHandle,
  side: FileHandle,
  dim: number,
  dtype: 'float16' | 'float32',
) {
  let rows = 0
  await writeAll(vectors, npyHeader(rows, dim, dtype))
  for await (const block of blocks) {
    await writeAll(vectors, bytesOf(block.vectors))
    await writeAll(side, Buffer.from(block.texts.map((text) => `${JSON.stringify({ text })}\n`).join('')))
    rows += block.texts.length
  }
  const header = npyHeader(rows, dim, dtype) // as long as the first one: both end at byte 128
  await vectors.write(header, 0, header.length, 0)
  for (const file of [vectors, side]) await file.sync()
  return rows
}

/**
 * Writes vectors, texts and card; all three appear together at the end, or none.
 *
 * Errors: BAD_OPTION for files that `encode` did not write, NO_DISK, FILE_ACCESS, those of the blocks.
 */
export async function writeEncoded(
  out: string,
  blocks: AsyncIterable<EncodedBlock>,
  o: { dim: number; dtype: 'float16' | 'float32'; card: (rows: number) => EncodedCard },
): Promise<{ rows: number; side: string; card: string }> {
  const paths = pathsOf(out)
  await requireReplaceable('encode', Object.values(paths), paths.card, /"source": "lvm-torch encode"/)
  const folder = dirname(out)
  const parts: string[] = []
  const begin = async () => {
    parts.push(temporary(folder))
    return open(parts.at(-1)!, 'wx')
  }
  const opened: FileHandle[] = []
  try {
    await mkdir(folder, { recursive: true })
    opened.push(await begin(), await begin())
    const rows = await append(blocks, opened[0]!, opened[1]!, o.dim, o.dtype)
    parts.push(temporary(folder))
    await writeNew(parts[2]!, `${JSON.stringify(o.card(rows), null, 2)}\n`, paths.card)
    await rm(`${paths.side}.gz`, { force: true }) // it would be read in place of the new one
    for (const [i, path] of [paths.card, paths.side, paths.out].entries()) await rename([parts[2], parts[1], parts[0]][i]!, path)
    await syncFolder(folder)
    return { rows, side: paths.side, card: paths.card }
  } catch (error) {
    throw fileError(error, `could not write ${out}`)
  } finally {
    for (const file of opened) await file.close().catch(() => {})
    for (const part of parts) await rm(part, { force: true }).catch(() => {})
  }
}
