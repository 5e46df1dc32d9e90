import { createHash, timingSafeEqual } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { fileError, LvmError } from '../../errors.js'

/** The keys of a file. */
export interface ApiKeys {
  /** Whether a header Authorization has one of the keys; takes the same time for every key. */
  accepts(authorization: string | undefined): boolean
  /** Reasons to look at the file. */
  readonly warnings: readonly string[]
}

const digest = (key: string) => createHash('sha256').update(key).digest()

const SHORTEST = 16

/** Reads a file with one key a line; lines that begin with # are comments. Errors: BAD_OPTION, FILE_…. */
export async function readApiKeys(file: string): Promise<ApiKeys> {
  const [text, { mode }] = await Promise.all([readFile(file, 'utf8'), stat(file)]).catch((error: unknown) => {
    throw fileError(error, 'could not read the keys')
  })
  const keys = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  if (keys.length === 0)
    throw new LvmError('BAD_OPTION', `serve: expected a key in ${file} but found none`, { hint: 'write one key a line' })
  const wrong = keys.findIndex((key) => /[^\x21-\x7e]/.test(key))
  if (wrong >= 0)
    throw new LvmError('BAD_OPTION', `serve: key ${wrong + 1} in ${file} has a character that a header cannot carry`, {
      hint: 'use printable ASCII characters without spaces',
    })
  const digests = keys.map(digest)
  const short = keys.findIndex((key) => key.length < SHORTEST)
  return {
    accepts: (authorization) => {
      const given = digest(/^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? '')
      return digests.reduce((found, known) => timingSafeEqual(known, given) || found, false)
    },
    warnings: [
      ...(process.platform !== 'win32' && (mode & 0o077) !== 0
        ? [`${file} can be read by other users of this machine; run: chmod 600 ${file}`]
        : []),
      ...(short >= 0 ? [`key ${short + 1} in ${file} has fewer than ${SHORTEST} characters and can be guessed`] : []),
    ],
  }
}
