import { createHash } from 'node:crypto'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileError, LvmError } from '../../errors.js'
import { sha256 } from '../../files/hash.js'
import { streamBytes } from '../../files/read-file.js'
import { writeAll } from '../../files/write.js'
import { fileBytes, type HubRequest, NoRanges, RETRIES } from './hub-client.js'
import type { ListedFile } from './needed-files.js'

const sizeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    ({ size }) => size,
    () => undefined,
  )

/** Id of a file as a Git blob. */
async function gitSum(path: string, bytes: number): Promise<string> {
  const hash = createHash('sha1').update(`blob ${bytes}\0`)
  for await (const piece of streamBytes(path, 0, bytes)) hash.update(piece)
  return hash.digest('hex')
}

const sumOf = (path: string, { sum, bytes }: ListedFile) => (sum.kind === 'git' ? gitSum(path, bytes) : sha256(path))

/** Whether a path holds the bytes of a listed file. */
export const isWhole = async (path: string, file: ListedFile): Promise<boolean> =>
  (await sizeOf(path)) === file.bytes && (await sumOf(path, file)) === file.sum.hex

/** Appends the rest of a file to its part. Errors: those of fileBytes; NO_DISK, FILE_ACCESS; ENCODER_MISMATCH for more bytes than listed. */
async function appendRest(
  o: HubRequest,
  commit: string,
  file: ListedFile,
  part: string,
  got: (bytes: number) => void,
): Promise<void> {
  const coded = (error: unknown): never => {
    throw fileError(error, `could not write ${part}`)
  }
  let held = (await sizeOf(part)) ?? 0
  const out = await open(part, 'a').catch(coded)
  try {
    if (held < file.bytes) {
      for await (const piece of fileBytes(o, commit, file, held)) {
        held += piece.length
        if (held > file.bytes) throw mismatch(o, file, `${file.bytes} bytes`, 'more')
        await writeAll(out, piece).catch(coded)
        got(held)
      }
    }
    if (held < file.bytes) throw new TypeError('the connection ended early')
    await out.sync().catch(coded)
  } finally {
    await out.close()
  }
}

const mismatch = (o: HubRequest, { path }: ListedFile, expected: string, received: string) =>
  new LvmError('ENCODER_MISMATCH', `encoders fetch: ${o.name}: expected ${expected} of ${path} but received ${received}`, {
    hint: 'run the same command again; if it fails again, the hub or the mirror is damaged: name another one with --hub',
  })

/**
 * Downloads a file and checks its size and hash; a transfer that was interrupted, in this process or an earlier one, goes on.
 *
 * `got` receives the bytes of it on disk. Errors: ENCODER_FETCH, ENCODER_MISMATCH, NO_DISK, FILE_ACCESS.
 */
export async function fetchFile(
  o: HubRequest,
  commit: string,
  file: ListedFile,
  target: string,
  got: (bytes: number) => void,
): Promise<void> {
  if (await isWhole(target, file)) return got(file.bytes)
  const part = `${target}.part`
  await mkdir(dirname(target), { recursive: true })
  for (let idle = 0, again = true; ; ) {
    const before = (await sizeOf(part)) ?? 0
    if (before > file.bytes) await rm(part)
    const error = await appendRest(o, commit, file, part, got).then(
      () => undefined,
      (error: unknown) => error,
    )
    if (error === undefined) {
      const sum = await sumOf(part, file)
      if (sum === file.sum.hex) break
      await rm(part)
      if (before === 0 || !again)
        throw mismatch(o, file, `${file.sum.kind === 'git' ? 'the Git id' : 'SHA-256'} ${file.sum.hex}`, sum)
      again = false // the part of an earlier process may have been damaged: once from the start
    } else if (error instanceof NoRanges) await rm(part)
    else if (error instanceof LvmError || o.signal?.aborted) {
      if ((error as LvmError).code === 'ENCODER_MISMATCH') await rm(part, { force: true })
      throw error
    } else {
      idle = ((await sizeOf(part)) ?? 0) > before ? 0 : idle + 1
      if (idle > RETRIES)
        throw new LvmError(
          'ENCODER_FETCH',
          `encoders fetch: ${o.name}: the connection to ${o.url} was lost while ${file.path} was fetched`,
          { cause: error, hint: 'run the same command again: it goes on where it stopped' },
        )
    }
  }
  await rename(part, target)
}
