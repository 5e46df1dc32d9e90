import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERRORS } from '../../lib/errors.js'
import { faulty, here, possible } from './faults/preload.js'
import { tempFolder } from './run.js'

const { errno } = constants

interface Try {
  readonly at: number
  readonly fired: number
  readonly outcome: string
  readonly step: number
  readonly found: number
}

async function saves(error: number, keep: boolean): Promise<Try[]> {
  const place = await tempFolder(true)
  const [folder, control] = [join(place, 'run'), join(place, 'control')]
  const env = faulty(folder, control, { at: 0, errno: error, keep })
  const child = spawnSync(process.execPath, [here('saves.mjs'), folder, control, String(error), keep ? '1' : '0'], {
    env,
    encoding: 'utf8',
    timeout: 280_000,
  })
  expect(child.signal, child.stderr).toBe(null)
  expect(child.status, child.stderr).toBe(0)
  expect(readdirSync(folder).filter((name) => name.startsWith('.tmp'))).toEqual([])
  return child.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Try)
}

describe.skipIf(!possible)('a save in which each system call fails in turn', () => {
  it.each([
    ['the disk is full', errno.ENOSPC, false, 'NO_DISK'],
    ['the quota is used up from that call on', errno.EDQUOT, true, 'NO_DISK'],
    ['the disk cannot be read or written', errno.EIO, false, 'FILE_ACCESS'],
    ['the disk is read-only from that call on', errno.EROFS, true, 'FILE_ACCESS'],
    ['too many files are open', errno.EMFILE, false, 'OPEN_FILES'],
    ['there is no memory while libtorch writes', errno.ENOMEM, false, 'OUT_OF_MEMORY'],
  ])(
    'a save that fails because %s ends with an error code, and the previous save is intact',
    { timeout: 300_000 },
    async (_, error, keep, code) => {
      const tries = await saves(error, keep)
      for (const { at, outcome, step, found } of tries) {
        expect([...Object.keys(ERRORS), 'saved'], `call ${at}`).toContain(outcome)
        expect(outcome === 'saved' ? [step] : [step - 1, step], `call ${at}: ${outcome}`).toContain(found)
      }
      expect(tries.length).toBeGreaterThan(10)
      expect(tries.filter(({ outcome }) => outcome === code).length).toBeGreaterThan(5)
      expect(tries.at(-1)).toMatchObject({ fired: 0, outcome: 'saved' })
    },
  )
})
